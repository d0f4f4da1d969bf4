/** look: what there is to do for these tasks and schedules, or how long to sleep. */
import type { Look, LookArgs } from "../contract.js";
import { turnFrom } from "./alone.js";
import { noteTime } from "./grace.js";
import { expiredLeases, nextExpiry } from "./leases.js";
import { lookAtSchedules } from "./schedules/due.js";
import { noteRegistration } from "./schedules/registrants.js";
import { STATE } from "./schema.js";
import type { Scope } from "./scope.js";
import { fallAsleep, LEASE_CAUSE, type Moment } from "./sleepers.js";
import { fromStored, toStored } from "./text.js";

export function look(scope: Scope, args: LookArgs): Look {
  const { tx, now } = scope;
  const { taskIds, fireable, registration } = args;
  const { from: graceFrom, noteAt } = noteTime(scope);
  if (registration !== null) noteRegistration(scope, registration);
  const { registrations } = tx.space(scope.space);
  const tasks = lookAtTasks(scope, taskIds);
  const { due: schedules, moments, complete } = lookAtSchedules(scope, fireable);
  const expired = expiredLeases(scope, graceFrom);
  const answer: Look = {
    ...{ taskIds: tasks.withWork, schedules, complete, expired, registrations, now },
    ...{ waitMs: 0, nextTaskId: null },
    // a cursor stands in the row of its schedule, so that none can be missing from the index
    repair: false,
  };
  if (tasks.withWork.length > 0 || schedules.length > 0 || expired.length > 0) return answer;
  moments.push(...tasks.moments);
  if (noteAt !== null) {
    const at = nextExpiry(scope, { graceFrom, latest: noteAt });
    moments.push({ cause: LEASE_CAUSE, at });
  }
  return { ...answer, ...fallAsleep(scope, { ...args, moments }) };
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
FROM json_each(?) AS wanted CROSS JOIN task ON task.space = ? AND task.name = wanted.value`;

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
    const taskId = fromStored(row.name);
    if (at <= scope.now) withWork.push(taskId);
    else if (at < never) moments.push({ cause: `task ${row.id}`, at, taskId });
  }
  return { withWork, moments };
}
