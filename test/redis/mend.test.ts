/**
 * Claims about `repair()` on a real server: each key of a task is deleted or damaged in turn; after
 * a repair everything drains, nothing that may run only once runs twice, and a second repair finds
 * nothing.
 */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createScheduler } from "../../src/index.js";
import type { Scheduler } from "../../src/types.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { drain, job, KEEP, NO_BUNDLES, storeOn } from "./store-kit.js";

const PREFIX = "_mend:";
const SHARD = `${PREFIX}{0}:`;
const TASK = `${SHARD}t:a:`;

let server: TestServer;
let admin: Redis;
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startServer();
  admin = new Redis({ host: server.host, port: server.port });
}, 30_000);
beforeEach(() => admin.flushall());
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});
afterAll(async () => {
  admin?.disconnect();
  await server?.stop();
});

function schedulerHere(): Scheduler {
  const { host, port } = server;
  const redisConfig = { host, port };
  const options = { redisConfig, redisPrefix: PREFIX, logger: false, pollInterval: 50 } as const;
  const scheduler = createScheduler({ ...options, lease: "300ms" });
  scheduler.on("error", () => {});
  endings.push(() => scheduler.stop());
  return scheduler;
}

/** Jobs in every state: two that run in a lease of a dead owner, and what waits. */
async function fill(): Promise<void> {
  const { host, port } = server;
  const store = storeOn({ host, port }, PREFIX);
  const retry = { attempts: 0, waitMs: 1, backoff: "fixed" } as const;
  const rules = { retry, priority: 0, timeoutMs: null };
  const jobs = [job("a", { id: "once" }), job("a", { id: "again", rules })];
  await store.push({ jobs, timeoutMs: 5_000 });
  const work = { settles: [], idle: false, leaseMs: 300, keep: KEEP };
  await store.work({ ...work, claims: [{ taskId: "a", limit: 2 }] });
  const prio = { ...rules, priority: 5 };
  await store.push({
    jobs: [
      ...[job("a", { id: "r1", rules }), job("a", { rules }), job("a", { id: "p", rules: prio })],
      ...[job("a", { id: "later", due: { in: 100 }, rules }), job("a", { id: "ended" })],
    ],
    timeoutMs: 5_000,
  });
  await store.cancel({ taskId: "a", id: "ended", keep: KEEP });
  await store.close();
}

/** Everything that is left runs; what is not open any more has ended once. */
async function drainAll(): Promise<string[]> {
  const ran: string[] = [];
  const worker = schedulerHere();
  worker.bind("a", (_, { jobId }) => void ran.push(jobId));
  await worker.start();
  await until(
    "the task to drain",
    async () => {
      const { ready, scheduled, running } = await worker.jobs.counts("a");
      return ready + scheduled + running === 0;
    },
    50_000,
  );
  await worker.stop();
  return ran;
}

const DAMAGES: readonly [string, () => Promise<unknown>, readonly string[]][] = [
  ["the line", () => admin.del(`${TASK}ready`), ["ready"]],
  ["the line of priorities", () => admin.del(`${TASK}prio`), ["ready"]],
  ["both lines", () => admin.del(`${TASK}ready`, `${TASK}prio`), ["ready"]],
  ["what runs", () => admin.del(`${TASK}claimed`), ["running"]],
  ["the index of leases", () => admin.del(`${SHARD}leases`), ["leases"]],
  ["the leases", () => admin.del(`${SHARD}lease`), ["running"]],
  ["leases and index", () => admin.del(`${SHARD}lease`, `${SHARD}leases`), ["running"]],
  ["the text of a lease", () => damageLease(), ["leases", "running"]],
  ["the due times", () => admin.del(`${TASK}due`), ["scheduled"]],
  ["the next moments", () => admin.del(`${SHARD}moments`), ["moments"]],
  ["the records", () => admin.del(`${TASK}jobs`), ["running", "ids"]],
  ["the records of later", () => admin.del(`${TASK}later`), ["ids"]],
  ["the ids", () => admin.del(`${TASK}ids`), []],
  ["the ends of ids", () => admin.del(`${TASK}idends`), ["ids"]],
  ["what has ended", () => admin.del(`${TASK}ended`), ["ended"]],
  ["the index of what is cancelled", () => admin.del(`${TASK}cancelled`), ["ended"]],
  [
    "counts of nobody",
    () => admin.hset(`${TASK}tries`, "1234567890123456", "1,0,0,0,0"),
    ["counts"],
  ],
  ["the counters", () => admin.del(`${TASK}stats`, `${SHARD}meta`), []],
];

async function damageLease(): Promise<void> {
  const [fence = ""] = await admin.hkeys(`${SHARD}lease`);
  await admin.hset(`${SHARD}lease`, fence, "no lease");
}

test.each(DAMAGES)(
  "%s lost: it is mended, and drains",
  async (_, damage, kinds) => {
    await fill();
    await damage();
    const mender = schedulerHere();
    const { tasks, mended } = await mender.repair({ tasks: ["a"] });
    expect(tasks).toEqual(["a"]);
    expect([...new Set(mended.map(({ kind }) => kind))].sort()).toEqual([...kinds].sort());
    expect((await mender.repair({ tasks: ["a"] })).mended).toEqual([]);
    const isKept = (await admin.hlen(`${TASK}jobs`)) > 0;
    const ran = await drainAll();
    // It was claimed by one that died: it may not begin again, whatever was lost.
    expect(ran).not.toContain("once");
    if (isKept) {
      expect(ran).toContain("r1");
      expect(ran).toContain("again");
    }
    expect(new Set(ran).size).toBe(ran.length);
    for (const id of ["r1", "again"]) {
      const pushed = await mender.push("a", { id });
      if (!isKept) expect(pushed.created).toBe(true);
    }
  },
  30_000,
);

