/**
 * Claims about a Cluster of which one primary does not answer: it is stopped by SIGSTOP for longer
 * than a lease, while nobody takes over. What lives in the others goes on, what lives there waits.
 */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import { DEFAULT_KEEP } from "../../src/core/keep.js";
import { checkPush } from "../../src/core/options.js";
import { createScheduler, type Scheduler } from "../../src/index.js";
import { slotOfShard } from "../../src/store/redis/cluster/slots.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { type ClusterNode, startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";

const SHARDS = 16;
const TASKS = 24;
const LEASE_MS = 2_000;
/** Beyond a lease, and beyond what a connection may be silent for. */
const STUCK_MS = 3 * LEASE_MS;
/** Machines that test are busy; a wait for the other shard would be seconds. */
const USUAL_MS = 1_000;

let cluster: TestCluster;
let victim: ClusterNode;
/** A few tasks in each of the shards, by whether the victim has them. */
let stuck: string[];
let healthy: string[];
/** Another one that is healthy. */
let left: string;
const schedulers: Scheduler[] = [];

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0 });
  victim = await cluster.ownerOf(0);
  const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
  const owners = await Promise.all(shards.map((shard) => cluster.ownerOf(shard)));
  const names = Array.from({ length: TASKS }, (_, n) => `task-${n}`);
  const isThere = (id: string) => owners[shardOfTask(id, SHARDS)] === victim;
  stuck = names.filter(isThere);
  healthy = names.filter((id) => !isThere(id));
  const others = Array.from({ length: 50 }, (_, n) => `left-${n}`);
  left = others.find((id) => !isThere(id)) as string;
}, 60_000);

afterEach(async () => {
  process.kill(victim.server.pid, "SIGCONT");
  await Promise.all(schedulers.splice(0).map((scheduler) => scheduler.stop()));
}, 60_000);

afterAll(async () => await cluster?.stop());

/** Whether the others give it up meanwhile. */
async function giveUpAfter(timeoutMs: number): Promise<void> {
  for (const { client } of cluster.nodes) {
    await client.call("CONFIG", "SET", "cluster-node-timeout", String(timeoutMs));
    await client.call("CONFIG", "SET", "cluster-require-full-coverage", "no");
  }
}

/** Somebody claims a job of a task that nobody else has, and dies. */
async function leaveBehind(prefix: string, taskId: string): Promise<void> {
  const parts = { clock: systemClock, chance: systemChance, identity: systemChance.identity() };
  const store = createRedisStore({ ...parts, redis: cluster.config, prefix });
  const job = checkPush(taskId, { retry: true }, { payloadLimitBytes: 1_000 });
  await store.push({ jobs: [job], timeoutMs: 5_000 });
  const claim = { settles: [], claims: [{ taskId, limit: 1 }], idle: false, leaseMs: LEASE_MS / 2 };
  const shard = shardOfTask(taskId, SHARDS);
  const { batches } = await store.work({ ...claim, shard, keep: DEFAULT_KEEP });
  expect(batches).toHaveLength(1);
  await store.close();
}

/** A worker of all tasks, one of which has a schedule in each kind of shard, and a pusher. */
class Play {
  readonly worker: Scheduler;
  readonly pusher: Scheduler;
  readonly warned: string[] = [];
  readonly lost: string[] = [];
  readonly takenBack: string[] = [];
  readonly fired = new Map<string, number>();
  /** When each job began. */
  readonly #begun = new Map<string, number[]>();
  readonly #ends = new Map<string, () => void>();

