/**
 * Claims about jobs that begin or end together and leave something behind: what a script does for
 * many of them in a few commands is, for each, what it would be alone.
 */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ClaimedJob, KeepRules, NewJob, Settle, Store } from "../../src/store/contract.js";
import { startServer, type TestServer } from "../support/servers.js";
import { job, KEEP, LEASE_MS, storeOn } from "./store-kit.js";

const HOUR_MS = 3_600_000;
const KEPT: KeepRules = { ...KEEP, completed: { ageMs: HOUR_MS, count: 1_000 } };

let server: TestServer;
let client: Redis;
let store: Store;

beforeAll(async () => {
  server = await startServer();
  client = new Redis({ host: server.host, port: server.port });
}, 30_000);
beforeEach(async () => {
  await client.flushall();
  store = storeOn({ host: server.host, port: server.port });
  await store.open();
});
afterEach(() => store.close());
afterAll(async () => {
  client?.disconnect();
  await server?.stop();
});

type Held = ClaimedJob & { fence: string };

async function claim(limit: number): Promise<Held[]> {
  const claims = [{ taskId: "a", limit }];
  const args = { settles: [], claims, idle: false, leaseMs: LEASE_MS, keep: KEEP };
  const { batches } = await store.work(args);
  return batches.flatMap(({ fence, jobs }) => jobs.map((one) => ({ ...one, fence })));
}

/** Completed, each with its payload as result, in this order. */
async function settle(held: readonly Held[], keep: KeepRules): Promise<unknown[]> {
  const settles = held.map(({ fence, number, id, ownId, payload }): Settle => {
    const outcome = { kind: "completed", result: payload } as const;
    return { fence, taskId: "a", number, id: ownId ? id : null, scheduleId: null, outcome };
  });
  const args = { claims: [], idle: false, leaseMs: LEASE_MS, keep };
  const { settled } = await store.work({ ...args, settles });
  return settled.map((answer) => (answer === "lost" ? answer : answer.state));
}

/** So many, every third with an id of its caller's. */
function mixed(count: number): NewJob[] {
  return Array.from({ length: count }, (_, k) =>
    job("a", { payload: `"${k}"`, id: k % 3 === 0 ? `id ${k}` : null }),
  );
}

const get = (id: string) => store.get({ taskId: "a", id });
const completed = (count: number) => Array.from({ length: count }, () => "completed");

test("jobs that end together are kept, each with its own record, id and result", async () => {
  await store.push({ jobs: mixed(300), timeoutMs: 5_000 });
  const held = await claim(300);
  // The first hundred as they were claimed; then two leases mixed, the last one first.
  expect(await settle(held.slice(0, 100), KEPT)).toEqual(completed(100));
  expect(await settle(held.slice(100).reverse(), KEPT)).toEqual(completed(200));
  const there = await Promise.all(held.map(({ id }) => get(id)));
  for (const [k, view] of there.entries()) {
    expect(view).toMatchObject({ state: "completed", payload: `"${k}"`, result: `"${k}"` });
  }
  expect(await store.counts({ taskId: "a" })).toMatchObject({ ready: 0, running: 0 });
  // They were theirs to end once.
  expect(await settle(held.slice(90, 110), KEPT)).toEqual(Array.from({ length: 20 }, () => "lost"));
});

test("beyond the counts those that ended first are dropped, of jobs and of ids", async () => {
  const keep = { ...KEPT, idCount: 7, completed: { ageMs: HOUR_MS, count: 20 } };
  await store.push({ jobs: mixed(190), timeoutMs: 5_000 });
  const held = await claim(190);
  await settle(held, keep);
  const { jobs } = await store.list({ taskId: "a", state: "completed", cursor: null, limit: 100 });
  expect(jobs.map(({ number }) => number)).toEqual(
    held
      .slice(-20)
      .map(({ number }) => number)
      .reverse(),
  );
  const { total } = await store.counts({ taskId: "a" });
  expect(total).toMatchObject({ completed: 190, dropped: 170 + 64 - 7 });
  expect(await client.hlen("_test:{0}:t:a:ids")).toBe(7);
  expect(await client.zcard("_test:{0}:t:a:idends")).toBe(7);
});

