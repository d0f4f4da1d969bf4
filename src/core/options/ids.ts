/** Checks names that users give: of tasks, schedules and jobs. */
import { SchedulerError } from "../errors.js";
import { harmless, quote, show } from "../show.js";
import { didYouMean } from "../suggest.js";
import type { TaskContext } from "./context.js";

const LONGEST_ID = 200;

/** The form of ids that the store assigns: shard and number. */
const ASSIGNED_ID = /^\d+-\d{16}$/;

/** Its name is in order. Looking costs as much as all other checks of a push: mostly it is this. */
let lastTaskId: unknown = null;

/** A task id; `call` is the name of the method, e.g. `push`. */
export function checkTaskId(taskId: unknown, call: string, context?: TaskContext): string {
  const isLast = taskId === lastTaskId && taskId !== null;
  const checked = isLast ? (taskId as string) : checkName(taskId, "the task id", `${call}()`);
  lastTaskId = checked;
  const tasks = context?.tasks ?? null;
  if (tasks !== null && !tasks.has(checked)) {
    throw new SchedulerError(
      "TASK_UNKNOWN",
      `${call}(${quote(checked)}): no such task; createScheduler() was given validators for others`,
      { fix: didYouMean(checked, [...tasks.keys()]), value: harmless(taskId) },
    );
  }
  return checked;
}

export function checkScheduleId(scheduleId: unknown, where: string): string {
  return checkName(scheduleId, "scheduleId", where);
}

/** A caller's id for a new job; the form of assigned ids is the store's. */
export function checkNewJobId(id: unknown, where: string): string {
  const checked = checkName(id, "id", where);
  if (ASSIGNED_ID.test(checked)) {
    throw new SchedulerError(
      "ID_INVALID",
      `${where}: id ${quote(checked)} has the form of the ids that the store assigns`,
      { fix: `put a word before it, e.g. "my-${checked}"`, value: harmless(id) },
    );
  }
  return checked;
}

/** A public id to look a job up by: a caller's or an assigned one. */
export function checkJobId(id: unknown, where: string): string {
  return checkName(id, "the job's id", where);
}

/** Ids become parts of keys in the store and stand in logs: printable, exact, of modest length. */
export function checkName(value: unknown, what: string, where: string): string {
  const problem = problemOf(value);
  if (problem === null) return value as string;
  throw new SchedulerError("ID_INVALID", `${where}: ${what} ${problem.text}`, {
    fix: problem.fix,
    value: harmless(value),
  });
}

function problemOf(value: unknown): { text: string; fix: string } | null {
  if (typeof value !== "string") {
    const number = typeof value === "number" || typeof value === "bigint";
    return {
      text: `must be a string, got ${show(value)}`,
      fix: number ? `write it as a string: "${value}"` : 'use a string such as "email"',
    };
  }
  if (value === "") return { text: "is empty", fix: 'use a string such as "email"' };
  if (value.length > LONGEST_ID) {
    return {
      text: `${quote(value, 20)} is too long`,
      fix: `use at most ${LONGEST_ID} characters; hash long ids`,
    };
  }
  if (value.trim() !== value) {
    return {
      text: `${quote(value)} has white space at an end`,
      fix: `use ${quote(value.trim())}`,
    };
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(value)) {
    return { text: `${quote(value)} has a control character`, fix: "use printable characters" };
  }
  if (/\p{Surrogate}/u.test(value)) {
    return { text: `${quote(value)} has half a surrogate pair`, fix: "use well-formed Unicode" };
  }
  return null;
}
