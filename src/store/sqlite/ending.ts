/** The end of a job: kept as the rules say, or only counted; and the bound on what is kept. */
import type { DeadReason, EndState } from "../../core/job.js";
import type { KeepRules } from "../../core/keep.js";
import { decodeHead } from "../../core/record.js";
import { endId } from "./ids.js";
import { releaseNext } from "./schedules/release.js";
import { STATE } from "./schema.js";
import { type JobFacts, type Scope, stateName } from "./scope.js";
import { count, countMove, type TaskRow } from "./tasks.js";
import { toStoredOrNull } from "./text.js";

export interface End {
  state: EndState;
  reason: DeadReason | null;
  error: string | null;
  result: string | null;
}

export const CANCELLED: End = { state: "cancelled", reason: null, error: null, result: null };

/** So many surplus jobs leave with each that comes; prune takes the rest. */
const DROPPED_PER_END = 2;

export function endJob(
  scope: Scope,
  { task, job, end, keep }: { task: TaskRow; job: JobFacts; end: End; keep: KeepRules },
): void {
  const { tx, now } = scope;
  const { state } = end;
  const isKept = keep[state].count > 0;
  if (isKept) {
    tx.run(
      `UPDATE job SET state = ?, ended_at = ?, reason = ?, error = ?, result = ?,
         failures = ?, crashes = ?, hand_offs = ?, crashes_in_row = ?, invalid_in_row = ?,
         fence = NULL, due_at = NULL, place = NULL, cancelling = 0, progress = NULL,
         schedule = NULL
       WHERE number = ?`,
      ...[STATE[state], now, end.reason, toStoredOrNull(end.error), toStoredOrNull(end.result)],
      ...[job.failures, job.crashes, job.hand_offs, job.crashes_in_row, job.invalid_in_row],
      job.number,
    );
  } else {
    tx.run("DELETE FROM job WHERE number = ?", job.number);
  }
  countMove(task, stateName(job.state), isKept ? state : null);
  count(task, `all_${state}`, 1);
  const { id } = decodeHead(job.head);
  if (id !== null) endId(scope, { task, id, number: job.number, state, isKept, keep });
  if (isKept) dropBeyond(scope, task, { state, most: keep[state].count, limit: DROPPED_PER_END });
  if (job.schedule !== null) releaseNext(scope, job.schedule);
}

/** Deletes the jobs that ended first until only `most` remain; true: there is more to do. */
export function dropBeyond(
  { tx }: Scope,
  task: TaskRow,
  { state, most, limit }: { state: EndState; most: number; limit: number },
): boolean {
  const surplus = task.counters[state] - most;
  if (surplus <= 0) return false;
  const dropped = tx.run(
    `DELETE FROM job WHERE number IN (
       SELECT number FROM job INDEXED BY job_ended
       WHERE task = ? AND state = ? AND state >= ${STATE.completed}
       ORDER BY ended_at, number LIMIT ?)`,
    ...[task.id, STATE[state], Math.min(surplus, limit)],
  );
  count(task, state, -dropped);
  count(task, "all_dropped", dropped);
  return surplus > limit;
}
