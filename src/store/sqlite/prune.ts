/** prune: deletes what is past its keeping time or count, a bounded piece at a time. */
import type { KeepRules } from "../../core/keep.js";
import type { PruneArgs } from "../contract.js";
import { dropBeyond } from "./ending.js";
import { dropIdsBeyond, forgetOldIds } from "./ids.js";
import { STATE } from "./schema.js";
import { END_STATES, type Scope } from "./scope.js";
import { count, type TaskRow } from "./tasks.js";

/** Rows of one kind and task that one step deletes at most. */
const PIECE = 250;
/** Rows after which a step looks at no other task. */
const ENOUGH = 500;

/** The tasks from `from` on; answers where to go on, and whether there is more in those before. */
export function prune(
  scope: Scope,
  { taskIds, keep, from }: PruneArgs & { from: number },
): { next: number; isMore: boolean } {
  let isMore = false;
  let next = from;
  for (let deleted = 0; next < taskIds.length && deleted < ENOUGH; next += 1) {
    const task = scope.tx.findTask(scope.space, taskIds[next] as string);
    if (task === null) continue;
    const before = keptRows(task);
    if (pruneTask(scope, task, keep)) isMore = true;
    deleted += before - keptRows(task);
  }
  if (from === 0) {
    scope.tx.run(
      "DELETE FROM sleeper WHERE space = ? AND valid_until < ?",
      ...[scope.space, scope.now],
    );
  }
  return { next, isMore };
}

function keptRows({ counters }: TaskRow): number {
  const { completed, dead, cancelled, ended_ids } = counters;
  return completed + dead + cancelled + ended_ids;
}

function pruneTask(scope: Scope, task: TaskRow, keep: KeepRules): boolean {
  const { tx, now } = scope;
  let isMore = false;
  for (const state of END_STATES) {
    if (task.counters[state] === 0) continue;
    const deleted = tx.run(
      `DELETE FROM job WHERE number IN (
         SELECT number FROM job INDEXED BY job_ended
         WHERE task = ? AND state = ? AND state >= ${STATE.completed} AND ended_at <= ?
         ORDER BY ended_at, number LIMIT ?)`,
      ...[task.id, STATE[state], now - keep[state].ageMs, PIECE],
    );
    if (deleted > 0) count(task, state, -deleted);
    const isCrowded = dropBeyond(scope, task, { state, most: keep[state].count, limit: PIECE });
    if (deleted === PIECE || isCrowded) isMore = true;
  }
  if (task.counters.ended_ids === 0) return isMore;
  const isFull = forgetOldIds(scope, task, PIECE) === PIECE;
  return dropIdsBeyond(scope, task, { most: keep.idCount, limit: PIECE }) || isFull || isMore;
}
