/**
 * Claims about bundles on a real server: whatever parts of them are claimed, end, fail, go back,
 * are cancelled or reaped, each job is held by one lease at a time, ends once, and is counted.
 */
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.js";
import { scripts } from "../../src/store/redis/scripts.js";
import { withBug } from "../support/mutate.js";
import { startServer, type TestServer } from "../support/servers.js";
import {
  Book,
  claim,
  type Held,
  many,
  PREFIX,
  RULES,
  SHARD,
  settle,
  step,
  TASK,
} from "./bundles-kit.js";
import { job, KEEP, LEASE_MS, storeOn } from "./store-kit.js";

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

async function open(used = scripts): Promise<Store> {
  const { host, port } = server;
  const store = storeOn({ host, port }, PREFIX, used);
  await store.open();
  stores.push(store);
  return store;
}

/** `runs`: how many tales are told. */
async function tell(used: typeof scripts, runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 25, size: "max" }),
      async (steps) => {
        await admin.flushall();
        const book = new Book(await open(used), admin);
        for (const one of steps) await book.do(one);
        await book.drain();
        for (const store of stores.splice(0)) await store.close();
      },
    ),
    { numRuns: runs, seed: 20_260_101, endOnFailure: true },
  );
}

test("each job is held once, ends once and is counted, whatever becomes of others", async () => {
  await tell(scripts, 60);
}, 120_000);

const BUGS: readonly (readonly [bug: string, from: string, to: string])[] = [
  [
    "jobs are ended by whoever has another part of their bundle",
    "if from < slice[2] or to > slice[3] then return nil end",
    "",
  ],
  [
    "a part of a bundle can be claimed again",
    "string.sub(letters, 1, from) .. string.rep('a', count)",
    "string.sub(letters, 1, from) .. string.rep('r', count)",
  ],
  [
    "the rest of a bundle is forgotten when it is cut",
    "redis.call('LPUSH', t.ready, F.slice_text(bundle, from + limit, to))",
    "local _ = limit",
  ],
  [
    "a claim gives the records of the beginning of a bundle",
    "F.text_between(text, from, to, F.size_in(t, bundle))",
    "F.text_between(text, 0, to - from, F.size_in(t, bundle))",
  ],
  ["what leaves its bundle is counted there, too", "b.jobs - left, b.running", "b.jobs, b.running"],
  ["a lease stays when all in it has ended", "if not F.has_members(lease) then", "if false then"],
  [
    "what leaves its bundle is not claimed any more",
    "if #running > 0 then redis.call('SADD', t.claimed, unpack(running)) end",
    "",
  ],
  [
    "what is behind a gap is forgotten",
    "redis.call('LPUSH', t.ready, F.slice_text(bundle, stop - 1, to))",
    "",
  ],
];

describe("a planted bug is found:", () => {
  test.each(BUGS)(
    "%s",
    async (_, from, to) => {
      await expect(tell(withBug(scripts, from, to), 60)).rejects.toThrow();
    },
    120_000,
  );
});

test("whoever has another part of a bundle ends nothing of this one", async () => {
  const store = await open();
  await store.push({ jobs: many(60), timeoutMs: 5_000 });
  const first = (await claim(store, 30)).held;
  const second = (await claim(store, 30)).held;
  const fence = second[0]?.fence ?? "";
  const ends = async (places: readonly number[]) => {
    const settles = places.map((k) => settle({ ...first[k]!, fence }));
    return (await claim(store, 0, settles)).settled;
  };
  for (const places of [[3], [1, 2, 3], [1, 3, 5], [0, 2, 4, 6, 8, 10, 12, 14, 16]]) {
    expect(await ends(places)).toEqual(places.map(() => "lost"));
  }
  // Of some that are its own and one that is not, the others end.
  const mixed = [...second.slice(0, 3), { ...first[7]!, fence }].map((one) => settle(one));
  const { settled } = await claim(store, 0, mixed);
  expect(settled.map((one) => one === "lost")).toEqual([false, false, false, true]);
  expect(await store.counts({ taskId: "a" })).toMatchObject({ ready: 0, running: 57 });
});

test("what has ended stays so though the claims of the same call break off", async () => {
  const store = await open();
  await store.push({ jobs: many(20), timeoutMs: 5_000 });
  const { held } = await claim(store, 20);
  await admin.set(`${SHARD}t:b:ready`, "something else");
  await admin.zadd(`${SHARD}moments`, 0, "b");
  const settles = held.map((one) => settle(one));
  const claims = [{ taskId: "b", limit: 10 }];
  const args = { settles, claims, idle: false, leaseMs: LEASE_MS, keep: KEEP };
  await expect(store.work(args)).rejects.toThrow("WRONGTYPE");
  expect(await store.counts({ taskId: "a" })).toMatchObject({ ready: 0, running: 0 });
  expect(await admin.exists(`${TASK}bundles`, `${SHARD}lease`)).toBe(0);
});

async function listed(store: Store, state: "ready" | "running", limit: number): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await store.list({ taskId: "a", state, cursor, limit });
    ids.push(...page.jobs.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== null);
  return ids;
}

test.each([1, 3, 100])(
  "all that is ready is listed, %i a page, beside what was cancelled",
  async (n) => {
    const store = await open();
    const ids: string[] = [];
    for (let k = 0; k < 6; k += 1) {
      ids.push(...(await store.push({ jobs: many(8), timeoutMs: 5_000 })).map(({ id }) => id));
    }
    const cancelled = [...ids.slice(0, 16), ...ids.slice(20, 22), ...ids.slice(24, 40)];
    for (const id of cancelled) await store.cancel({ taskId: "a", id, keep: KEEP });
    const left = ids.filter((id) => !cancelled.includes(id));
    expect(await listed(store, "ready", n)).toEqual(left);
    // The first of what is left are cut off.
    const { held } = await claim(store, 9);
    expect(await listed(store, "ready", n)).toEqual(left.slice(9));
    expect((await listed(store, "running", n)).sort()).toEqual(held.map(({ id }) => id).sort());
  },
);

