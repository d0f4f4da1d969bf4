/** Checks what the methods of `scheduler.schedules` take. */
import { OVERLAPS, type Overlap } from "../schedule.js";
import { show } from "../show.js";
import type { RegisterContext } from "./context.js";
import { checkName, checkScheduleId, checkTaskId } from "./ids.js";
import {
  conflict,
  instantOption,
  invalid,
  missing,
  readOptions,
  wholeOption,
  wordOption,
} from "./read.js";
import { type CheckedRegister, checkPreviewRule, checkRegister } from "./register.js";

const LONGEST_REASON = 500;

/** As for `register`, but without functions: those live in one program only. */
export function checkUpsert(
  taskId: unknown,
  options: unknown,
  context: RegisterContext,
): CheckedRegister {
  const checked = checkRegister(taskId, options, context, "schedules.upsert");
  if (checked.excludes === null) return checked;
  throw invalid(`schedules.upsert("${checked.taskId}")`, "exclude is a function", {
    fix: "a run-time schedule is fired by any process: use dates or spans, or register() it",
  });
}

export function checkScheduleRef(scheduleId: unknown, call: string): string {
  return checkScheduleId(scheduleId, `schedules.${call}()`);
}

export function checkPause(options: unknown): { until: number | null; reason: string } {
  const where = "schedules.pause()";
  const { reason = "", until } = readOptions(options, where, { names: ["reason", "until"] });
  if (typeof reason !== "string" || reason.length > LONGEST_REASON) {
    throw invalid(where, `reason must be a short text, got ${show(reason)}`, {
      fix: `use at most ${LONGEST_REASON} characters`,
      value: reason,
    });
  }
  return { reason, until: until === undefined ? null : instantOption(until, where, "until") };
}

export function checkTrigger(options: unknown): { overlap: Overlap | null } {
  const where = "schedules.trigger()";
  return { overlap: checkOverlap(readOptions(options, where, { names: ["overlap"] }), where) };
}

export interface CheckedBackfill {
  from: number;
  to: number;
  overlap: Overlap | null;
}

export function checkBackfill(options: unknown): CheckedBackfill {
  const where = "schedules.backfill()";
  const given = readOptions(options, where, { names: ["from", "to", "overlap"] });
  if (given.from === undefined || given.to === undefined) {
    throw missing(where, "from and to are needed", "add from: new Date(…), to: new Date(…)");
  }
  const from = instantOption(given.from, where, "from");
  const to = instantOption(given.to, where, "to");
  if (to < from) throw conflict(where, "to is before from", "swap them");
  return { from, to, overlap: checkOverlap(given, where) };
}

function checkOverlap(given: Record<string, unknown>, where: string): Overlap | null {
  if (given.overlap === undefined) return null;
  const fallback: Overlap = "allow";
  return wordOption(given.overlap, { where, name: "overlap", fallback, words: OVERLAPS });
}

export interface CheckedSchedulesList {
  taskId: string | null;
  cursor: string | null;
  limit: number;
}

export function checkSchedulesList(
  options: unknown,
  context: RegisterContext,
): CheckedSchedulesList {
  const where = "schedules.list()";
  const given = readOptions(options, where, { names: ["taskId", "cursor", "limit"] });
  if (given.cursor !== undefined && typeof given.cursor !== "string") {
    throw invalid(where, `cursor must be a string, got ${show(given.cursor)}`, {
      fix: "use the cursor of the page before",
      value: given.cursor,
    });
  }
  return {
    taskId:
      given.taskId === undefined ? null : checkTaskId(given.taskId, "schedules.list", context),
    cursor: given.cursor ?? null,
    limit: wholeOption(given.limit, { where, name: "limit", fallback: 100, min: 1, max: 1_000 }),
  };
}

export type PreviewWhat = { scheduleId: string } | ReturnType<typeof checkPreviewRule>;

export interface CheckedPreview {
  what: PreviewWhat;
  count: number;
  from: number | null;
}

export function checkPreview(
  schedule: unknown,
  options: unknown,
  context: RegisterContext,
): CheckedPreview {
  const where = "schedules.preview()";
  const { count, from } = readOptions(options, where, { names: ["count", "from"] });
  return {
    what:
      typeof schedule === "string"
        ? { scheduleId: checkName(schedule, "the schedule's id", where) }
        : checkPreviewRule(schedule, context),
    count: wholeOption(count, { where, name: "count", fallback: 10, min: 1, max: 1_000 }),
    from: from === undefined ? null : instantOption(from, where, "from"),
  };
}

export interface CheckedExplain {
  scheduleId: string;
  /** null: how it is doing now. */
  at: number | null;
}

export function checkExplain(scheduleId: unknown, at: unknown): CheckedExplain {
  const where = "schedules.explain()";
  return {
    scheduleId: checkScheduleRef(scheduleId, "explain"),
    at: at === undefined ? null : instantOption(at, where, "at"),
  };
}
