/** Public ids: which job each names, and what became of it, for a while after its end. */
import type { EndState } from "../../src/core/job.js";
import type { KeepRules } from "../../src/core/keep.js";
import { numberOf, type Scope, sortedBy } from "./scope.js";
import type { Job, KnownId, Task } from "./state.js";

/** What is remembered of an id; null: nothing, or no longer. */
export function knownId({ now }: Scope, task: Task, id: string): KnownId | null {
  const known = task.ids.get(id);
  if (known === undefined) return null;
  return known.state !== null && known.keepUntil <= now ? null : known;
}

/** The id names this job from now on. */
export function bindId(task: Task, id: string, number: number): void {
  task.ids.set(id, { number, state: null, endedAt: 0, keepUntil: 0 });
}

/** The job behind an id has ended; an id that names another job by now is that job's affair. */
export function endId(
  { now }: Scope,
  task: Task,
  { job, state, isKept, keep }: { job: Job; state: EndState; isKept: boolean; keep: KeepRules },
): void {
  if (job.id === null) return;
  const known = task.ids.get(job.id);
  if (known === undefined || known.number !== job.number || known.state !== null) return;
  const keepUntil = now + Math.max(keep.idMs, isKept ? keep[state].ageMs : 0);
  if (keepUntil <= now) {
    task.ids.delete(job.id);
    return;
  }
  Object.assign(known, { state, endedAt: now, keepUntil });
  dropIdsBeyond(task, keep.idCount, 10);
}

/** By id, so that what ended at the same instant has an order, too. */
function endedIds(task: Task): [string, KnownId][] {
  const ended = [...task.ids].filter(([, { state }]) => state !== null);
  return ended.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** Forgets the ids that ended first until no more than `most` remain; true: there is more to do. */
export function dropIdsBeyond(task: Task, most: number, limit: number): boolean {
  const ended = endedIds(task);
  const surplus = ended.length - most;
  if (surplus <= 0) return false;
  const oldest = sortedBy(ended, ([, { endedAt }]) => [endedAt]);
  const dropped = oldest.slice(0, Math.min(surplus, limit));
  for (const [id] of dropped) task.ids.delete(id);
  task.totals.dropped += dropped.length;
  return surplus > limit;
}

/** Forgets ids whose time is over; how many, at most `limit`. */
export function forgetOldIds({ now }: Scope, task: Task, limit: number): number {
  const old = endedIds(task).filter(([, { keepUntil }]) => keepUntil <= now);
  const first = sortedBy(old, ([, { keepUntil }]) => [keepUntil]).slice(0, limit);
  for (const [id] of first) task.ids.delete(id);
  return first.length;
}

/** What stands behind a public id: its job, or only how that ended. */
export type Found =
  | { task: Task; job: Job; state: Job["state"] }
  | { task: Task; job: null; state: EndState };

/** The id entry first, then the assigned form; null: not known. */
export function findJob(scope: Scope, taskId: string, id: string): Found | null {
  const task = scope.state.tasks.get(taskId);
  if (task === undefined) return null;
  const known = knownId(scope, task, id);
  const assigned = id.startsWith("0-") ? numberOf(id.slice(2)) : -1;
  const job = task.jobs.get(known?.number ?? assigned);
  if (job !== undefined) return { task, job, state: job.state };
  return known?.state == null ? null : { task, job: null, state: known.state as EndState };
}
