/**
 * Claims about a primary of a Cluster that is started again without its last writes, as after a
 * power cut: what it has forgotten to have fired does not fire again, and everybody works on.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScheduler, type Scheduler } from "../../src/index.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";

const SHARDS = 16;
const EVERY_MS = 500;
/** What is lost: so many occurrences of each schedule. */
const FORGOTTEN = 4;

let cluster: TestCluster;
const members: Scheduler[] = [];
/** By schedule: how often each of its occurrences has fired. */
const fired = new Map<string, Map<number, number>>();

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0 });
  for (const { client } of cluster.nodes) {
    await client.config("SET", "cluster-require-full-coverage", "no");
  }
}, 60_000);

afterAll(async () => {
  await Promise.all(members.map((member) => member.stop()));
  await cluster?.stop();
}, 30_000);

function countsOf(scheduleId: string): Map<number, number> {
  const counts = fired.get(scheduleId) ?? new Map<number, number>();
  fired.set(scheduleId, counts);
  return counts;
}

async function member(taskIds: readonly string[]): Promise<void> {
  const options = { redisConfig: cluster.config, redisPrefix: "back:", logger: false } as const;
  const scheduler = createScheduler({ ...options, stopTimeout: "2s" });
  members.push(scheduler);
  scheduler.on("error", () => {});
  for (const taskId of taskIds) {
    scheduler.bind(taskId, (_data, { scheduleId = "", scheduledFor = 0 }) => {
      const counts = countsOf(scheduleId);
      counts.set(scheduledFor, (counts.get(scheduledFor) ?? 0) + 1);
    });
    scheduler.register(taskId, { every: EVERY_MS });
  }
  await scheduler.start();
}

/** Before the last occurrence that has fired: those that have not. */
function holesOf(taskId: string): number[] {
  const counts = countsOf(taskId);
  const [first = 0, last = 0] = [Math.min(...counts.keys()), Math.max(...counts.keys())];
  const all = Array.from({ length: (last - first) / EVERY_MS }, (_, k) => first + k * EVERY_MS);
  return all.filter((at) => !counts.has(at));
}

/** So many more occurrences of each have fired. */
async function more(taskIds: readonly string[], count: number): Promise<void> {
  const before = taskIds.map((taskId) => countsOf(taskId).size);
  const isDone = () => taskIds.every((id, k) => countsOf(id).size >= (before[k] ?? 0) + count);
  await until(`${count} more to fire`, isDone, 20_000);
}

test("what a primary has forgotten to have fired fires no more, and none is missed", async () => {
  const names = Array.from({ length: 500 }, (_, n) => `task-${n}`);
  const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
  const taskIds = shards.map((k) => names.find((id) => shardOfTask(id, SHARDS) === k) as string);
  await member(taskIds);
  await member(taskIds);
  await more(taskIds, 2);
  const victim = await cluster.ownerOf(0);
  await victim.client.call("SAVE");
  await more(taskIds, FORGOTTEN);
  await victim.server.crash();
  await cluster.restart(victim);
  await more(taskIds, FORGOTTEN);
  // Those that were due meanwhile fire together, and two run them: not in their order.
  await until("none to be missed", () => taskIds.every((id) => holesOf(id).length === 0)).catch(
    () => {},
  );
  for (const taskId of taskIds) {
    const times = [...countsOf(taskId)];
    expect(times.filter(([, count]) => count > 1)).toEqual([]);
    expect(holesOf(taskId)).toEqual([]);
  }
}, 90_000);
