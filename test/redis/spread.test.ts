/**
 * A task that is spread over several shards of a store: where its jobs are, that everybody finds
 * them there, and that whoever does not know of it learns it before anything is stored.
 */
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { placeOfId, shardOfTask, shardsOfTask } from "../../src/core/shard.js";
import type { PushAnswer, Spreads, Store } from "../../src/store/contract.js";
import type { World } from "../contract/world.js";
import { PREFIX, redisWorld, serverForThisFile } from "../support/redis-world.js";
import { until } from "../support/until.js";
import { job, KEEP, LEASE_MS } from "./store-kit.js";

const SHARDS = 16;
const OVER = 4;
const TASK = "hot";
const PLACES = shardsOfTask(TASK, { shards: SHARDS, over: OVER });
const IDS = Array.from({ length: 40 }, (_, n) => `order-${n}`);

const server = serverForThisFile({ kind: "redis-server" });
let world: World;
let store: Store;

beforeEach(async () => {
  world = await redisWorld(server(), SHARDS);
  store = await world.open();
});

afterEach(async () => await world.close());

function spreadsOf(one: Store): Spreads {
  if (one.spreads === undefined) throw new Error("the store has one shard");
  return one.spreads;
}

async function fix(one: Store, over: number | null = OVER, taskId = TASK) {
  return (await spreadsOf(one).fix([{ taskId, over }]))[0];
}

function push(one: Store, ids: readonly (string | null)[], shard?: number): Promise<PushAnswer[]> {
  const jobs = ids.map((id) => job(TASK, { id, payload: JSON.stringify(id) }));
  return one.push({ jobs, timeoutMs: 5_000, ...(shard === undefined ? {} : { shard }) });
}

function shardOfId(id: string): number {
  return PLACES[placeOfId(id, OVER)] as number;
}

/** How many records each shard has of it. */
async function records(): Promise<number[]> {
  const { host, port } = server();
  const client = new Redis({ host, port });
  const all = Array.from({ length: SHARDS }, (_, shard) => shard);
  const keys = all.map((shard) => `${PREFIX}{${shard}}:t:${TASK}:jobs`);
  const lengths = await Promise.all(keys.map((key) => client.hlen(key)));
  client.disconnect();
  return lengths;
}

async function claim(one: Store, shard: number, limit = 100) {
  const claims = [{ taskId: TASK, limit }];
  const args = { settles: [], claims, idle: false, leaseMs: LEASE_MS, keep: KEEP, shard };
  return (await one.work(args)).batches;
}

test("the first wish is fixed for ever, others are told what is in force", async () => {
  expect(await fix(store, null)).toEqual({ taskId: TASK, over: 1, outcome: "agreed" });
  const [a, b] = await Promise.all([fix(await world.open(), 4), fix(await world.open(), 8)]);
  const over = a?.outcome === "agreed" ? 4 : 8;
  expect([a?.outcome, b?.outcome].sort()).toEqual(["agreed", "other"]);
  expect([a?.over, b?.over]).toEqual([over, over]);
  expect(await fix(store, null)).toEqual({ taskId: TASK, over, outcome: "agreed" });
  expect(await fix(store, over)).toMatchObject({ outcome: "agreed" });
  expect(spreadsOf(store).over(TASK)).toBe(over);
  // One shard is a number, too.
  expect(await fix(store, 1, "calm")).toMatchObject({ over: 1, outcome: "agreed" });
  expect(await fix(store, 2, "calm")).toMatchObject({ over: 1, outcome: "other" });
});

test("a task that was used with ids of its callers is not spread any more", async () => {
  await push(store, [null]);
  expect(await fix(store)).toMatchObject({ over: OVER, outcome: "agreed" });
  const jobs = [job("known", { id: "mine" })];
  await store.push({ jobs, timeoutMs: 5_000 });
  expect(await fix(store, OVER, "known")).toEqual({ taskId: "known", over: 1, outcome: "used" });
  expect(await fix(store, 1, "known")).toMatchObject({ outcome: "agreed" });
});

test("jobs with ids stand where the id says, all others where their caller wishes", async () => {
  await fix(store);
  await push(store, IDS);
  const wanted = Array.from({ length: SHARDS }, () => 0);
  for (const id of IDS) wanted[shardOfId(id)]! += 1;
  expect(await records()).toEqual(wanted);
  expect(wanted.filter((n) => n > 0)).toHaveLength(OVER);
  const third = PLACES[2] as number;
  const [answer] = await push(store, [null], third);
  expect(answer?.id.split("-")[0]).toBe(String(third));
  // It does not live there: its home has it.
  const stray = PLACES.map((place) => (place + 1) % SHARDS)[0] as number;
  expect((await push(store, [null], stray))[0]?.id.split("-")[0]).toBe(String(PLACES[0]));
});

