/**
 * Claims about pruning many tasks on a real server: few calls, a part for each of them, and hints
 * that were lost are there again.
 */
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { drain, job, KEEP, NO_SCHEDULES, storeOn } from "./store-kit.js";

let server: TestServer;
let admin: Redis;
let store: Store;

beforeAll(async () => {
  server = await startServer();
  const { host, port } = server;
  admin = new Redis({ host, port });
  store = storeOn({ host, port });
  await store.open();
}, 30_000);
beforeEach(() => admin.config("RESETSTAT"));
afterAll(async () => {
  await store?.close();
  admin?.disconnect();
  await server?.stop();
});

const TASKS = Array.from({ length: 60 }, (_, k) => `task ${k}`);
/** Whatever has an id has outlived it. */
const NOTHING = { ...KEEP, idMs: 0, idCount: 0 };

async function calls(): Promise<number> {
  const stats = await admin.info("commandstats");
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

test("tasks of which nothing is kept take one call for 50 of them", async () => {
  expect(await store.prune({ taskIds: TASKS, keep: KEEP })).toBe(false);
  expect(await calls()).toBe(2);
});

test("of one that has much and one that has little, each has its part in each piece", async () => {
  const jobs = (taskId: string, count: number) =>
    Array.from({ length: count }, (_, k) => job(taskId, { id: `id ${k}` }));
  await store.push({ jobs: jobs("task 0", 600), timeoutMs: 5_000 });
  await store.push({ jobs: jobs("task 40", 3), timeoutMs: 5_000 });
  for (const taskId of ["task 0", "task 40"]) await drain(store, taskId);
  const ids = async (taskId: string) => await admin.hlen(`_test:{0}:t:${taskId}:ids`);
  expect([await ids("task 0"), await ids("task 40")]).toEqual([600, 3]);
  expect(await store.prune({ taskIds: TASKS, keep: NOTHING })).toBe(true);
  expect(await ids("task 40")).toBe(0);
  const left = await ids("task 0");
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(350);
  let rounds = 1;
  for (; await store.prune({ taskIds: TASKS, keep: NOTHING }); rounds += 1);
  expect(await ids("task 0")).toBe(0);
  expect(rounds).toBeLessThan(4);
});

test("a task whose key is damaged keeps no other from its part, and is told of", async () => {
  const jobs = Array.from({ length: 20 }, (_, k) => job("task 45", { id: `id ${k}` }));
  await store.push({ jobs, timeoutMs: 5_000 });
  await drain(store, "task 45");
  const key = "_test:{0}:t:task 7:ready";
  await admin.set(key, "somebody else's");
  await admin.config("RESETSTAT");
  const pruned = () => store.prune({ taskIds: TASKS, keep: NOTHING });
  for (let left = 20; left > 0; left = await admin.hlen("_test:{0}:t:task 45:ids")) {
    await expect(pruned()).rejects.toThrow(/WRONGTYPE/);
  }
  await admin.del(key);
  expect(await pruned()).toBe(false);
});

test("a hint is healed also where the task's ended jobs are damaged", async () => {
  await store.push({ jobs: [job("hurt")], timeoutMs: 5_000 });
  await admin.set("_test:{0}:t:hurt:ended", "somebody else's");
  await admin.zadd("_test:{0}:t:hurt:dead", 1, "1");
  await admin.del("_test:{0}:moments");
  await expect(store.prune({ taskIds: ["hurt"], keep: KEEP })).rejects.toThrow(/WRONGTYPE/);
  expect(await admin.zscore("_test:{0}:moments", "hurt")).toBe("0");
});

test("a line of many that were cancelled is looked at again, and hides no other line", async () => {
  const gone = Array.from({ length: 1_500 }, (_, k) => String(1_700_000_000_000_000 + k));
  await admin.rpush("_test:{0}:t:many:alone", ...gone);
  await store.push({ jobs: [job("alive")], timeoutMs: 5_000 });
  const [number = ""] = await admin.lrange("_test:{0}:t:alive:ready", 0, 0);
  await admin.del("_test:{0}:t:alive:ready");
  await admin.rpush("_test:{0}:t:alive:alone", number);
  const moments = () => admin.zmscore("_test:{0}:moments", "many", "alive");
  const prune = () => store.prune({ taskIds: ["many", "alive"], keep: KEEP });
  await prune();
  expect(await admin.llen("_test:{0}:t:many:alone")).toBe(500);
  expect(await moments()).toEqual(["0", "0"]);
  await prune();
  expect(await moments()).toEqual([null, "0"]);
});

test.each([
  ["ready", null, 0],
  ["due later", { in: 600_000 }, 590_000],
] as const)(
  "a job that is %s is looked for again when the hint at it was lost",
  async (_, due, waitMs) => {
    const taskId = `lost ${waitMs}`;
    const sleepMs = 1_000_000;
    const look = () => store.look({ taskIds: [taskId], sleepMs, ...NO_SCHEDULES });
    await store.push({ jobs: [job(taskId, { due })], timeoutMs: 5_000 });
    await admin.del("_test:{0}:moments");
    expect((await look()).waitMs).toBe(sleepMs);
    const woken: unknown[] = [];
    store.onWake((wake) => woken.push(wake));
    await store.prune({ taskIds: [...TASKS, taskId], keep: KEEP });
    // Nobody else would tell whoever sleeps already.
    if (due === null) await until("the sleeper to be woken", () => woken.length > 0);
    const { taskIds, waitMs: found } = await look();
    expect(taskIds).toEqual(due === null ? [taskId] : []);
    expect(found).toBeGreaterThanOrEqual(waitMs);
    expect(found).toBeLessThan(sleepMs);
  },
);