test.each([7, 100])("all that runs is listed, %i a page, beside what has ended", async (n) => {
  const store = await open();
  await store.push({ jobs: many(300), timeoutMs: 5_000 });
  const held: Held[] = [];
  for (let k = 0; k < 30; k += 1) held.push(...(await claim(store, 10)).held);
  const gone = held.filter((_, k) => k % 3 === 0 || (k > 100 && k < 190));
  await claim(
    store,
    0,
    gone.map((one) => settle(one)),
  );
  const left = held.filter((one) => !gone.includes(one)).map(({ id }) => id);
  // Twice: as a HASH that is given as a whole, and as one that is not.
  expect((await listed(store, "running", n)).sort()).toEqual([...left].sort());
  await admin.config("SET", "hash-max-listpack-entries", "4");
  await store.push({ jobs: many(8), timeoutMs: 5_000 });
  left.push(...(await claim(store, 8)).held.map(({ id }) => id));
  expect((await listed(store, "running", n)).sort()).toEqual(left.sort());
  await admin.config("SET", "hash-max-listpack-entries", "512");
});

test("a page of what runs reads no more bundles than it shows", async () => {
  const store = await open();
  await store.push({ jobs: many(4_000), timeoutMs: 5_000 });
  for (let k = 0; k < 40; k += 1) await claim(store, 100);
  const pages = async (cursor: string | null) => {
    await admin.config("RESETSTAT");
    const page = await store.list({ taskId: "a", state: "running", cursor, limit: 10 });
    const stats = await admin.info("commandstats");
    return { page, reads: Number(/cmdstat_hmget:calls=(\d+)/.exec(stats)?.[1] ?? 0) };
  };
  let cursor: string | null = null;
  for (let seen = 0; seen < 300; ) {
    const { page, reads } = await pages(cursor);
    expect(reads).toBeLessThan(10);
    seen += page.jobs.length;
    cursor = page.cursor;
  }
  const { place } = await store.mend({ taskId: "a", urgent: true, place: "" });
  await admin.config("RESETSTAT");
  await store.mend({ taskId: "a", urgent: true, place });
  const stats = await admin.info("commandstats");
  expect(Number(/cmdstat_hmget:calls=(\d+)/.exec(stats)?.[1] ?? 0)).toBeLessThan(20);
});

test("what was said of progress goes with its job, which stays in its bundle", async () => {
  const store = await open();
  await store.push({ jobs: many(40), timeoutMs: 5_000 });
  const { held } = await claim(store, 40);
  const { fence } = held[0]!;
  const progress = held
    .slice(0, 30)
    .map(({ number }) => ({ number, fence, taskId: "a", value: "0.5" }));
  await store.renew({ leases: [{ fence, taskId: "a" }], progress });
  expect(await admin.hlen(`${SHARD}progress`)).toBe(30);
  await claim(
    store,
    0,
    held.slice(0, 20).map((one) => settle(one)),
  );
  expect((await admin.hkeys(`${SHARD}progress`)).sort()).toEqual(
    held
      .slice(20, 30)
      .map(({ number }) => number)
      .sort(),
  );
  await claim(
    store,
    0,
    held.slice(20).map((one) => settle(one)),
  );
  expect(await admin.exists(`${SHARD}progress`, `${TASK}bundles`, `${TASK}jobs`)).toBe(0);
});

test("hundreds of bundles that were cancelled hold up no claim of a lone priority", async () => {
  const store = await open();
  const ids: string[] = [];
  for (let k = 0; k < 300; k += 1) {
    ids.push(...(await store.push({ jobs: many(8), timeoutMs: 5_000 })).map(({ id }) => id));
  }
  await Promise.all(ids.map((id) => store.cancel({ taskId: "a", id, keep: KEEP })));
  const rules = { ...RULES, priority: 5 };
  await store.push({ jobs: many(1, { rules }), timeoutMs: 5_000 });
  await store.push({ jobs: many(8, { payload: '"first"' }), timeoutMs: 5_000 });
  const before = await admin.llen(`${TASK}ready`);
  let { held } = await claim(store, 10);
  expect(held).toEqual([]);
  expect(before - (await admin.llen(`${TASK}ready`))).toBeLessThanOrEqual(100);
  for (let k = 0; k < 5 && held.length === 0; k += 1) ({ held } = await claim(store, 10));
  expect(held.map(({ payload }) => payload)).toEqual([...many(8).map(() => '"first"'), "0"]);
});

test("records of which one is large are stored one by one", async () => {
  const store = await open();
  const jobs = [...many(20), ...many(1, { payload: JSON.stringify("x".repeat(20_000)) })];
  await store.push({ jobs, timeoutMs: 5_000 });
  expect(await admin.exists(`${TASK}bundles`)).toBe(0);
  expect((await claim(store, 21)).held).toHaveLength(21);
});

test("what is not ASCII comes out as it went in, whatever part of it is claimed", async () => {
  const store = await open();
  const texts = Array.from({ length: 40 }, (_, k) => (k % 3 === 0 ? `"${k}ä€😀"` : `"${k}abcde"`));
  const jobs = texts.map((payload) => job("a", { payload, rules: RULES }));
  await store.push({ jobs, timeoutMs: 5_000 });
  const seen: string[] = [];
  for (const limit of [9, 3, 12, 30]) {
    seen.push(...(await claim(store, limit)).held.map(({ payload }) => payload));
  }
  expect(seen).toEqual(texts);
});
