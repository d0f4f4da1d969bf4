/**
 * Claims about bundles of which more is damaged than one call can read: a long line that is lost,
 * and texts that nobody can read. Afterwards everything is claimed, once.
 */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.js";
import { startServer, type TestServer } from "../support/servers.js";
import { claim, type Held, many, PREFIX, RULES, SHARD, settle, TASK } from "./bundles-kit.js";
import { KEEP, storeOn } from "./store-kit.js";

let server: TestServer;
let admin: Redis;
const stores: Store[] = [];

beforeAll(async () => {
  server = await startServer();
  admin = new Redis({ host: server.host, port: server.port });
}, 30_000);
beforeEach(() => admin.flushall());
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});
afterAll(async () => {
  admin?.disconnect();
  await server?.stop();
});

async function open(): Promise<Store> {
  const { host, port } = server;
  const store = storeOn({ host, port }, PREFIX);
  await store.open();
  stores.push(store);
  return store;
}

/** Bundles of eight. */
async function pushBundles(store: Store, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let k = 0; k < count; k += 1) {
    ids.push(...(await store.push({ jobs: many(8), timeoutMs: 5_000 })).map(({ id }) => id));
  }
  return ids;
}

/** Jobs that are in no bundle. */
async function pushSingles(store: Store, count: number): Promise<string[]> {
  const ids: string[] = [];
  const rules = { ...RULES, timeoutMs: 60_000 };
  for (let k = 0; k < count; k += 500) {
    const jobs = many(Math.min(500, count - k), { rules, id: null }).map((one, n) => ({
      ...one,
      id: `own ${k + n} ${count}`,
    }));
    ids.push(...(await store.push({ jobs, timeoutMs: 5_000 })).map(({ id }) => id));
  }
  return ids;
}

/** From a place on, until `stop` says so or all has been compared. */
async function mendFrom(store: Store, from: string, stop = (_: string) => false) {
  let found = 0;
  let place = from;
  do {
    const answer = await store.mend({ taskId: "a", urgent: true, place });
    found += answer.mended.ready ?? 0;
    place = answer.place;
  } while (place !== "" && !stop(place));
  return { found, place };
}

const COMPLETE_ALL = (held: readonly Held[]) => held.map((one) => settle(one));

/** All of these are claimed, each once, and nothing else is. */
async function expectDrain(store: Store, all: readonly string[]): Promise<void> {
  const ids = new Set(all);
  for (let held: Held[] = [], empty = 0; ids.size > 0; ) {
    ({ held } = await claim(store, 500, COMPLETE_ALL(held)));
    for (const { id } of held) expect(ids.delete(id)).toBe(true);
    empty = held.length === 0 ? empty + 1 : 0;
    // A call passes over so many that stand in line twice.
    expect(empty).toBeLessThan(20);
    if (ids.size === 0) await claim(store, 0, COMPLETE_ALL(held));
  }
  expect((await claim(store, 10)).held).toEqual([]);
}

test("a long line that was lost is made anew once", async () => {
  const store = await open();
  const ids = await pushBundles(store, 1_500);
  await admin.del(`${TASK}ready`);
  expect((await mendFrom(store, "")).found).toBe(ids.length);
  const lined = await admin.llen(`${TASK}ready`);
  expect((await mendFrom(store, "")).found).toBe(0);
  expect(await admin.llen(`${TASK}ready`)).toBe(lined);
  await expectDrain(store, ids);
  expect(await admin.exists(`${TASK}bundles`, `${TASK}jobs`, `${SHARD}lease`)).toBe(0);
}, 60_000);

test("a long line that is lost in the midst of a walk is made anew from the first", async () => {
  const store = await open();
  const ids = await pushBundles(store, 2_500);
  const { place } = await mendFrom(store, "", (at) => /^5:[1-9]/.test(at));
  expect(place).toMatch(/^5:[1-9]/);
  await admin.del(`${TASK}ready`);
  ids.push(...(await pushBundles(store, 1_100)));
  const { found } = await mendFrom(store, place);
  expect(found).toBeGreaterThanOrEqual(2_500 * 8);
  expect((await mendFrom(store, "")).found).toBe(0);
  await expectDrain(store, ids);
}, 120_000);

test("a line that was made anew is left alone by whoever looks later", async () => {
  const store = await open();
  const ids = await pushBundles(store, 1_500);
  await admin.del(`${TASK}ready`);
  ids.push(...(await pushBundles(store, 1_100)));
  const look = async () => {
    const noted = await admin.hget(`${SHARD}meta`, "mend a");
    // As if a minute had passed since.
    const aged = noted?.replace(/^\d+/, (ms) => String(Number(ms) - 60_000));
    if (aged !== undefined) await admin.hset(`${SHARD}meta`, "mend a", aged);
    return await store.mend({ taskId: "a", urgent: false, place: "" });
  };
  const { mended, place } = await look();
  expect(mended.ready).toBeGreaterThan(0);
  await mendFrom(store, place);
  const lined = await admin.llen(`${TASK}ready`);
  for (let k = 0; k < 3; k += 1) expect((await look()).mended).toEqual({});
  expect(await admin.llen(`${TASK}ready`)).toBe(lined);
  await expectDrain(store, ids);
}, 120_000);

