/**
 * What a look learns of schedules: which of those that the caller can fire are due, and when the
 * next ones are. One probe of an index for each task, however many schedules there are.
 */
import type { DueSchedule, Fireable } from "../../contract.js";
import type { Scope } from "../scope.js";
import type { Moment } from "../sleepers.js";
import { toStored } from "../text.js";
import { holdEnd } from "./hold.js";
import { Registrants } from "./registrants.js";
import { COLUMNS, dueScheduleOf, type ScheduleRow } from "./row.js";

/** More due schedules than this are not handed to one scheduler at once. */
const MOST_DUE = 100;

interface Waking {
  number: number;
  wake_at: number;
}

export function lookAtSchedules(
  scope: Scope,
  fireable: Fireable,
): { due: DueSchedule[]; moments: Moment[]; complete: boolean } {
  const { now } = scope;
  const tasks = wakingTasks(scope, fireable.taskIds);
  const locals = wakingLocals(scope, fireable.scheduleIds);
  const heldUntil = holdEnd(scope);
  const moments = [
    ...tasks.map(({ task, wake_at }) => ({ cause: `schedules ${task}`, at: wake_at })),
    ...locals.map(({ number, wake_at }) => ({ cause: `schedule ${number}`, at: wake_at })),
  ].map(({ cause, at }) => ({ cause, at: Math.max(at, heldUntil) }));
  if (!moments.some(({ at }) => at <= now)) {
    return { due: [], moments, complete: heldUntil <= now };
  }
  const waking = [
    ...tasks.filter(({ wake_at }) => wake_at <= now).flatMap(({ task }) => dueOf(scope, task)),
    ...locals.filter(({ wake_at }) => wake_at <= now),
  ];
  waking.sort((a, b) => a.wake_at - b.wake_at);
  const numbers = waking.slice(0, MOST_DUE).map(({ number }) => number);
  return { due: read(scope, numbers), moments: [], complete: waking.length < MOST_DUE };
}

/** The nearest moment of each task that has one. */
function wakingTasks(
  { tx, space }: Scope,
  taskIds: readonly string[],
): { task: number; wake_at: number }[] {
  if (taskIds.length === 0) return [];
  const rows = tx.all<{ task: number; wake_at: number | null }>(
    `SELECT task.id AS task, (
       SELECT min(wake_at) FROM schedule INDEXED BY schedule_wake
       WHERE task = task.id AND local = 0 AND wake_at IS NOT NULL) AS wake_at
     FROM json_each(?) AS wanted CROSS JOIN task
       ON task.space = ? AND task.name = wanted.value`,
    ...[JSON.stringify(taskIds.map(toStored)), space],
  );
  return rows.flatMap(({ task, wake_at }) => (wake_at === null ? [] : [{ task, wake_at }]));
}

function wakingLocals({ tx, space }: Scope, scheduleIds: readonly string[]): Waking[] {
  if (scheduleIds.length === 0) return [];
  return tx.all<Waking>(
    `SELECT number, wake_at FROM json_each(?) AS wanted
       CROSS JOIN schedule INDEXED BY schedule_local
       ON schedule.space = ? AND schedule.id = wanted.value AND local = 1
         AND wake_at IS NOT NULL`,
    ...[JSON.stringify(scheduleIds.map(toStored)), space],
  );
}

function dueOf({ tx, now }: Scope, task: number): Waking[] {
  return tx.all<Waking>(
    `SELECT number, wake_at FROM schedule INDEXED BY schedule_wake
     WHERE task = ? AND local = 0 AND wake_at IS NOT NULL AND wake_at <= ?
     ORDER BY wake_at LIMIT ?`,
    ...[task, now, MOST_DUE],
  );
}

/** In the order of the numbers given. */
function read(scope: Scope, numbers: readonly number[]): DueSchedule[] {
  const rows = scope.tx.all<ScheduleRow>(
    `SELECT ${COLUMNS} FROM json_each(?) AS wanted
       CROSS JOIN schedule ON schedule.number = wanted.value`,
    JSON.stringify(numbers),
  );
  const registrants = new Registrants(scope);
  return rows.map((row) => dueScheduleOf(scope, row, registrants));
}
