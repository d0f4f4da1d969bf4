/**
 * Claims about a hot task on a Cluster: its jobs are on several primaries, ids are stored once by
 * whomever they are pushed, and all of its workers claim from all of its shards, with one
 * concurrency each. A primary that stands still holds up what lives there, and nothing else.
 */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { placeOfId, shardsOfTask } from "../../src/core/shard.js";
import { type BindOptions, createScheduler, type Scheduler } from "../../src/index.js";
import { type ClusterNode, startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";

const SHARDS = 16;
const OVER = 8;
const LEASE_MS = 2_000;
/** Beyond a lease, and beyond what a connection may be silent for. */
const STUCK_MS = 3 * LEASE_MS;
/** Machines that test are busy; a wait for the other shard would be seconds. */
const USUAL_MS = 1_500;

let cluster: TestCluster;
let victim: ClusterNode;
let owners: ClusterNode[];
/** A task with shards on all primaries, whose home is not the victim's. */
let hot: string;
let runs = 0;
const schedulers: Scheduler[] = [];

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0 });
  for (const { client } of cluster.nodes) {
    await client.call("CONFIG", "SET", "cluster-node-timeout", "60000");
    await client.call("CONFIG", "SET", "cluster-require-full-coverage", "no");
  }
  const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
  owners = await Promise.all(shards.map((shard) => cluster.ownerOf(shard)));
  victim = owners[0] as ClusterNode;
  const names = Array.from({ length: 50 }, (_, n) => `hot-${n}`);
  hot = names.find((name) => {
    const places = placesOf(name).map((shard) => owners[shard]);
    return new Set(places).size === 3 && places[0] !== victim;
  }) as string;
}, 60_000);

afterEach(async () => {
  process.kill(victim.server.pid, "SIGCONT");
  await Promise.all(schedulers.splice(0).map((scheduler) => scheduler.stop()));
}, 60_000);

afterAll(async () => await cluster?.stop());

function placesOf(taskId: string, over = OVER): number[] {
  return shardsOfTask(taskId, { shards: SHARDS, over });
}

function ownerOfId(id: string): ClusterNode {
  return owners[placesOf(hot)[placeOfId(id, OVER)] as number] as ClusterNode;
}

/** Schedulers on data of their own. */
class Play {
  readonly prefix: string;
  /** How often each job ran. */
  readonly ran = new Map<string, number>();
  /** Jobs that go on until they are told to end. */
  readonly ends = new Map<string, () => void>();

  constructor() {
    runs += 1;
    this.prefix = `spread-${runs}:`;
  }

  make(): Scheduler {
    const scheduler = createScheduler({
      redisConfig: cluster.config,
      redisPrefix: this.prefix,
      lease: LEASE_MS,
      stopTimeout: "5s",
      logger: false,
    });
    schedulers.push(scheduler);
    return scheduler;
  }

  /** `most`: the most of its jobs that ran at once. */
  async worker(options: BindOptions): Promise<{ scheduler: Scheduler; most: () => number }> {
    const scheduler = this.make();
    let [running, most] = [0, 0];
    scheduler.bind(
      hot,
      async (data, { jobId }) => {
        running += 1;
        most = Math.max(most, running);
        this.ran.set(jobId, (this.ran.get(jobId) ?? 0) + 1);
        if (data === "long") await new Promise<void>((end) => this.ends.set(jobId, end));
        else await pause(2);
        running -= 1;
      },
      options,
    );
    await scheduler.start();
    return { scheduler, most: () => most };
  }

  async haveRun(ids: readonly string[], withinMs = 20_000): Promise<void> {
    await until("all to have run", () => ids.every((id) => this.ran.has(id)), withinMs);
    expect(ids.filter((id) => this.ran.get(id) !== 1)).toEqual([]);
  }
}

/** How many records each primary has of a task. */
async function records(prefix: string, taskId: string): Promise<number[]> {
  const found = new Map(cluster.nodes.map((node) => [node, 0]));
  for (const [shard, owner] of owners.entries()) {
    const n = await owner.client.hlen(`${prefix}{${shard}}:t:${taskId}:jobs`);
    found.set(owner, (found.get(owner) ?? 0) + n);
  }
  return [...found.values()];
}

function idsOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${name}-${n}`);
}

test("its jobs are on all primaries, and two schedulers work them off", async () => {
  const play = new Play();
  // Whoever was there first fixes it, and goes away again.
  const first = await play.worker({ spread: OVER });
  await first.scheduler.stop();
  const producer = play.make();
  const own = idsOf("own", 150);
  const pushes = own.map((id) => producer.push(hot, { id }));
  for (let n = 0; n < 40; n += 1) {
    pushes.push(producer.push(hot), producer.push(hot));
    await Promise.all(pushes);
  }
  const many = await producer.pushMany(hot, [...idsOf("many", 50).map((id) => ({ id })), {}, {}]);
  expect(many.filter((result) => "error" in result)).toEqual([]);
  const answers = await Promise.all(pushes);
  const ids = [...answers, ...many].map((result) => ("id" in result ? (result.id ?? "") : ""));
  expect(new Set(ids).size).toBe(150 + 80 + 52);
  const perPrimary = await records(play.prefix, hot);
  expect(perPrimary.reduce((sum, n) => sum + n, 0)).toBe(ids.length);
  expect(Math.min(...perPrimary)).toBeGreaterThan(ids.length / 8);
  const workers = [await play.worker({ concurrency: 3 }), await play.worker({ concurrency: 3 })];
  await play.haveRun(ids);
  expect(workers.map(({ most }) => most())).toEqual([3, 3]);
  await until("all to be settled", async () => {
    const { ready, running } = await producer.jobs.counts(hot);
    return ready + running === 0;
  });
  expect((await producer.jobs.counts(hot)).total.completed).toBe(ids.length);
}, 60_000);

test("an id is stored once, also by a producer that was there before", async () => {
  const play = new Play();
  const producer = play.make();
  await producer.push(hot, { delay: "1h" });
  const { scheduler } = await play.worker({ spread: OVER });
  const ids = idsOf("once", 60);
  await Promise.all(ids.slice(0, 30).map((id) => scheduler.push(hot, { id })));
  const again = await Promise.all(ids.map((id) => producer.push(hot, { id })));
  expect(again.map(({ created }) => created)).toEqual(ids.map((_, n) => n >= 30));
  await play.haveRun(ids);
  const after = await producer.pushMany(
    hot,
    ids.map((id) => ({ id })),
  );
  expect(after.filter((result) => !("created" in result) || result.created)).toEqual([]);
  expect((await producer.jobs.counts(hot)).scheduled).toBe(1);
}, 60_000);

test("a worker that was there before the task was spread works in all of its shards", async () => {
  const play = new Play();
  const old = await play.worker({});
  const fixing = play.make().bind(hot, () => {}, { spread: OVER });
  await fixing.start();
  await fixing.stop();
  const producer = play.make();
  const ids = idsOf("found", 60);
  await Promise.all(ids.map((id) => producer.push(hot, { id })));
  await play.haveRun(ids);
  expect(old.most()).toBeLessThanOrEqual(10);
}, 60_000);

test("another number is refused at start, and so is a task with remembered ids", async () => {
  const play = new Play();
  await play.worker({ spread: OVER });
  await expect(play.worker({ spread: 4 })).rejects.toMatchObject({
    code: "SPREAD_FIXED",
    value: 4,
  });
  const used = play.make();
  await used.push("used", { id: "mine", delay: "1h" });
  used.bind("used", () => {}, { spread: 2 });
  const refused = { code: "SPREAD_FIXED", message: expect.stringContaining("without it") };
  await expect(used.start()).rejects.toMatchObject(refused);
  expect(used.state).toBe("idle");
}, 60_000);

test("a pushed job runs at once, wherever it goes, also where nobody polls", async () => {
  const play = new Play();
  const scheduler = createScheduler({
    ...{ redisConfig: cluster.config, redisPrefix: play.prefix, logger: false },
    pollInterval: "30s",
  });
  schedulers.push(scheduler);
  scheduler.bind(hot, (_data, { jobId }) => void play.ran.set(jobId, 1), { spread: OVER });
  await scheduler.start();
  // Some of its shards at once, so that each has to be a sleeper for itself.
  for (let round = 0; round < 40; round += 1) {
    const ids = idsOf(`heard-${round}`, 1 + (round % 6));
    await Promise.all(ids.map((id) => scheduler.push(hot, { id, retry: true })));
    await play.haveRun(ids, 10_000);
  }
}, 60_000);

test.each([1, 4])(
  "one primary stands still: with a concurrency of %i the others go on, and nothing is lost",
  async (concurrency) => {
    const play = new Play();
    const { scheduler } = await play.worker({ concurrency, spread: OVER });
    const producer = play.make();
    const ids = idsOf("beside", 1_600);
    const here = ids.filter((id) => ownerOfId(id) !== victim);
    const there = ids.filter((id) => ownerOfId(id) === victim);
    // A claim is under way to it, or jobs of it wait.
    const line = there.splice(0, 300);
    await producer.pushMany(
      hot,
      line.map((id) => ({ id })),
    );
    await until("some to have run", () => play.ran.size > 20, 20_000);

    process.kill(victim.server.pid, "SIGSTOP");
    const some = idsOf("list", 40);
    const list = producer.pushMany(
      hot,
      some.map((id) => ({ id })),
    );
    const endsAt = performance.now() + STUCK_MS;
    const tookMs: number[] = [];
    const late: Promise<unknown>[] = [];
    while (performance.now() < endsAt) {
      const [stuck, id] = [there.pop() as string, here.pop() as string];
      const push = (): Promise<unknown> => producer.push(hot, { id: stuck });
      late.push(
        push().catch(() => until("it to be stored", () => push().catch(() => null), 30_000)),
      );
      const at = performance.now();
      await producer.push(hot, { id });
      await play.haveRun([id], 10_000);
      tookMs.push(performance.now() - at);
      await pause(50);
    }
    expect(Math.max(...tookMs)).toBeLessThan(USUAL_MS);
    // Once it is known to be away, what may go anywhere goes elsewhere.
    await until("it to be missed", () => producer.health().reasons.length > 0);
    const anywhere: string[] = [];
    for (let n = 0; n < 2 * OVER; n += 1) anywhere.push((await producer.push(hot)).id);
    await play.haveRun(anywhere);
    const stored = (await list).map((result) => "created" in result);
    expect(stored).toEqual(some.map((id) => ownerOfId(id) !== victim));

    process.kill(victim.server.pid, "SIGCONT");
    await until("it to be whole again", () => scheduler.health().store.connected, 10_000);
    await Promise.all(late);
    await until(
      "all to be settled",
      async () => {
        const counts = await producer.jobs.counts(hot);
        return counts.ready + counts.running === 0;
      },
      20_000,
    );
    await play.haveRun([...line, ...some.filter((_, n) => stored[n])]);
    expect([...play.ran.values()].filter((times) => times !== 1)).toEqual([]);
  },
  90_000,
);

test("a shard with a long line leaves the others their part", async () => {
  const play = new Play();
  const { scheduler, most } = await play.worker({ concurrency: 2, spread: OVER });
  const producer = play.make();
  const all = idsOf("line", 8_000);
  const isIn = (id: string, place: number) => placeOfId(id, OVER) === place;
  const long = all.filter((id) => isIn(id, 1)).slice(0, 600);
  await producer.pushMany(
    hot,
    long.map((id) => ({ id })),
  );
  const short = all.filter((id) => isIn(id, 2)).slice(0, 5);
  await Promise.all(short.map((id) => producer.push(hot, { id })));
  await play.haveRun(short);
  expect((await scheduler.jobs.counts(hot)).ready).toBeGreaterThan(100);
  await play.haveRun(long);
  expect(most()).toBe(2);
}, 60_000);
