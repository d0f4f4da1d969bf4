/** The verbs on single jobs, lists and counts, and prune. */

import { ofNoPage } from "../../src/core/errors.js";
import type { EndState, JobState } from "../../src/core/job.js";
import { DEFAULT_KEEP } from "../../src/core/keep.js";
import type {
  CancelAnswer,
  JobPage,
  JobRef,
  JobView,
  ListArgs,
  PruneArgs,
  RedriveAnswer,
  TaskCounts,
} from "../../src/store/contract.js";
import { cancelJob, dropBeyond, dropJob, oldestEnds } from "./end.js";
import { bindId, dropIdsBeyond, findJob, forgetOldIds, knownId } from "./ids.js";
import {
  compare,
  digits,
  END_STATES,
  isEnded,
  jobsIn,
  joinEnd,
  publicId,
  type Scope,
  sortedBy,
} from "./scope.js";
import { emptyTask, type Job, type Task } from "./state.js";

/** What one prune deletes at most of one kind and task. */
const PIECE = 500;

export function get(scope: Scope, { taskId, id }: JobRef): JobView | null {
  const job = findJob(scope, taskId, id)?.job ?? null;
  return job === null ? null : viewOf(scope, job);
}

function viewOf({ state }: Scope, job: Job): JobView {
  const { taskId, payload, rules, occurrence, pushedAt, dueAt, cancelling } = job;
  const { progress, endedAt, reason, error, result } = job;
  const lease = job.fence === null ? undefined : state.leases.get(job.fence);
  return {
    ...{ id: publicId(job), taskId, number: digits(job.number), state: job.state, payload, rules },
    ...{ occurrence, counts: { ...job.counts }, pushedAt, dueAt, cancelling, progress, endedAt },
    ...{ leaseEndsAt: lease?.endsAt ?? null, fence: job.fence === null ? null : digits(job.fence) },
    ...{ reason, error, result },
  };
}

/** The order of a page, by the state of its jobs. */
const KEYS: Record<JobState, (job: Job) => number[]> = {
  ready: (job) => [job.alone ? 1 : 0, job.alone ? 0 : job.rules.priority, job.place ?? 0],
  scheduled: (job) => [job.dueAt ?? 0, job.number],
  running: (job) => [job.fence ?? 0, job.number],
  completed: (job) => [-(job.endedAt ?? 0), -job.number],
  dead: (job) => [-(job.endedAt ?? 0), -job.number],
  cancelled: (job) => [-(job.endedAt ?? 0), -job.number],
};

export function list(scope: Scope, { taskId, state, cursor, limit }: ListArgs): JobPage {
  const task = scope.state.tasks.get(taskId);
  if (task === undefined) return { jobs: [], cursor: null };
  const keys = KEYS[state];
  const after = cursor === null ? null : parseCursor(cursor);
  const all = sortedBy(jobsIn(task, state), keys);
  const left = after === null ? all : all.filter((job) => compare(keys(job), after) > 0);
  const page = left.slice(0, limit);
  const last = page.at(-1);
  return {
    jobs: page.map((job) => viewOf(scope, job)),
    cursor: left.length > limit && last !== undefined ? keys(last).join("_") : null,
  };
}

function parseCursor(cursor: string): number[] {
  const values = cursor.split("_").map(Number);
  if (values.length > 1 && values.every(Number.isSafeInteger)) return values;
  throw ofNoPage(cursor);
}

export function counts({ state }: Scope, { taskId }: { taskId: string }): TaskCounts {
  const { there, totals } = state.tasks.get(taskId) ?? emptyTask(taskId);
  return { ...there, total: { ...totals } };
}

export function cancel(scope: Scope, { taskId, id, keep }: JobRef): CancelAnswer | null {
  const found = findJob(scope, taskId, id);
  if (found === null) return null;
  const { task, job, state } = found;
  if (job === null || isEnded(state)) return { state: state as EndState, changed: false };
  return cancelJob(scope, { task, job, keep: keep ?? DEFAULT_KEEP });
}

export function redrive(scope: Scope, { taskId, id }: JobRef): RedriveAnswer | null {
  const found = findJob(scope, taskId, id);
  if (found === null) return null;
  const { task, job, state } = found;
  if (state !== "dead" && state !== "cancelled") return { id, redriven: false, state };
  // how it ended is known still, but what it was is not
  if (job === null) return null;
  const ownId = publicId(job);
  const known = knownId(scope, task, ownId);
  // its id was forgotten early and names another job since: two would answer to it
  if (known !== null && known.number !== job.number) return { id, redriven: false, state };
  dropJob(task, job);
  const again = issued(scope, job, ownId);
  task.jobs.set(again.number, again);
  task.there.ready += 1;
  bindId(task, ownId, again.number);
  return { id: ownId, redriven: true, state: "ready" };
}

/** The same job under a new number, as if it had just been pushed. */
function issued(scope: Scope, { taskId, payload, rules, occurrence }: Job, id: string): Job {
  const number = joinEnd(scope, taskId);
  const schedule = occurrence?.isTracked
    ? trackingSchedule(scope, taskId, occurrence.scheduleId)
    : null;
  schedule?.open.push(number);
  return {
    ...{ number, taskId, id, state: "ready", payload, rules, occurrence, place: number },
    counts: { failures: 0, crashes: 0, handOffs: 0, crashesInRow: 0, invalidInRow: 0 },
    ...{ pushedAt: scope.now, alone: false, dueAt: null, fence: null, cancelling: false },
    ...{ progress: null, schedule: schedule?.number ?? null, endedAt: null, reason: null },
    ...{ error: null, result: null },
  };
}

function trackingSchedule({ state }: Scope, taskId: string, scheduleId: string) {
  const schedule = state.schedules.get(scheduleId);
  return schedule?.taskId === taskId ? schedule : null;
}

/** True: there is more. */
export function prune(scope: Scope, { taskIds, keep }: PruneArgs): boolean {
  const { state, now } = scope;
  for (const { identity, validUntil } of [...state.sleepers.values()]) {
    if (validUntil < now) state.sleepers.delete(identity);
  }
  const tasks = taskIds.flatMap((taskId) => state.tasks.get(taskId) ?? []);
  return tasks.map((task) => pruneTask(scope, task, keep)).some((isMore) => isMore);
}

function pruneTask(scope: Scope, task: Task, keep: PruneArgs["keep"]): boolean {
  let isMore = false;
  for (const state of END_STATES) {
    const old = oldestEnds(task, state)
      .filter(({ endedAt }) => (endedAt ?? 0) <= scope.now - keep[state].ageMs)
      .slice(0, PIECE);
    for (const job of old) dropJob(task, job);
    const isCrowded = dropBeyond(task, { state, most: keep[state].count, limit: PIECE });
    isMore ||= old.length === PIECE || isCrowded;
  }
  const isFull = forgetOldIds(scope, task, PIECE) === PIECE;
  return dropIdsBeyond(task, keep.idCount, PIECE) || isFull || isMore;
}
