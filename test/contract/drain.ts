/**
 * The end of every test: all jobs are ended by the verbs of the contract, years pass, and all
 * schedules are removed.
 */
import { expect } from "vitest";
import type {
  JobPage,
  JobView,
  SchedulePage,
  ScheduleView,
  Store,
} from "../../src/store/contract.js";
import { until } from "../support/until.js";
import { COMPLETED, DAY_MS, KEEP_NOTHING, LEASE_MS } from "./words.js";
import type { World } from "./world.js";

const NO_JOBS = { scheduled: 0, ready: 0, running: 0, completed: 0, dead: 0, cancelled: 0 };

export async function drain(world: World, store: Store, taskIds: readonly string[]): Promise<void> {
  for (const taskId of taskIds) await drainTask(store, taskId);
  for (const { open, buffered } of await allSchedules(store)) {
    expect({ open, buffered }).toEqual({ open: [], buffered: [] });
  }
  await world.advance(400 * DAY_MS);
  for (const { scheduleId } of await allSchedules(store)) {
    expect(await store.remove({ scheduleId, revision: null })).toBe("removed");
  }
  const prune = { taskIds, keep: KEEP_NOTHING };
  await until("prune to be done", async () => !(await store.prune(prune)));
  for (const taskId of taskIds) {
    const { total: _, ...states } = await store.counts({ taskId });
    expect(states).toEqual(NO_JOBS);
  }
}

async function drainTask(store: Store, taskId: string): Promise<void> {
  // The end of one job may let another begin, which has waited for it.
  await until(`no job of ${taskId}`, async () => {
    let none = true;
    for (const state of ["scheduled", "ready", "running"] as const) {
      none = (await endAll(store, taskId, state)) && none;
    }
    return none;
  });
  // What a store only meant as a hint may stay until somebody claims.
  const args = { settles: [], claims: [{ taskId, limit: 1_000 }], idle: true };
  for (const _ of [1, 2, 3]) {
    const { batches } = await store.work({ ...args, leaseMs: LEASE_MS, keep: KEEP_NOTHING });
    expect(batches).toEqual([]);
  }
}

async function allSchedules(store: Store): Promise<ScheduleView[]> {
  const all: ScheduleView[] = [];
  let cursor: string | null = null;
  do {
    const page: SchedulePage = await store.schedules({ taskId: null, cursor, limit: 100 });
    all.push(...page.schedules);
    cursor = page.cursor;
  } while (cursor !== null);
  return all;
}

/** Ends the jobs in this state, page by page; true: there was none. */
async function endAll(
  store: Store,
  taskId: string,
  state: "scheduled" | "ready" | "running",
): Promise<boolean> {
  let none = true;
  let cursor: string | null = null;
  do {
    const page: JobPage = await store.list({ taskId, state, cursor, limit: 500 });
    none &&= page.jobs.length === 0;
    cursor = page.cursor;
    if (state === "running") await completeAll(store, page.jobs);
    else
      await Promise.all(
        page.jobs.map(({ id }) => store.cancel({ taskId, id, keep: KEEP_NOTHING })),
      );
  } while (cursor !== null);
  return none;
}

async function completeAll(store: Store, jobs: readonly JobView[]): Promise<void> {
  const settles = jobs.map(({ fence, taskId, number, id, occurrence }) => ({
    fence: fence ?? "",
    taskId,
    number,
    // An id that ends with the job's own number was assigned, and not kept over a redrive.
    id: id.endsWith(number) ? null : id,
    scheduleId: occurrence?.isTracked ? occurrence.scheduleId : null,
    outcome: COMPLETED,
  }));
  const args = { settles, claims: [], idle: false, leaseMs: LEASE_MS, keep: KEEP_NOTHING };
  if (settles.length > 0) await store.work(args);
}
