/** No step walks a table: every statement of a store's life is asked how it finds its rows. */
import { describe, expect } from "vitest";
import type { LookArgs, Store } from "../../src/store/contract.js";
import { type Kit, listeningDriver, pushOne, test } from "./kit.js";
import { fireArgs, firing, newJob, newSchedule, workArgs } from "./processes.js";
import { openRaw } from "./raw.js";

const RETRY = { retry: { attempts: 0, waitMs: 0, backoff: "fixed" }, priority: 0, timeoutMs: null };

/** Uses every verb, each in its ordinary and its rarer ways. */
async function liveALife(store: Store, kit: Kit): Promise<void> {
  const fireable = { taskIds: ["t"], scheduleIds: ["local"] };
  const look = fireArgs({ fireable, registration: { set: "one", leaseMs: 30_000 } });
  const { keep } = workArgs(0);
  await store.look(look);
  await store.push({ jobs: ["a", "b", "c"].map((id) => newJob({ id })), timeoutMs: 5_000 });
  await pushOne(store, { due: { in: 50_000 } });
  await pushOne(store, { rules: RETRY as never });
  const { batches } = await store.work(workArgs(2));
  const { fence, jobs } = batches[0]!;
  const settles = jobs.map(({ number, id }, n) => ({
    ...{ fence, taskId: "t", number, id, scheduleId: null },
    outcome: n === 0 ? ({ kind: "completed", result: null } as const) : HAND_BACK,
  }));
  await store.work(workArgs(10, { settles }));
  await store.cancel({ taskId: "t", id: "c" });
  await store.renew({ leases: [{ fence, taskId: "t" }], progress: [] });
  const lease = { claims: [{ taskId: "t", limit: 1 }], leaseMs: 30_000, idle: true };
  for (let n = 0; n < 4; n += 1) {
    await store.work(workArgs(1, lease));
    for (let step = 0; step < 5; step += 1) {
      kit.clock.advance(15_000);
      const { expired } = await store.look(look);
      await store.reap({ leases: expired, random: 0.5, keep });
    }
  }
  await fireOften(store, kit, look);
  for (const state of [
    "ready",
    "scheduled",
    "running",
    "completed",
    "dead",
    "cancelled",
  ] as const) {
    const page = await store.list({ taskId: "t", state, cursor: null, limit: 1 });
    await store.list({ taskId: "t", state, cursor: page.cursor ?? LAST[state] ?? "0_0", limit: 1 });
  }
  for (const id of ["a", "b", "c"]) await store.redrive({ taskId: "t", id });
  await store.counts({ taskId: "t" });
  await store.prune({
    taskIds: ["t"],
    keep: { ...keep, idCount: 0, dead: { ageMs: 0, count: 0 } },
  });
}

/** Each policy, each end of a tracked job, each verb on schedules. */
async function fireOften(store: Store, kit: Kit, look: LookArgs): Promise<void> {
  const registration = { set: "two", leaseMs: 1_000 };
  const { keep } = workArgs(0);
  for (const overlap of ["skip", "bufferAll", "cancelOther"] as const) {
    const firstAt = kit.clock.now() + 500;
    const common = newSchedule({ firstAt, overlap, digest: overlap });
    const local = newSchedule({ firstAt, overlap, scheduleId: "local", local: true });
    await store.register({ registration, schedules: [common, local] });
    await store.look(look);
    kit.clock.advance(1_000);
    for (const { scheduleId, nextAt, revision } of (await store.look(look)).schedules) {
      const pass = { kind: "pass", reason: "excluded", from: 1, to: 2, count: 2 } as const;
      const decisions = [pass, ...[0, 1, 2].map((n) => firing((nextAt ?? 0) + n))];
      const one = { scheduleId, revision, seenAt: nextAt, nextAt: null, decisions };
      await store.fire({ taskId: "t", fires: [one], keep });
    }
    await store.trigger({ scheduleId: "s", instants: [1, 2], overlap: null, keep });
    const [open] = (await store.schedule({ scheduleId: "s" }))?.open ?? [];
    await store.cancel({ taskId: "t", id: open ?? "" });
    await store.redrive({ taskId: "t", id: open ?? "" });
    kit.clock.advance(2_000);
  }
  const first = await store.schedules({ taskId: null, cursor: null, limit: 1 });
  await store.schedules({ taskId: "t", cursor: first.cursor, limit: 1 });
  await store.schedules({ taskId: null, cursor: first.cursor, limit: 1 });
  await store.schedules({ taskId: "t", cursor: null, limit: 1 });
  await store.pause({ scheduleId: "s", pause: null, revision: null });
  const decided = {
    scheduleId: "s",
    taskId: "t",
    decidedAt: kit.clock.now(),
    nextAt: null,
    digest: "",
  };
  await store.recover({ decided: [decided] });
  await store.tend({ urgent: true });
  const moved = newSchedule({ firstAt: kit.clock.now() + 500, taskId: "u", digest: "moved" });
  await store.register({ registration: null, schedules: [moved] });
  kit.clock.jump(-5_000);
  await store.look(look);
  await store.remove({ scheduleId: "s", revision: null });
}

const HAND_BACK = { kind: "handBack" } as const;
const LAST: Partial<Record<string, string>> = { ready: "0_0_0" };

describe("a statement of the store", () => {
  test("finds its rows by an index, whatever verb asked for it", async ({ kit }) => {
    const heard = new Set<string>();
    const driver = await listeningDriver((sql) => heard.add(sql));
    await liveALife(kit.store({ driver }), kit);
    const asked = [...heard].filter((sql) => /^\s*(SELECT|UPDATE|DELETE|REPLACE|INSERT)/.test(sql));
    expect(asked.length).toBeGreaterThan(100);
    const raw = await openRaw(kit.path);
    const walks = asked.flatMap((sql) => {
      const marks = Array.from({ length: sql.split("?").length - 1 }, () => null);
      const steps = raw.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...marks) as { detail: string }[];
      const bad = steps.filter(({ detail }) => isWalk(detail, sql));
      return bad.map(({ detail }) => `${detail}: ${sql}`);
    });
    raw.close();
    expect(walks).toEqual([]);
  });
});

/** What is small by nature: one row, or the jobs that must run alone or are marked as cancelled. */
const SMALL =
  /CONSTANT ROW|\bfile\b|json_each|wanted|job_alone|job_cancelling|sqlite_(schema|master)/;

/** Sorted where few rows are to be sorted: the sleepers of a prefix, the jobs of one lease. */
const FEW = /FROM sleeper|INDEXED BY job_running\s+WHERE task = \? AND state = 4 AND fence = \?/;

function isWalk(detail: string, sql: string): boolean {
  if (/USE TEMP B-TREE/.test(detail)) return !FEW.test(sql);
  return /^SCAN /.test(detail) && !SMALL.test(detail);
}