test("of jobs in bundles and others none stays behind when a long line is lost", async () => {
  const store = await open();
  const ids = await pushBundles(store, 300);
  ids.push(...(await pushSingles(store, 1_500)));
  await admin.del(`${TASK}ready`);
  ids.push(...(await pushSingles(store, 1_200)), ...(await pushBundles(store, 20)));
  await mendFrom(store, "");
  expect((await mendFrom(store, "")).found).toBe(0);
  // What stands in line twice is passed by; that alone is no reason to make the line anew.
  const half = ids.length / 2;
  const seen: string[] = [];
  for (let held: Held[] = []; seen.length < half; ) {
    ({ held } = await claim(store, 100, COMPLETE_ALL(held)));
    seen.push(...held.map(({ id }) => id));
    if (seen.length >= half) await claim(store, 0, COMPLETE_ALL(held));
  }
  expect((await mendFrom(store, "")).found).toBe(0);
  expect(new Set(seen).size).toBe(seen.length);
  await expectDrain(
    store,
    ids.filter((id) => !seen.includes(id)),
  );
}, 120_000);

test("counters that are lost of many bundles hide none of them", async () => {
  const store = await open();
  const ids = await pushBundles(store, 100);
  ids.push(...(await pushSingles(store, 30)));
  const { held } = await claim(store, 20);
  await admin.hdel(`${TASK}bundles`, "n", "a", "e");
  await mendFrom(store, "");
  await claim(store, 0, COMPLETE_ALL(held));
  const done = new Set(held.map(({ id }) => id));
  await expectDrain(
    store,
    ids.filter((id) => !done.has(id)),
  );
  for (let k = 0; k < 2; k += 1) await mendFrom(store, "");
  expect(await store.counts({ taskId: "a" })).toMatchObject({ ready: 0, running: 0 });
  expect(await admin.exists(`${TASK}bundles`, `${TASK}jobs`, `${TASK}ready`)).toBe(0);
});

test("a lone bundle of which only the records are left is taken for running", async () => {
  const store = await open();
  const [id] = await pushBundles(store, 1);
  const letters = (await admin.hkeys(`${TASK}bundles`)).filter((field) => field.endsWith("s"));
  await admin.hdel(`${TASK}bundles`, ...letters, "n", "a", "e");
  await admin.del(`${TASK}ready`);
  expect(id).toBeDefined();
  for (let k = 0; k < 2; k += 1) await mendFrom(store, "");
  expect(await store.counts({ taskId: "a" })).toMatchObject({ ready: 0, running: 8 });
});

test("of many leases that end at once, some end later where progress was told", async () => {
  const store = await open();
  await pushBundles(store, 75);
  const held: Held[] = [];
  while (held.length < 600) held.push(...(await claim(store, 8)).held);
  const [first] = held;
  const progress = [{ taskId: "a", number: first!.number, fence: first!.fence, value: "1" }];
  await store.renew({ leases: [{ taskId: "a", fence: first!.fence }], progress });
  await claim(store, 0, COMPLETE_ALL(held));
  expect(await store.counts({ taskId: "a" })).toMatchObject({ ready: 0, running: 0 });
  const leases = await admin.hkeys(`${SHARD}lease`);
  expect(leases.length).toBeLessThan(75);
  for (const fence of leases) await admin.zadd(`${SHARD}leases`, 0, fence);
  const refs = leases.map((fence) => ({ fence, taskId: "a" }));
  expect(await store.reap({ leases: refs, keep: KEEP, random: 0 })).toEqual([]);
  const keys = [`${SHARD}lease`, `${SHARD}leases`, `${SHARD}progress`, `${TASK}bundles`];
  expect(await admin.exists(...keys)).toBe(0);
});

const UNREADABLE = ["abcdefghijklmno:xx-9", "12345678901234:99-00", "12345678901234+00-01"];

test.each(UNREADABLE)("%s in line or in a lease holds nothing up", async (text) => {
  const store = await open();
  const ids = await pushBundles(store, 2);
  await admin.lpush(`${TASK}ready`, text);
  await admin.rpush(`${TASK}ready`, text);
  await admin.hset(`${SHARD}lease`, "77", `300|nobody|${text}|a`);
  await admin.zadd(`${SHARD}leases`, 0, "77");
  await admin.hset(`${TASK}bundles`, "12345678901234z", "9");
  expect(
    (await store.list({ taskId: "a", state: "ready", cursor: null, limit: 50 })).jobs,
  ).toHaveLength(16);
  for (const state of ["running", "scheduled"] as const) {
    expect((await store.list({ taskId: "a", state, cursor: null, limit: 50 })).jobs).toEqual([]);
  }
  const reaped = [{ fence: "77", taskId: "a" }];
  await store.reap({ leases: reaped, keep: KEEP, random: 0 });
  await mendFrom(store, "");
  await mendFrom(store, "");
  await expectDrain(store, ids);
  expect(await admin.exists(`${TASK}bundles`, `${TASK}jobs`, `${SHARD}lease`)).toBe(0);
});
