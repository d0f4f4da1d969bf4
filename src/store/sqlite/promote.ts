/** Makes scheduled jobs ready when they are due, in the order of their due times. */

import { STATE } from "./schema.js";
import type { Scope } from "./scope.js";
import { count, type TaskRow } from "./tasks.js";

/** So many join the line in one transaction; the rest follows in the next. */
const MOST_PROMOTED = 500;

/** What each of so many tasks has of it at least. */
export function promoteShare(tasks: number): number {
  return Math.max(1, Math.min(100, Math.floor(MOST_PROMOTED / tasks)));
}

/** True: more are due than could be taken. */
export function promoteDue({ tx, now }: Scope, task: TaskRow, most: number): boolean {
  if (task.counters.scheduled === 0 || task.promotedAt === now) return false;
  const room = Math.min(most, MOST_PROMOTED - tx.promoted);
  if (room <= 0) return true;
  const due = tx.all<{ number: number }>(
    `SELECT number FROM job WHERE task = ? AND state = ${STATE.scheduled} AND due_at <= ?
     ORDER BY due_at, number LIMIT ?`,
    ...[task.id, now, room + 1],
  );
  const isMore = due.length > room;
  if (isMore) due.pop();
  for (const { number } of due) {
    tx.run(
      `UPDATE job SET state = ${STATE.ready}, due_at = NULL, place = ? WHERE number = ?`,
      ...[tx.nextNumber(now), number],
    );
  }
  tx.promoted += due.length;
  count(task, "scheduled", -due.length);
  count(task, "ready", due.length);
  if (!isMore) task.promotedAt = now;
  return isMore;
}
