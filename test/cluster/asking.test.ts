/**
 * Claims about a slot that moves key by key and stands still on the way: its keys are in two nodes,
 * which refuse what names several of them (TRYAGAIN) or send it on (ASK).
 */
import { afterEach, expect, test } from "vitest";
import { createScheduler, type PushResult, type Scheduler } from "../../src/index.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { type ClusterNode, startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";
import { kindsHere } from "./kinds.js";

const SHARDS = 16;
const LEASE_MS = 2_000;
const REFUSED_AFTER_MS = 500;

let cluster: TestCluster | undefined;
const schedulers: Scheduler[] = [];

afterEach(async () => {
  await Promise.all(schedulers.splice(0).map((scheduler) => scheduler.stop()));
  await cluster?.stop();
  cluster = undefined;
}, 60_000);

function make(pushTimeout: number): Scheduler {
  const redisConfig = cluster!.config;
  const scheduler = createScheduler({ redisConfig, logger: false, lease: LEASE_MS, pushTimeout });
  schedulers.push(scheduler);
  return scheduler;
}

function taskIn(isThere: (shard: number) => boolean): string {
  const names = Array.from({ length: 200 }, (_, n) => `t${n}`);
  return names.find((name) => isThere(shardOfTask(name, SHARDS))) as string;
}

/** A worker whose task in shard 0 runs one job at a time, the first until it is let go. */
class Play {
  readonly moving: string = taskIn((shard) => shard === 0);
  readonly other: string = taskIn((shard) => shard !== 0);
  readonly began: string[] = [];
  readonly lost: string[] = [];
  readonly completed: string[] = [];
  readonly refused: { id: string; error: { code: string; message: string } }[] = [];
  readonly waiting: Promise<PushResult>[] = [];
  readonly #worker = make(30_000);
  readonly #hasty = make(REFUSED_AFTER_MS);
  endFirst = (): void => {};
  #pushes = 0;

  async begin(): Promise<void> {
    const first = new Promise<void>((resolve) => {
      this.endFirst = resolve;
    });
    const note = ({ jobId }: { jobId: string }): void => void this.began.push(jobId);
    this.#worker.bind(this.other, (_data, context) => note(context));
    this.#worker.bind(
      this.moving,
      async (_data, context) => {
        note(context);
        if (context.jobId === "first") await first;
      },
      { concurrency: 1 },
    );
    this.#worker.on("lease:lost", ({ jobId }) => void this.lost.push(jobId));
    this.#worker.on("job:completed", ({ jobId }) => void this.completed.push(jobId));
    await this.#worker.start();
    for (const id of ["first", "second", "third"]) await this.#worker.push(this.moving, { id });
    await this.#hasty.push(this.other);
    await until("the first to run", () => this.began.includes("first"));
  }

  /** The slot stands still: what becomes of pushes, and of the rest of the store. */
  async whileItStands(): Promise<void> {
    this.#pushes += 1;
    const id = `refused ${this.#pushes}`;
    this.waiting.push(this.#worker.push(this.moving, { id: `waits ${this.#pushes}` }));
    const push = this.#hasty.push(this.moving, { id });
    await push.catch((error) => this.refused.push({ id, error }));
    const aside = await this.#hasty.push(this.other);
    await until("another one to run", () => this.began.includes(aside.id), 2_000);
  }

  /** What was refused was not stored. */
  async pushAgain(): Promise<boolean[]> {
    const again = this.refused.map(({ id }) => this.#hasty.push(this.moving, { id }));
    return (await Promise.all(again)).map(({ created }) => created);
  }

  async settled(): Promise<void> {
    await until("all to be settled", async () => {
      const { ready, running } = await this.#hasty.jobs.counts(this.moving);
      return ready + running === 0;
    });
  }

  ran(prefix: string): string[] {
    return this.began.filter((id) => id.startsWith(prefix));
  }
}

async function nextOf(owner: ClusterNode): Promise<ClusterNode> {
  const { nodes } = cluster!;
  return nodes[(nodes.indexOf(owner) + 1) % nodes.length] as ClusterNode;
}

test.each(kindsHere())(
  "%s: while its keys are in two nodes nothing is lost or doubled",
  async (kind) => {
    cluster = await startCluster({ replicas: 0, kind });
    const play = new Play();
    await play.begin();
    const lefts: number[] = [];
    const owner = await cluster.ownerOf(0);
    const step = async (left: number): Promise<void> => {
      lefts.push(left);
      // In the middle for longer than a lease, and when all keys are there but not the slot.
      if (lefts.length === 3) {
        const until = performance.now() + 2 * LEASE_MS;
        play.endFirst();
        while (performance.now() < until) await play.whileItStands();
      }
      if (left === 0) await play.whileItStands();
    };
    await cluster.migrate(0, await nextOf(owner), step, 1);
    expect(lefts.length).toBeGreaterThan(5);
    expect((await Promise.all(play.waiting)).every(({ created }) => created)).toBe(true);
    for (const { error } of play.refused) {
      expect(error.code).toBe("STORE_UNREACHABLE");
      expect(error.message).toMatch(/ slot 13907 .* does not serve calls now \("(TRYAGAIN|ASK) /);
    }
    expect(await play.pushAgain()).toEqual(play.refused.map(() => true));
    await play.settled();
    const waited = play.waiting.map((_, k) => `waits ${k + 1}`);
    const refused = play.refused.map(({ id }) => id);
    expect(play.ran("waits")).toEqual(waited);
    expect(play.ran("refused").sort()).toEqual([...refused].sort());
    for (const id of ["first", "second", "third"]) expect(play.ran(id)).toEqual([id]);
    expect(play.completed.filter((id) => id === "first")).toEqual(["first"]);
    expect(play.lost).toEqual([]);
  },
  90_000,
);
