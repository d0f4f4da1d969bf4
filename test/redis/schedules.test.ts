/** Claims about schedules that only the Redis store can make: its index, its layout, its server. */
import { rmSync } from "node:fs";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Look, ScheduleWrite, Store, Wake } from "../../src/store/contract.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { job, KEEP, LEASE_MS, NO_SCHEDULES, storeOn } from "./store-kit.js";

const SHARD = "_test:{0}:";

let server: TestServer;
let direct: Redis;
const stores: Store[] = [];

beforeAll(async () => {
  server = await startServer();
  direct = new Redis({ host: server.host, port: server.port });
});
afterAll(async () => {
  direct?.disconnect();
  await server?.stop();
});
beforeEach(async () => void (await direct.flushall()));
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

async function open(target: TestServer = server): Promise<Store> {
  const store = storeOn(target);
  stores.push(store);
  await store.open();
  return store;
}

function schedule(change: Partial<ScheduleWrite> = {}): ScheduleWrite {
  return {
    scheduleId: "s",
    taskId: "a",
    definition: "1",
    digest: "1",
    payload: "",
    rules: job("a").rules,
    overlap: "allow",
    local: false,
    jitterMs: 0,
    firstAt: Date.now() + 3_600_000,
    decidedAt: null,
    generation: null,
    ...change,
  };
}

function lookFor(
  store: Store,
  change: { scheduleIds?: string[]; sleepMs?: number },
): Promise<Look> {
  const { scheduleIds = [], sleepMs = 1_000 } = change;
  const fireable = { taskIds: ["a"], scheduleIds };
  return store.look({ taskIds: [], fireable, registration: null, sleepMs });
}

const DUE = { firstAt: 1_000, decidedAt: 0 };

test("ten thousand local schedules are looked at in one call", async () => {
  const store = await open();
  const scheduleIds = Array.from({ length: 10_000 }, (_, k) => `s${k}`);
  expect((await lookFor(store, { scheduleIds })).schedules).toEqual([]);
});

test("an id may hold any character, and stands for itself", async () => {
  const store = await open();
  const ids = ['"s":"x"', "a b", "ä\n\u0000=,;", "t1:a", "z"].sort();
  const schedules = ids.map((scheduleId) => schedule({ scheduleId, ...DUE, overlap: "skip" }));
  await store.register({ registration: null, schedules });
  const due = (await lookFor(store, {})).schedules.map(({ scheduleId }) => scheduleId);
  expect(due.sort()).toEqual(ids);
  for (const scheduleId of ids) {
    await store.trigger({ scheduleId, instants: [5], overlap: "allow", keep: KEEP });
    const view = await store.schedule({ scheduleId });
    expect(view?.open).toEqual([`${scheduleId}@5`]);
    const made = await store.get({ taskId: "a", id: `${scheduleId}@5` });
    expect(made?.occurrence).toMatchObject({ scheduleId, scheduledFor: 5, isCatchup: true });
  }
});

test("whoever watches a task's schedules hears of one that is nearer", async () => {
  const [store, sleeper] = [await open(), await open()];
  const wakes: Wake[] = [];
  sleeper.onWake((wake) => wakes.push(wake));
  await until("the subscription", () => wakes.length === 1);
  await lookFor(sleeper, { sleepMs: 60_000 });
  await store.register({ registration: null, schedules: [schedule()] });
  await until("the wake-up", () => wakes.length === 2);
  await store.register({
    registration: null,
    schedules: [schedule({ scheduleId: "local", local: true })],
  });
  await lookFor(sleeper, { sleepMs: 60_000, scheduleIds: ["local"] });
  await store.pause({
    scheduleId: "local",
    pause: { until: null, reason: "", orphaned: false },
    revision: null,
  });
  await store.pause({ scheduleId: "local", pause: null, revision: null });
  await until("the wake-up", () => wakes.length === 3);
  expect(wakes.at(-1)).toEqual({ kind: "look", shard: 0 });
});