test("one that is to be cancelled is, and the others complete", async () => {
  await store.push({ jobs: mixed(30), timeoutMs: 5_000 });
  const held = await claim(30);
  await store.cancel({ taskId: "a", id: "id 12", keep: KEPT });
  const states = await settle(held, KEPT);
  expect(states.map((state, k) => (state === "completed" ? null : k)).filter(Boolean)).toEqual([
    12,
  ]);
  expect(await get("id 12")).toMatchObject({ state: "cancelled", result: null, payload: '"12"' });
  expect(await get("id 15")).toMatchObject({ state: "completed", result: '"15"' });
});

test("big ones are kept in pieces", async () => {
  const payload = `"${"x".repeat(1_000_000)}"`;
  const jobs = Array.from({ length: 3 }, () => job("a", { payload }));
  for (let n = 0; n < 4; n += 1) await store.push({ jobs, timeoutMs: 5_000 });
  const held = [...(await claim(12)), ...(await claim(12)), ...(await claim(12))];
  expect(held).toHaveLength(12);
  expect(await settle(held, KEPT)).toEqual(completed(12));
  expect((await get(held[11]?.id ?? ""))?.result).toHaveLength(payload.length);
  expect(await client.hlen("_test:{0}:t:a:ended")).toBe(12);
  expect(await client.exists("_test:{0}:t:a:jobs")).toBe(0);
});

test("a push tells of each job what became of it, whatever it has beside its data", async () => {
  const prio = { retry: null, priority: 3, timeoutMs: null };
  const later = { in: HOUR_MS };
  await store.push({ jobs: [job("a", { id: "old" })], timeoutMs: 5_000 });
  const jobs = [
    ...[job("a"), job("a", { id: "x" }), job("a", { id: "x", due: later }), job("a")],
    ...[job("a", { id: "old" }), job("a", { due: later, id: "y" }), job("a", { rules: prio })],
    ...[job("a", { id: "y", rules: prio }), job("b", { rules: prio }), job("b", { rules: prio })],
    ...[job("c", { rules: prio }), job("c", { due: later })],
  ];
  const answers = await store.push({ jobs, timeoutMs: 5_000 });
  expect(answers.map(({ created }) => (created ? 1 : 0)).join("")).toBe("110101101111");
  expect(answers.map(({ state }) => state.slice(0, 1)).join("")).toBe("rrrrrsrsrrrs");
  expect(answers[7]).toEqual({ ...answers[5], created: false });
  expect(answers[5]?.dueAt).toBeGreaterThan(0);
  const numbers = answers.flatMap(({ id }) => (id.startsWith("0-") ? [Number(id.slice(2))] : []));
  expect(numbers).toHaveLength(7);
  for (const [k, { id, state }] of answers.entries()) {
    expect(await store.get({ taskId: jobs[k]?.taskId ?? "", id })).toMatchObject({ state });
  }
  const { jobs: line } = await store.list({ taskId: "a", state: "ready", cursor: null, limit: 9 });
  expect(line.map(({ id }) => id)).toEqual([
    "old",
    answers[0]?.id,
    "x",
    answers[3]?.id,
    answers[6]?.id,
  ]);
});

test("priorities go in line and back to its front, and leave it in their order", async () => {
  const jobs = Array.from({ length: 60 }, (_, k) =>
    job("a", { payload: `${k}`, rules: { retry: null, priority: (k % 5) - 2, timeoutMs: null } }),
  );
  await store.push({ jobs, timeoutMs: 5_000 });
  const order = jobs
    .map(({ rules, payload }) => ({ priority: rules.priority, n: Number(payload) }))
    .sort((a, b) => a.priority - b.priority || a.n - b.n)
    .map(({ n }) => `${n}`);
  const held = await claim(55);
  expect(held.map(({ payload }) => payload)).toEqual(order.slice(0, 55));
  const settles = held.map(({ fence, number }): Settle => {
    const outcome = { kind: "handBack" } as const;
    return { fence, taskId: "a", number, id: null, scheduleId: null, outcome };
  });
  await store.work({ claims: [], idle: false, leaseMs: LEASE_MS, keep: KEEP, settles });
  const { jobs: line } = await store.list({ taskId: "a", state: "ready", cursor: null, limit: 60 });
  expect(line.map(({ payload }) => payload)).toEqual(order);
  expect((await claim(60)).map(({ payload }) => payload)).toEqual(order);
});
