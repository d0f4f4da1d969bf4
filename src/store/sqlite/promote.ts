/** Makes scheduled jobs ready when they are due, in the order of their due times. */

import { STATE } from "./schema.js";
import type { Scope } from "./scope.js";
import { count, type TaskRow } from "./tasks.js";

/** So many join the line in one step; the rest follows in the next. */
const MOST_PER_STEP = 1_000;

/** True: more are due than could be taken. */
export function promoteDue({ tx, now }: Scope, task: TaskRow): boolean {
  if (task.counters.scheduled === 0 || task.promotedAt === now) return false;
  task.promotedAt = now;
  const due = tx.all<{ number: number }>(
    `SELECT number FROM job WHERE task = ? AND state = ${STATE.scheduled} AND due_at <= ?
     ORDER BY due_at, number LIMIT ?`,
    ...[task.id, now, MOST_PER_STEP],
  );
  for (const { number } of due) {
    tx.run(
      `UPDATE job SET state = ${STATE.ready}, due_at = NULL, place = ? WHERE number = ?`,
      ...[tx.nextNumber(now), number],
    );
  }
  count(task, "scheduled", -due.length);
  count(task, "ready", due.length);
  return due.length === MOST_PER_STEP;
}