  constructor(prefix: string) {
    this.worker = this.#make(prefix);
    this.pusher = this.#make(prefix);
    this.worker.on("lease:lost", ({ jobId }) => void this.lost.push(jobId));
    this.worker.on("job:retrying", ({ taskId }) => void this.takenBack.push(taskId));
    for (const taskId of [...stuck, ...healthy]) {
      this.worker.bind(taskId, async (data, { jobId, scheduleId }) => {
        if (scheduleId !== undefined) this.fired.set(taskId, this.firedOf(taskId) + 1);
        else this.#begun.set(jobId, [...(this.#begun.get(jobId) ?? []), performance.now()]);
        if (data === "long") await new Promise<void>((end) => this.#ends.set(jobId, end));
      });
    }
    this.worker.register(stuck[0] as string, { every: "500ms" });
    this.worker.register(healthy[0] as string, { every: "500ms" });
  }

  /** Resolves when each task has run a job, and runs one that goes on. */
  async begin(): Promise<void> {
    await this.worker.start();
    for (const taskId of [...stuck, ...healthy]) {
      await this.pusher.push(taskId, { id: `${taskId} long`, data: "long" });
      await this.run(taskId, `${taskId} first`);
    }
    await until("all to have begun", () => this.#ends.size === TASKS);
    await until("both to fire", () => this.fired.size === 2);
  }

  /** Pushes a job and waits for it; after how many ms it was stored, and began. */
  async run(taskId: string, id: string): Promise<[number, number]> {
    const at = performance.now();
    await this.pusher.push(taskId, { id });
    const pushed = performance.now() - at;
    const began = await until("it to run", () => this.#begun.get(id)?.[0], 10_000);
    return [pushed, began - at];
  }

  firedOf(taskId: string): number {
    return this.fired.get(taskId) ?? 0;
  }

  twice(): string[] {
    return [...this.#begun].flatMap(([id, times]) => (times.length > 1 ? [id] : []));
  }

  /** Lets the long jobs of these tasks end; resolves when nothing of theirs runs or waits. */
  async end(taskIds: readonly string[]): Promise<void> {
    for (const taskId of taskIds) this.#ends.get(`${taskId} long`)?.();
    await until("all to be settled", async () => {
      const counts = await Promise.all(taskIds.map((taskId) => this.pusher.jobs.counts(taskId)));
      return counts.every(({ running, ready }) => running + ready === 0);
    });
  }

  #make(prefix: string): Scheduler {
    const quiet = (): void => {};
    const warn = (fields: object, text?: string): void => {
      const line = `${text} ${JSON.stringify(fields)}`;
      if (line.includes("cannot be reached")) this.warned.push(line);
    };
    const scheduler = createScheduler({
      redisConfig: cluster.config,
      redisPrefix: prefix,
      lease: LEASE_MS,
      stopTimeout: "5s",
      logger: { debug: quiet, info: quiet, warn, error: quiet },
    });
    schedulers.push(scheduler);
    return scheduler;
  }
}

test.each([
  ["nobody has noticed", 60_000],
  ["the other nodes have given it up", 1_000],
])(
  "what lives in other shards goes on while one is stuck and %s",
  async (_, timeoutMs) => {
    await giveUpAfter(timeoutMs);
    const prefix = `stuck-${timeoutMs}:`;
    const play = new Play(prefix);
    const [there, here] = [stuck[0] as string, healthy[0] as string];
    await play.begin();
    await leaveBehind(prefix, left);

    process.kill(victim.server.pid, "SIGSTOP");
    const endsAt = performance.now() + STUCK_MS;
    const firedBefore = play.firedOf(here);
    const tookMs: number[] = [];
    for (let n = 0; performance.now() < endsAt; n += 1) {
      // One for the stuck shard leaves in the same turn of the event loop.
      play.pusher.push(there, { id: `beside ${n}`, retry: true }).catch(() => {});
      const runs = healthy.map((taskId) => play.run(taskId, `${taskId} ${n}`));
      tookMs.push(...(await Promise.all(runs)).flat());
      await pause(20);
    }
    expect(Math.max(...tookMs)).toBeLessThan(USUAL_MS);
    expect(play.firedOf(here) - firedBefore).toBeGreaterThanOrEqual(STUCK_MS / 500 - 3);
    expect(play.takenBack).toEqual([left]);
    const { port } = victim.server;
    const named = expect.stringMatching(new RegExp(`^shards [\\d, ]+ of 16 at .*:${port} `));
    expect(play.worker.health()).toMatchObject({ ready: true, live: true, reasons: [named] });
    // Once by each of the two.
    const warned = expect.stringMatching(new RegExp(`^a part of the store .*:${port}`));
    expect(play.warned).toEqual([warned, warned]);
    await play.end(healthy);
    expect(play.lost).toEqual([]);

    process.kill(victim.server.pid, "SIGCONT");
    const firedThere = play.firedOf(there);
    await until("it to be whole again", () => play.worker.health().store.connected, 5_000);
    await Promise.all(stuck.map((taskId) => play.run(taskId, `${taskId} after`)));
    await play.end(stuck);
    await until("it to fire there again", () => play.firedOf(there) > firedThere, 15_000);
    expect(play.lost).toEqual([]);
    expect(play.twice()).toEqual([]);
    expect(play.worker.health().reasons).toEqual([]);
  },
  90_000,
);

test("a slot that moves between the others while one is stuck is found, and heard", async () => {
  await giveUpAfter(60_000);
  const [from, to] = cluster.nodes.filter((node) => node !== victim) as [ClusterNode, ClusterNode];
  const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
  const owners = await Promise.all(shards.map((shard) => cluster.ownerOf(shard)));
  const moved = owners.indexOf(from);
  const taskId = Array.from({ length: 200 }, (_, n) => `moved-${n}`).find(
    (name) => shardOfTask(name, SHARDS) === moved,
  ) as string;
  // Nobody polls: what runs was heard.
  const options = { redisConfig: cluster.config, redisPrefix: "heard:", logger: false } as const;
  const worker = createScheduler({ ...options, pollInterval: "30s" });
  schedulers.push(worker);
  const ran = new Set<string>();
  worker.bind(taskId, (_data, { jobId }) => void ran.add(jobId));
  await worker.start();
  const run = async (id: string): Promise<void> => {
    await worker.push(taskId, { id });
    await until("it to run", () => ran.has(id), 10_000);
  };
  await run("before");
  process.kill(victim.server.pid, "SIGSTOP");
  // Nobody polls, so it is missed only by who asks it for something.
  worker.push(stuck[0] as string).catch(() => {});
  await until("it to be missed", () => worker.health().reasons.length > 0);
  await moveSlot(slotOfShard(moved), from, to);
  await run("first");
  await until("it to be heard there", async () => {
    const channel = `heard:{${moved}}:wake:*`;
    return ((await to.client.call("PUBSUB", "SHARDCHANNELS", channel)) as string[]).length > 0;
  });
  await run("second");
  process.kill(victim.server.pid, "SIGCONT");
  await until("it to be whole again", () => worker.health().store.connected, 5_000);
  await run("third");
}, 60_000);

/** With its keys; the one that is stuck learns of it later. */
async function moveSlot(slot: number, from: ClusterNode, to: ClusterNode): Promise<void> {
  const { host, port } = to.server;
  await to.client.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
  await from.client.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
  const keys = (await from.client.call("CLUSTER", "GETKEYSINSLOT", slot, 1_000)) as string[];
  await from.client.call("MIGRATE", host, port, "", 0, 5_000, "KEYS", ...keys);
  await to.client.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
  await from.client.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
}