test("a line of thousands is made anew in pieces, each of a bounded length", async () => {
  const { host, port } = server;
  const store = storeOn({ host, port }, PREFIX, undefined, NO_BUNDLES);
  const jobs = Array.from({ length: 5_000 }, (_, k) => job("a", { payload: String(k) }));
  await store.push({ jobs, timeoutMs: 5_000 });
  await admin.del(`${TASK}ready`);
  let pieces = 0;
  let place = "";
  do {
    ({ place } = await store.mend({ taskId: "a", urgent: true, place }));
    pieces += 1;
  } while (place !== "");
  expect(pieces).toBeGreaterThan(10);
  const seen = await drain(store, "a");
  expect(seen.map(Number).sort((a, b) => a - b)).toEqual(jobs.map((_, k) => k));
  await store.close();
});

test("in the background the fleet does one piece of a task in 50 s", async () => {
  const { host, port } = server;
  const stores = [storeOn({ host, port }, PREFIX), storeOn({ host, port }, PREFIX)] as const;
  await stores[0].push({ jobs: [job("a")], timeoutMs: 5_000 });
  await admin.del(`${TASK}ready`);
  const args = { taskId: "a", urgent: false, place: "" };
  expect(await stores[0].mend(args)).toEqual({ seen: 0, place: "", mended: { ready: 1 } });
  await admin.del(`${TASK}ready`);
  expect(await stores[1].mend(args)).toEqual({ seen: 0, place: "", mended: {} });
  expect((await stores[1].mend({ ...args, urgent: true })).mended).toEqual({ ready: 1 });
  for (const store of stores) await store.close();
});

test.each([
  ["line", "ready", { ready: 3 }],
  ["due times", "due", { scheduled: 2 }],
] as const)("a lost %s is mended first, wherever the walk stands", async (_, key, mended) => {
  const { host, port } = server;
  const store = storeOn({ host, port }, PREFIX);
  const later = { due: { in: 3_600_000 } };
  const jobs = [job("a"), job("a"), job("a"), job("a", later), job("a", later)];
  await store.push({ jobs, timeoutMs: 5_000 });
  await admin.hset(`${SHARD}meta`, "mend a", "0 8:0");
  await admin.del(`${TASK}${key}`);
  expect(await store.mend({ taskId: "a", urgent: false, place: "" })).toMatchObject({ mended });
  await store.close();
});

test("what runs in no lease is found soon, however much has ended", async () => {
  const { host, port } = server;
  const store = storeOn({ host, port }, PREFIX);
  await store.push({ jobs: [job("a"), job("a")], timeoutMs: 5_000 });
  const work = { settles: [], idle: false, leaseMs: 60_000, keep: KEEP };
  await store.work({ ...work, claims: [{ taskId: "a", limit: 2 }] });
  const ended = Array.from({ length: 2_000 }, (_, k) => [
    `1${String(k).padStart(15, "0")}`,
    "c|1|",
  ]);
  await admin.hset(`${TASK}ended`, Object.fromEntries(ended));
  await admin.zadd(`${TASK}completed`, ...ended.flatMap(([number = ""]) => ["1", number]));
  const mend = () => store.mend({ taskId: "a", urgent: false, place: "" });
  expect((await mend()).mended).toEqual({});
  const noted = await admin.hget(`${SHARD}meta`, "mend a");
  expect(noted).toMatch(/^\d+ 8:\d+;;$/);
  await admin.del(`${SHARD}lease`, `${SHARD}leases`);
  await admin.hset(`${SHARD}meta`, "mend a", String(noted).replace(/^\d+/, "0"));
  expect(await mend()).toMatchObject({ mended: { running: 2 } });
  await store.close();
});

test("tasks that have little share a call, to the first in which something is found", async () => {
  const { host, port } = server;
  const store = storeOn({ host, port }, PREFIX);
  await store.push({ jobs: [job("a"), job("c"), job("e")], timeoutMs: 5_000 });
  await admin.del(`${SHARD}t:c:ready`);
  const next = ["b", "c", "d", "e"];
  const args = { taskId: "a", urgent: false, place: "" };
  expect(await store.mend({ ...args, next })).toEqual({ seen: 2, place: "", mended: { ready: 1 } });
  expect(await admin.hkeys(`${SHARD}meta`)).not.toContain("mend d");
  expect(await store.mend({ ...args, taskId: "d", next: ["e"] })).toMatchObject({ seen: 1 });
  expect(await admin.hkeys(`${SHARD}meta`)).toEqual(expect.arrayContaining(["mend d", "mend e"]));
  await store.close();
});

test("the last task of a call does not live on what the others leave", async () => {
  const { host, port } = server;
  const store = storeOn({ host, port }, PREFIX);
  const many = (taskId: string, count: number) =>
    Array.from({ length: count }, (_, k) => job(taskId, { id: String(k) }));
  await store.push({ jobs: [...many("a", 60), ...many("b", 400)], timeoutMs: 5_000 });
  const args = { taskId: "a", urgent: false, place: "", next: ["b"] };
  expect(await store.mend(args)).toMatchObject({ seen: 0, mended: {} });
  await store.close();
});

test("tasks that have much end a call: the others have the next one", async () => {
  const { host, port } = server;
  const store = storeOn({ host, port }, PREFIX, undefined, NO_BUNDLES);
  const many = (taskId: string) => Array.from({ length: 500 }, () => job(taskId));
  await store.push({ jobs: [...many("a"), ...many("b"), ...many("c")], timeoutMs: 5_000 });
  const args = { taskId: "a", urgent: false, place: "", next: ["b", "c"] };
  expect(await store.mend(args)).toMatchObject({ seen: 0, mended: {} });
  await store.close();
});
