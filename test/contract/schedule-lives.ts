/**
 * A workload that runs every script of the Redis store that has to do with schedules: for the test
 * that watches what scripts touch.
 */
import type { Redis } from "ioredis";
import { expect } from "vitest";
import type { Decision } from "../../src/core/schedule/outcome.js";
import type { Overlap } from "../../src/core/schedule/overlap.js";
import type { Store } from "../../src/store/contract.js";
import type { Home } from "../../src/store/redis/session.js";
import { until } from "../support/until.js";
import {
  COMPLETED,
  DAY_MS,
  type Held,
  HOUR_MS,
  KEEP,
  NO_SCHEDULES,
  newJob,
  schedule,
  settleOf,
  TASK,
} from "./words.js";

/** Short, because nobody moves the clock of the shipped scripts. */
export const LEASE_MS = 30;

/** Later than the registration arrives, however busy the machine is. */
const SOON_MS = 300;

export interface Parts {
  store: Store;
  /** Straight to the server. */
  client: Redis;
  /** What the keys of the shard begin with. */
  shard: string;
  claim: (limit: number, leaseMs?: number) => Promise<Held[]>;
}

/**
 * A schedule that moves to a task of another shard, and a task that is spread over two; of a store
 * with several.
 */
export async function moves(store: Store, stale: Store): Promise<void> {
  const taskIds = Array.from({ length: 20 }, (_, n) => `task ${n}`);
  const { now } = await store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 10, shard: 0 });
  await store.spreads?.fix([{ taskId: "task 0", over: 2 }]);
  const jobs = ["a", "b", "c"].map((id) => newJob({ taskId: "task 0", id }));
  for (const one of [store, stale]) await one.push({ jobs, timeoutMs: 5_000 });
  for (const [n, taskId] of taskIds.entries()) {
    const written = schedule({ scheduleId: "moves", taskId, firstAt: now + HOUR_MS });
    const schedules = [{ ...written, digest: String(n) }];
    const [answer] = await store.register({ registration: null, schedules });
    expect(answer?.outcome).toBe(n === 0 ? "added" : "changed");
  }
  const { session } = store as unknown as { session: Home };
  const [, shard] = await session.shards(1_000);
  // What only a Cluster asks, after a failover or while a shard is away.
  await shard?.run("respread", { args: ["a run", "task 1", "2"] });
  await shard?.run("gone", { args: ["note", "moved"] });
  await shard?.run("gone", { args: ["ask", "moved", "0"] });
}

/** Runs every script that has to do with schedules, on every way through it. */
export async function scheduleLives(parts: Parts): Promise<void> {
  const { store } = parts;
  const { now } = await store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 10 });
  const first = schedule({ overlap: "bufferAll", firstAt: now + SOON_MS });
  const later = schedule({ scheduleId: "later", firstAt: now + HOUR_MS });
  const local = schedule({
    scheduleId: "local",
    local: true,
    payload: "1",
    firstAt: now + SOON_MS,
  });
  const registration = { set: "set", leaseMs: LEASE_MS };
  await store.register({ registration, schedules: [first, local, later] });
  await store.register({
    registration,
    schedules: [{ ...later, digest: "2", firstAt: now + DAY_MS }],
  });
  const fireable = { taskIds: [TASK], scheduleIds: ["local"] };
  await until("the schedules to be due", async () => {
    const args = { taskIds: [TASK, "other"], fireable, registration, sleepMs: 10 };
    return (await store.look(args)).schedules.length === 2;
  });
  await decide(store, first.firstAt ?? 0);
  await overlaps(parts);
  await tellAll(parts);
}

/** Of two occurrences that fire one waits; the others are given up. */
async function decide(store: Store, seenAt: number): Promise<void> {
  const at = (n: number): Decision => ({
    kind: "fire",
    scheduledFor: seenAt + n,
    isCatchup: n > 0,
    missedCount: n,
  });
  const passed: Decision = { kind: "pass", reason: "misfire", from: seenAt, to: seenAt, count: 1 };
  const fire = { revision: 1, seenAt, nextAt: seenAt + HOUR_MS };
  const fires = [
    { ...fire, scheduleId: "s", decisions: [at(0), at(1), passed] },
    { ...fire, scheduleId: "local", nextAt: null, decisions: [at(0)] },
  ];
  const answers = await store.fire({ taskId: TASK, fires, keep: KEEP });
  expect(answers.map((answer) => answer?.outcomes.length)).toEqual([3, 1]);
}

/** Every way in which a job that is tracked ends, and what becomes of those that wait for it. */
async function overlaps({ store, claim }: Parts): Promise<void> {
  const trigger = async (instant: number, overlap: Overlap | null = null): Promise<void> => {
    await store.trigger({ scheduleId: "s", instants: [instant], overlap, keep: KEEP });
  };
  for (const instant of [1, 2, 3, 4]) await trigger(instant);
  const held = await claim(100);
  const settles = held.map((job) => settleOf(job, COMPLETED));
  const work = { claims: [], idle: false, leaseMs: HOUR_MS, keep: KEEP };
  await store.work({ ...work, settles });
  const [waiting] = (await store.schedule({ scheduleId: "s" }))?.open ?? [];
  await store.cancel({ taskId: TASK, id: waiting ?? "", keep: KEEP });
  await store.redrive({ taskId: TASK, id: waiting ?? "" });
  await claim(100, LEASE_MS);
  await until("the tracked job to be reaped", async () => {
    const { expired } = await store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 10 });
    return (await store.reap({ leases: expired, random: 0.5, keep: KEEP })).length > 0;
  });
  await claim(100);
  await trigger(5, "cancelOther");
  await store.trigger({ scheduleId: "s", instants: null, overlap: "allow", keep: KEEP });
}

async function tellAll({ store, client, shard }: Parts): Promise<void> {
  await store.schedules({ taskId: null, cursor: null, limit: 2 });
  await store.schedules({ taskId: TASK, cursor: null, limit: 2 });
  const pause = { until: null, reason: "rest", orphaned: false };
  await store.pause({ scheduleId: "s", pause, revision: null });
  await store.pause({ scheduleId: "s", pause: null, revision: null });
  const decided = { scheduleId: "later", taskId: TASK, decidedAt: 1, nextAt: null, digest: "2" };
  await store.recover({ decided: [decided] });
  await client.del(`${shard}cursors`, `${shard}firing`);
  const look = await store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 10 });
  expect(look.repair).toBe(true);
  expect((await store.tend({ urgent: true })).more).toBe(false);
  await store.tend({ urgent: false });
  await until("the registration to lapse", async () => {
    const removed = await store.remove({ scheduleId: "later", revision: null });
    return removed === "removed";
  });
}

/** The data are another's: the hold is set. */
export async function emptied({ store, client, shard }: Parts): Promise<void> {
  await client.flushall();
  await until("the hold to be set", async () => {
    await store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 10 });
    return (await client.hexists(`${shard}meta`, "holdTil")) === 1;
  });
}