test("pushed again by whoever does not know of it, an id is never stored twice", async () => {
  const stale = await world.open();
  await push(stale, [null]);
  await fix(store);
  expect(spreadsOf(stale).over(TASK)).toBe(1);
  const first = await push(store, IDS.slice(0, 20));
  const again = await push(stale, IDS);
  expect(spreadsOf(stale).over(TASK)).toBe(OVER);
  expect(again.map(({ created }) => created)).toEqual(IDS.map((_, n) => n >= 20));
  const third = await push(await world.open(), IDS);
  expect(third.filter(({ created }) => created)).toEqual([]);
  expect(first.every(({ created }) => created)).toBe(true);
  const sum = (await records()).reduce((all, n) => all + n, 0);
  expect(sum).toBe(1 + IDS.length);
});

test("a call of several tasks is stored whole when one of them is spread", async () => {
  const stale = await world.open();
  await fix(store);
  const home = shardOfTask(TASK, SHARDS);
  const names = Array.from({ length: 200 }, (_, n) => `calm-${n}`);
  const calm = names.find((name) => shardOfTask(name, SHARDS) === home) as string;
  const jobs = [...IDS.map((id) => job(TASK, { id })), job(calm, { id: "a" }), job(calm)];
  const answers = await stale.push({ jobs, timeoutMs: 5_000 });
  expect(answers.map(({ created }) => created)).toEqual(jobs.map(() => true));
  expect(answers.slice(0, -1).map(({ id }) => id)).toEqual([...IDS, "a"]);
  expect((await stale.counts({ taskId: calm })).ready).toBe(2);
  expect((await stale.counts({ taskId: TASK })).ready).toBe(IDS.length);
});

test("everybody finds, cancels and issues again a job by its id", async () => {
  await fix(store);
  await push(store, IDS);
  const assigned = (await Promise.all(PLACES.map((place) => push(store, [null], place)))).flat();
  const other = await world.open();
  for (const id of [...IDS, ...assigned.map((answer) => answer.id)]) {
    expect(await other.get({ taskId: TASK, id })).toMatchObject({ id, state: "ready" });
    expect(await other.cancel({ taskId: TASK, id, keep: KEEP })).toMatchObject({ changed: true });
    expect(await other.redrive({ taskId: TASK, id })).toMatchObject({ id, redriven: true });
  }
  expect(await other.get({ taskId: TASK, id: "order-99" })).toBeNull();
  expect(await other.get({ taskId: TASK, id: `99-${"0".repeat(16)}` })).toBeNull();
});

test("lists and counts are put together, page by page", async () => {
  await fix(store);
  await push(store, IDS);
  const other = await world.open();
  const counts = await other.counts({ taskId: TASK });
  expect(counts).toMatchObject({ ready: IDS.length, total: { pushed: IDS.length } });
  for (const limit of [1, 3, 7, 100]) {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await other.list({ taskId: TASK, state: "ready", cursor, limit });
      expect(page.jobs.length).toBeLessThanOrEqual(limit);
      const numbers = page.jobs.map(({ number }) => number);
      expect(numbers).toEqual([...numbers].sort());
      seen.push(...page.jobs.map(({ id }) => id));
      ({ cursor } = page);
    } while (cursor !== null);
    expect(seen.sort()).toEqual([...IDS].sort());
  }
  const cancelled = IDS.slice(0, 8);
  for (const id of cancelled) await other.cancel({ taskId: TASK, id, keep: KEEP });
  const args = { taskId: TASK, state: "cancelled", cursor: null, limit: 100 } as const;
  const { jobs } = await other.list(args);
  const ends = jobs.map(({ endedAt }) => endedAt ?? 0);
  expect(ends).toEqual([...ends].sort((a, b) => b - a));
  expect(jobs.map(({ id }) => id).sort()).toEqual([...cancelled].sort());
});

test("what a schedule fires stays in the home, and is found by its id", async () => {
  await fix(store);
  const now = await world.now();
  const at = Math.ceil(now / 1_000) * 1_000;
  const write = {
    ...{ scheduleId: "s", taskId: TASK, definition: '{"every":1000}', digest: "0".repeat(16) },
    ...{
      payload: "",
      rules: { retry: null, priority: 0, timeoutMs: null },
      overlap: "skip" as const,
    },
    ...{ local: false, jitterMs: 0, firstAt: at + 60_000, decidedAt: null, generation: null },
  } as const;
  await store.register({ registration: null, schedules: [write] });
  const trigger = { scheduleId: "s", instants: [at, at + 1_000], overlap: "allow", keep: KEEP };
  await store.trigger(trigger as Parameters<Store["trigger"]>[0]);
  const home = PLACES[0] as number;
  expect((await records()).flatMap((n, shard) => (n === 0 ? [] : [[shard, n]]))).toEqual([
    [home, 2],
  ]);
  const other = await world.open();
  const id = `s@${at}`;
  expect(await other.get({ taskId: TASK, id })).toMatchObject({ id, state: "ready" });
  expect((await push(other, [id]))[0]).toMatchObject({ id, created: false });
});

