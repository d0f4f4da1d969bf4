/** No step walks a table: every statement of a store's life is asked how it finds its rows. */
import { describe, expect } from "vitest";
import type { Store } from "../../src/store/contract.js";
import { type Kit, listeningDriver, pushOne, test } from "./kit.js";
import { newJob, workArgs } from "./processes.js";
import { openRaw } from "./raw.js";

const RETRY = { retry: { attempts: 0, waitMs: 0, backoff: "fixed" }, priority: 0, timeoutMs: null };

/** Uses every verb, each in its ordinary and its rarer ways. */
async function liveALife(store: Store, kit: Kit): Promise<void> {
  const look = { taskIds: ["t"], scheduleIds: ["s"], sleepMs: 1_000 };
  const { keep } = workArgs(0);
  await store.look(look);
  await store.push({ jobs: ["a", "b", "c"].map((id) => newJob({ id })), timeoutMs: 5_000 });
  await pushOne(store, { due: { in: 50_000 } });
  await pushOne(store, { rules: RETRY as never });
  const { batches } = await store.work(workArgs(2));
  const { fence, jobs } = batches[0]!;
  const settles = jobs.map(({ number, id }, n) => ({
    ...{ fence, taskId: "t", number, id },
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
  const definition = { scheduleId: "s", taskId: "t", firstAt: kit.clock.now() + 500 };
  for (const text of ["1", "2"]) {
    await store.register({ schedules: [{ ...definition, definition: text }] });
  }
  await store.look(look);
  kit.clock.advance(1_000);
  const [due] = (await store.look(look)).schedules;
  const cursor = { seenAt: due?.nextAt ?? 0, nextAt: null, revision: due?.revision ?? 0 };
  await store.fire({ taskId: "t", scheduleId: "s", ...cursor, jobs: [newJob()] });
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

const HAND_BACK = { kind: "handBack" } as const;
const LAST: Partial<Record<string, string>> = { ready: "0_0_0" };

describe("a statement of the store", () => {
  test("finds its rows by an index, whatever verb asked for it", async ({ kit }) => {
    const heard = new Set<string>();
    const driver = await listeningDriver((sql) => heard.add(sql));
    await liveALife(kit.store({ driver }), kit);
    const asked = [...heard].filter((sql) => /^\s*(SELECT|UPDATE|DELETE|REPLACE|INSERT)/.test(sql));
    expect(asked.length).toBeGreaterThan(60);
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
