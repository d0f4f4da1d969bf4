/** Callers' ids: which job each one names, and what became of it, for a while after its end. */
import type { EndState } from "../../core/job.js";
import type { KeepRules } from "../../core/keep.js";
import { STATE } from "./schema.js";
import { assignedNumber, FACTS, type JobFacts, type Scope } from "./scope.js";
import { count, type TaskRow } from "./tasks.js";
import { toStored } from "./text.js";

/** So many surplus ids leave with each that comes; prune takes the rest. */
const DROPPED_PER_END = 2;

export interface KnownId {
  number: number;
  /** The end state's code; null while the job lives. */
  state: number | null;
  keep_until: number | null;
}

export function findId({ tx, now }: Scope, task: TaskRow, id: string): KnownId | null {
  const row = tx.get<KnownId>(
    "SELECT number, state, keep_until FROM known_id WHERE task = ? AND id = ?",
    ...[task.id, toStored(id)],
  );
  if (row === undefined) return null;
  const isOver = row.state !== null && (row.keep_until ?? 0) <= now;
  return isOver ? null : row;
}

/** The id names this job from now on. */
export function bindId(scope: Scope, task: TaskRow, id: string, number: number): void {
  forgetId(scope, task, id);
  scope.tx.run(
    "INSERT INTO known_id (task, id, number) VALUES (?, ?, ?)",
    task.id,
    toStored(id),
    number,
  );
}

/**
 * The job behind an id has ended. `isKept`: its record stays, and the id at least as long. An id
 * that names another job by now is that job's affair.
 */
export function endId(
  scope: Scope,
  { task, id, number, state, isKept, keep }: EndedId & { keep: KeepRules },
): void {
  const { tx, now } = scope;
  const keepUntil = now + Math.max(keep.idMs, isKept ? keep[state].ageMs : 0);
  if (keepUntil <= now) {
    tx.run(
      "DELETE FROM known_id WHERE task = ? AND id = ? AND number = ? AND state IS NULL",
      ...[task.id, toStored(id), number],
    );
    return;
  }
  const changed = tx.run(
    `UPDATE known_id SET state = ?, ended_at = ?, keep_until = ?
     WHERE task = ? AND id = ? AND number = ? AND state IS NULL`,
    ...[STATE[state], now, keepUntil, task.id, toStored(id), number],
  );
  if (changed === 0) return;
  count(task, "ended_ids", 1);
  dropIdsBeyond(scope, task, { most: keep.idCount, limit: DROPPED_PER_END });
}

interface EndedId {
  task: TaskRow;
  id: string;
  number: number;
  state: EndState;
  isKept: boolean;
}

/** Forgets the ids that ended first until no more than `most` remain; true: there is more to do. */
export function dropIdsBeyond(
  { tx }: Scope,
  task: TaskRow,
  { most, limit }: { most: number; limit: number },
): boolean {
  const surplus = task.counters.ended_ids - most;
  if (surplus <= 0) return false;
  const dropped = tx.run(
    `DELETE FROM known_id WHERE task = ? AND id IN (
       SELECT id FROM known_id INDEXED BY known_id_ended
       WHERE task = ? AND state IS NOT NULL ORDER BY ended_at LIMIT ?)`,
    ...[task.id, task.id, Math.min(surplus, limit)],
  );
  count(task, "ended_ids", -dropped);
  count(task, "all_dropped", dropped);
  return surplus > limit;
}

/** Forgets ids whose time is over; how many, at most `limit`. */
export function forgetOldIds({ tx, now }: Scope, task: TaskRow, limit: number): number {
  const forgotten = tx.run(
    `DELETE FROM known_id WHERE task = ? AND id IN (
       SELECT id FROM known_id INDEXED BY known_id_until
       WHERE task = ? AND state IS NOT NULL AND keep_until <= ? ORDER BY keep_until LIMIT ?)`,
    ...[task.id, task.id, now, limit],
  );
  if (forgotten > 0) count(task, "ended_ids", -forgotten);
  return forgotten;
}

/** What stands behind a public id: its job, or only how that ended. */
export interface Found {
  task: TaskRow;
  /** null: the record is gone. */
  job: JobFacts | null;
  /** The state's code. */
  state: number;
}

/** Resolves a public id: the id entry first, then the assigned form; null: not known. */
export function findJob(scope: Scope, taskId: string, id: string): Found | null {
  const { tx } = scope;
  const task = tx.findTask(scope.space, taskId);
  if (task === null) return null;
  const known = findId(scope, task, id);
  const number = known?.number ?? assignedNumber(id);
  if (number === null) return null;
  const job = factsOf(scope, task, number);
  if (job !== null) return { task, job, state: job.state };
  return known?.state == null ? null : { task, job: null, state: known.state };
}

export function factsOf({ tx }: Scope, task: TaskRow, number: number): JobFacts | null {
  const sql = `SELECT ${FACTS} FROM job WHERE number = ? AND task = ?`;
  return tx.get<JobFacts>(sql, number, task.id) ?? null;
}

function forgetId({ tx }: Scope, task: TaskRow, id: string): void {
  const row = tx.get<{ state: number | null }>(
    "DELETE FROM known_id WHERE task = ? AND id = ? RETURNING state",
    ...[task.id, toStored(id)],
  );
  if (row !== undefined && row.state !== null) count(task, "ended_ids", -1);
}