test("leases in all of its shards are renewed, and taken back when they end", async () => {
  await fix(store);
  await push(store, IDS);
  const batches = (await Promise.all(PLACES.map((place) => claim(store, place)))).flat();
  expect(batches.map(({ shard }) => shard).sort()).toEqual([...PLACES].sort());
  await world.advance(LEASE_MS / 2);
  const leases = batches.map(({ fence, taskId, shard }) => ({ fence, taskId, shard: shard ?? 0 }));
  expect(await store.renew({ leases, progress: [] })).toEqual({ lost: [], cancelled: [] });
  const progress = batches.map(({ fence, taskId, shard, jobs }) => {
    return { taskId, fence, shard: shard ?? 0, number: jobs[0]?.number ?? "", value: "1" };
  });
  await store.renew({ leases, progress });
  for (const { jobs } of batches) {
    const seen = await store.get({ taskId: TASK, id: jobs[0]?.id ?? "" });
    expect(seen).toMatchObject({ state: "running", progress: "1" });
  }
  await world.advance(2 * LEASE_MS);
  const look = { taskIds: [], fireable: { taskIds: [], scheduleIds: [] }, registration: null };
  const { expired } = await until("the grace to be over", async () => {
    await world.advance(LEASE_MS / 4);
    const seen = await store.look({ ...look, sleepMs: 10 });
    return seen.expired.length === OVER ? seen : null;
  });
  expect(new Set(expired.map(({ shard }) => shard))).toEqual(new Set(PLACES));
  const reaped = await store.reap({ leases: expired, random: 0.5, keep: KEEP });
  expect(reaped.map(({ id }) => id).sort()).toEqual([...IDS].sort());
  expect((await store.counts({ taskId: TASK })).dead).toBe(IDS.length);
});

test("what is past its age is forgotten in all of its shards", async () => {
  await fix(store);
  await push(store, IDS);
  for (const id of IDS) await store.cancel({ taskId: TASK, id, keep: KEEP });
  await world.advance(KEEP.cancelled.ageMs + 1);
  const other = await world.open();
  await fix(other, null);
  for (let more = true; more; ) more = await other.prune({ taskIds: [TASK], keep: KEEP });
  expect((await other.counts({ taskId: TASK })).cancelled).toBe(0);
});

test("a job that stands in no line is mended, in whichever of its shards it is", async () => {
  await fix(store);
  await push(store, IDS);
  const { host, port } = server();
  const client = new Redis({ host, port });
  for (const place of PLACES) await client.del(`${PREFIX}{${place}}:t:${TASK}:ready`);
  client.disconnect();
  const other = await world.open();
  let mended = 0;
  let place = "";
  do {
    const piece = await other.mend({ taskId: TASK, urgent: true, place });
    mended += piece.mended.ready ?? 0;
    ({ place } = piece);
  } while (place !== "");
  expect(mended).toBe(IDS.length);
  const claimed = (await Promise.all(PLACES.map((at) => claim(store, at)))).flat();
  expect(claimed.flatMap(({ jobs }) => jobs.map(({ id }) => id)).sort()).toEqual([...IDS].sort());
});

test("a look tells schedulers of it that have bound the task before", async () => {
  const other = await world.open();
  const told: string[] = [];
  other.onWake((wake) => void (wake.kind === "spread" && told.push(wake.taskId)));
  const fireable = { taskIds: [TASK, "calm"], scheduleIds: [] };
  const look = { taskIds: [TASK, "calm"], fireable, registration: null, sleepMs: 10 };
  await other.look(look);
  await fix(store);
  expect(told).toEqual([]);
  await other.look(look);
  await until("it to be told", () => told.length > 0);
  expect(told).toEqual([TASK]);
  expect(spreadsOf(other).over(TASK)).toBe(OVER);
});

test("data that are lost take it along, and whoever knows it fixes it again", async () => {
  await fix(store);
  await world.empty?.();
  await world.cut?.();
  await until("the loss to be known", () => spreadsOf(store).over(TASK) === 1);
  expect(await fix(await world.open(), 8)).toMatchObject({ outcome: "agreed" });
  expect(await fix(store)).toMatchObject({ over: 8, outcome: "other" });
});

test("a store of one shard has it without effect", async () => {
  await world.close();
  world = await redisWorld(server());
  store = await world.open();
  expect(await fix(store)).toEqual({ taskId: TASK, over: 1, outcome: "agreed" });
  await push(store, IDS);
  expect(spreadsOf(store).over(TASK)).toBe(1);
  expect((await records())[0]).toBe(IDS.length);
});
