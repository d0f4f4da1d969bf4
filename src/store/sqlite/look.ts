/** look: what there is to do for these tasks and schedules, or how long to sleep. */
import type { DueSchedule, Look, LookArgs } from "../contract.js";
import { turnFrom } from "./alone.js";
import { noteTime } from "./grace.js";
import { expiredLeases, nextExpiry } from "./leases.js";
import { dueSchedules, nextOccurrence } from "./schedules.js";
import { STATE } from "./schema.js";
import type { Scope } from "./scope.js";
import { fallAsleep, LEASE_CAUSE, type Moment } from "./sleepers.js";
import { fromStored, toStored } from "./text.js";

export function look(scope: Scope, { taskIds, scheduleIds, sleepMs }: LookArgs): Look {
  const { now } = scope;
  const { from: graceFrom, noteAt } = noteTime(scope);
  const mine = new Set(scheduleIds);
  const tasks = lookAtTasks(scope, taskIds);
  const schedules: DueSchedule[] = mine.size === 0 ? [] : dueSchedules(scope, mine);
  const expired = expiredLeases(scope, graceFrom);
  const answer = { taskIds: tasks.withWork, schedules, expired, waitMs: 0, now };
  if (tasks.withWork.length > 0 || schedules.length > 0 || expired.length > 0) return answer;
  const moments = tasks.moments;
  const occurrence = mine.size === 0 ? null : nextOccurrence(scope, mine, now + sleepMs);
  if (occurrence !== null) moments.push(occurrence);
  if (noteAt !== null) {
    const at = nextExpiry(scope, { graceFrom, latest: noteAt });
    moments.push({ cause: LEASE_CAUSE, at });
  }
  return { ...answer, waitMs: fallAsleep(scope, { taskIds, scheduleIds, sleepMs, moments }) };
}

interface TaskLook {
  id: number;
  name: string;
  common: number | null;
  alone: number | null;
  due_at: number | null;
}

/** One statement for all tasks; only those that have jobs waiting cost an index probe. */
const LOOK_AT_TASKS = `
SELECT task.id, task.name,
  CASE WHEN ready > 0 THEN EXISTS (
    SELECT 1 FROM job WHERE task = task.id AND state = ${STATE.ready} AND lane = 0) END AS common,
  CASE WHEN ready > 0 THEN EXISTS (
    SELECT 1 FROM job WHERE task = task.id AND state = ${STATE.ready} AND lane = 1) END AS alone,
  CASE WHEN scheduled > 0 THEN (
    SELECT min(due_at) FROM job WHERE task = task.id AND state = ${STATE.scheduled}) END AS due_at
FROM json_each(?) AS wanted JOIN task ON task.space = ? AND task.name = wanted.value`;

function lookAtTasks(
  scope: Scope,
  taskIds: readonly string[],
): { withWork: string[]; moments: Moment[] } {
  const withWork: string[] = [];
  const moments: Moment[] = [];
  if (taskIds.length === 0) return { withWork, moments };
  const rows = scope.tx.all<TaskLook>(
    LOOK_AT_TASKS,
    JSON.stringify(taskIds.map(toStored)),
    scope.space,
  );
  for (const row of rows) {
    const never = Number.POSITIVE_INFINITY;
    const aloneFrom = row.alone === 1 ? turnFrom(scope) : never;
    const at = row.common === 1 ? 0 : Math.min(row.due_at ?? never, aloneFrom);
    if (at <= scope.now) withWork.push(fromStored(row.name));
    else if (at < never) moments.push({ cause: `task ${row.id}`, at });
  }
  return { withWork, moments };
}