test.each([["cursors"], ["firing"], ["meta"], ["meta cursors firing"]])(
  "an index that has lost %s is noticed and mended",
  async (names) => {
    const store = await open();
    const schedules = Array.from({ length: 150 }, (_, k) =>
      schedule({ scheduleId: `s${k}`, ...DUE, local: k === 0 }),
    );
    await store.register({ registration: null, schedules });
    await direct.del(...names.split(" ").map((name) => SHARD + name));
    expect((await lookFor(store, {})).repair).toBe(true);
    await until("the walk to end", async () => !(await store.tend({ urgent: true })).more);
    const look = await lookFor(store, { scheduleIds: ["s0"] });
    expect([look.repair, look.schedules.length]).toEqual([false, 100]);
    expect(await direct.zcard(`${SHARD}cursors`)).toBe(300);
  },
);

test("an entry of the index that its schedule knows nothing of is dropped", async () => {
  const store = await open();
  await store.register({ registration: null, schedules: [schedule()] });
  await direct.zadd(`${SHARD}cursors`, 0, "t1:a0000000000001000s");
  await direct.zadd(`${SHARD}firing`, 1_000, "t1:a");
  expect((await lookFor(store, {})).schedules).toEqual([]);
  expect((await lookFor(store, {})).repair).toBe(false);
});

test("data of layout 1 are lifted: jobs stay, schedules are registered again", async () => {
  const before = await open();
  await before.push({ jobs: [job("a")], timeoutMs: 5_000 });
  await direct.hset(`${SHARD}layout`, "version", "1");
  await direct.hset(`${SHARD}schedules`, "s", "1 0 1 a1");
  await direct.zadd(`${SHARD}cursors`, 1_000, "s");
  const store = await open();
  expect(await direct.hget(`${SHARD}layout`, "version")).toBe("5");
  expect((await lookFor(store, {})).repair).toBe(false);
  expect((await store.schedules({ taskId: null, cursor: null, limit: 10 })).schedules).toEqual([]);
  expect((await store.counts({ taskId: "a" })).ready).toBe(1);
});

test("data of layout 2 are lifted: what was claimed is running, and settles", async () => {
  const before = await open();
  await before.push({ jobs: [job("a"), job("a")], timeoutMs: 5_000 });
  const claims = [{ taskId: "a", limit: 1 }];
  const work = { settles: [], idle: false, leaseMs: LEASE_MS, keep: KEEP };
  const [batch] = (await before.work({ ...work, claims })).batches;
  await direct.hset(`${SHARD}layout`, "version", "2");
  await direct.del(`${SHARD}t:a:claimed`);
  const store = await open();
  expect(await store.counts({ taskId: "a" })).toMatchObject({ ready: 1, running: 1 });
  const { fence = "", jobs } = batch ?? { jobs: [] };
  const settle = { fence, taskId: "a", number: jobs[0]?.number ?? "", id: null, scheduleId: null };
  const outcome = { kind: "completed", result: null } as const;
  const { settled } = await store.work({ ...work, claims: [], settles: [{ ...settle, outcome }] });
  expect(settled).toEqual([{ state: "completed", dueAt: null }]);
  expect(await store.counts({ taskId: "a" })).toMatchObject({ ready: 1, running: 0 });
});

test("a full server fires nothing, and still takes registrations", async () => {
  const store = await open();
  await direct.config("SET", "maxmemory", "1mb");
  try {
    await store.register({ registration: null, schedules: [schedule(DUE)] });
    const trigger = { scheduleId: "s", instants: null, overlap: null, keep: KEEP };
    await expect(store.trigger(trigger)).rejects.toMatchObject({ code: "STORE_REFUSED" });
    expect((await store.schedule({ scheduleId: "s" }))?.ledger).toEqual([]);
  } finally {
    await direct.config("SET", "maxmemory", "0");
  }
});

test("a server that was started again holds schedules back, for those who knew it", async () => {
  const args = ["--appendonly", "yes", "--appendfsync", "always"];
  const first = await startServer({ args });
  const store = await open(first);
  await store.register({ registration: null, schedules: [schedule(DUE)] });
  expect((await lookFor(store, {})).schedules).toHaveLength(1);
  await first.crash();
  const again = await startServer({ port: first.port, folder: first.folder, args });
  try {
    await until(
      "the return",
      async () => (await store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 1 })) !== null,
    );
    const held = await lookFor(store, { sleepMs: 60_000 });
    expect(held.schedules).toEqual([]);
    expect(held.waitMs).toBeLessThanOrEqual(5_000);
  } finally {
    await store.close();
    await again.stop();
    rmSync(first.folder, { recursive: true, force: true });
  }
});
