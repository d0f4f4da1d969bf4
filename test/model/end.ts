/** The end of a job: kept as the rules say, or only counted; and how a job is cancelled. */
import type { DeadReason, EndState } from "../../src/core/job.js";
import type { KeepRules } from "../../src/core/keep.js";
import type { CancelAnswer } from "../../src/store/contract.js";
import { endId } from "./ids.js";
import { releaseNext } from "./schedules/arrivals.js";
import { digits, jobsIn, move, type Scope, sortedBy } from "./scope.js";
import type { Job, Task } from "./state.js";

export interface End {
  state: EndState;
  reason: DeadReason | null;
  error: string | null;
  result: string | null;
}

export const CANCELLED: End = { state: "cancelled", reason: null, error: null, result: null };

export function endJob(
  scope: Scope,
  { task, job, end, keep }: { task: Task; job: Job; end: End; keep: KeepRules },
): void {
  const { state } = end;
  const isKept = keep[state].count > 0;
  leaveLease(scope, job);
  move(task, job, state);
  task.totals[state] += 1;
  const tracked = job.schedule;
  Object.assign(job, { ...end, endedAt: scope.now, place: null, dueAt: null, schedule: null });
  Object.assign(job, { cancelling: false, progress: null });
  if (!isKept) dropJob(task, job);
  endId(scope, task, { job, state, isKept, keep });
  if (isKept) dropBeyond(task, { state, most: keep[state].count, limit: 10 });
  if (tracked === null) return;
  const schedule = [...scope.state.schedules.values()].find(({ number }) => number === tracked);
  if (schedule === undefined) return;
  schedule.open = schedule.open.filter((number) => number !== job.number);
  releaseNext(scope, schedule);
}

/** It runs no more; a lease without jobs has nothing left to protect. */
export function leaveLease({ state }: Scope, job: Job): void {
  const lease = job.fence === null ? undefined : state.leases.get(job.fence);
  job.fence = null;
  lease?.numbers.delete(job.number);
  if (lease?.numbers.size === 0) state.leases.delete(lease.fence);
}

export function dropJob(task: Task, job: Job): void {
  task.jobs.delete(job.number);
  task.there[job.state] -= 1;
}

/** Deletes the jobs that ended first until only `most` remain; true: there is more to do. */
export function dropBeyond(
  task: Task,
  { state, most, limit }: { state: EndState; most: number; limit: number },
): boolean {
  const surplus = task.there[state] - most;
  if (surplus <= 0) return false;
  const dropped = oldestEnds(task, state).slice(0, Math.min(surplus, limit));
  for (const job of dropped) dropJob(task, job);
  task.totals.dropped += dropped.length;
  return surplus > limit;
}

export function oldestEnds(task: Task, state: EndState): Job[] {
  return sortedBy(jobsIn(task, state), ({ endedAt, number }) => [endedAt ?? 0, number]);
}

/** A job that has not ended: it ends, or whoever runs it is told. */
export function cancelJob(
  scope: Scope,
  { task, job, keep }: { task: Task; job: Job; keep: KeepRules },
): CancelAnswer {
  if (job.state !== "running") {
    endJob(scope, { task, job, end: CANCELLED, keep });
    return { state: "cancelled", changed: true };
  }
  if (job.cancelling) return { state: "cancelling", changed: false };
  job.cancelling = true;
  const lease = scope.state.leases.get(job.fence ?? -1);
  if (lease !== undefined) {
    const running = { fence: digits(lease.fence), taskId: task.name, number: digits(job.number) };
    scope.wakes.push({ identity: lease.owner, wake: { kind: "cancelled", ...running } });
  }
  return { state: "cancelling", changed: true };
}
