/**
 * What a registered schedule is, when it is due, and which jobs a look at its cursor makes.
 * Pure: instants go in, a plan comes out. The work is bounded, however long nobody looked:
 * occurrences that nobody wants any more are counted, not visited.
 */
import { parseCron } from "./cron.js";
import { SchedulerError } from "./errors.js";
import type { JobRules } from "./job.js";
import type { JobSpec } from "./spec.js";

export interface ScheduleDefinition {
  v: 1;
  taskId: string;
  kind: "cron" | "every";
  /** For kind `cron`. */
  cronExpr?: string;
  /** For kind `every`: occurrences are its multiples since `startAt`, or since the epoch. */
  everyMs?: number;
  timezone: string;
  /** No occurrence before it, epoch ms. */
  startAt?: number;
  /** No occurrence after it, epoch ms. */
  endAt?: number;
  misfire: "skip" | "once" | "all";
  catchupWindowMs: number;
  maxCatchup: number;
  misfireAfterMs: number;
  /** JSON text of the data of its jobs; "" = none. */
  payload: string;
  rules: JobRules;
}

export interface FirePlan {
  /** To be made now, oldest first, at most `MAX_JOBS_PER_PLAN`. */
  jobs: JobSpec[];
  /** The next cursor: may be due already; null: the schedule has come to its end. */
  nextAt: number | null;
  /** Occurrences that this plan gives up, the first of them being the cursor. */
  missed: number;
}

export const MAX_JOBS_PER_PLAN = 100;

/** The text of a definition: the same definition always gives the same text. */
export function encodeDefinition(definition: ScheduleDefinition): string {
  const { rules } = definition;
  const retry = rules.retry && {
    attempts: rules.retry.attempts,
    waitMs: rules.retry.waitMs,
    backoff: rules.retry.backoff,
  };
  // The order of the fields is part of the text; undefined ones leave no trace.
  return JSON.stringify({
    v: definition.v,
    taskId: definition.taskId,
    kind: definition.kind,
    cronExpr: definition.cronExpr,
    everyMs: definition.everyMs,
    timezone: definition.timezone,
    startAt: definition.startAt,
    endAt: definition.endAt,
    misfire: definition.misfire,
    catchupWindowMs: definition.catchupWindowMs,
    maxCatchup: definition.maxCatchup,
    misfireAfterMs: definition.misfireAfterMs,
    payload: definition.payload,
    rules: { retry, priority: rules.priority, timeoutMs: rules.timeoutMs },
  } satisfies { [Key in keyof Required<ScheduleDefinition>]: ScheduleDefinition[Key] | undefined });
}

/** The definition of a text that `encodeDefinition` wrote. */
export function decodeDefinition(text: string): ScheduleDefinition {
  let decoded: unknown;
  try {
    decoded = JSON.parse(text);
  } catch {
    decoded = null;
  }
  const version: unknown =
    typeof decoded === "object" && decoded !== null ? Reflect.get(decoded, "v") : undefined;
  if (version === 1) return decoded as ScheduleDefinition;
  if (typeof version === "number" && version > 1) {
    throw new SchedulerError(
      "LAYOUT_NEWER",
      `a schedule in the store is defined in version ${version}; this library reads version 1`,
      { fix: "update schedule-mq here, too" },
    );
  }
  throw new SchedulerError("STORE_DAMAGED", "a schedule in the store is not a definition", {
    fix: "see which program writes to this store beside schedule-mq",
  });
}

/** The first occurrence strictly after `afterMs`, epoch ms; null: there is none. */
export function nextOccurrence(definition: ScheduleDefinition, afterMs: number): number | null {
  const { startAt, endAt } = definition;
  const after = startAt === undefined ? afterMs : Math.max(afterMs, startAt - 1);
  const next = timingOf(definition).next(after);
  return next === null || (endAt !== undefined && next > endAt) ? null : next;
}

/** Decides all occurrences from the cursor to now, or the first hundred jobs' worth of them. */
export function planFire(
  definition: ScheduleDefinition,
  at: { scheduleId: string; cursorAt: number; now: number },
): FirePlan {
  const { cursorAt, now } = at;
  if (cursorAt > now) return { jobs: [], nextAt: cursorAt, missed: 0 };

  const lateBefore = now - definition.misfireAfterMs;
  const late = countDue(definition, { cursorAt, from: cursorAt, to: lateBefore });
  const chosen = chooseLate(definition, { cursorAt, now, lateBefore });
  const missed = late - chosen.count;
  const jobs: JobSpec[] = [];
  let due = chosen.count > 0 ? chosen.from : firstDue(definition, cursorAt, lateBefore);
  while (due !== null && due <= now && jobs.length < MAX_JOBS_PER_PLAN) {
    const isCatchup = due < lateBefore;
    // Only a catch-up stands for what was given up: what is on time stands for itself.
    const missedCount = isCatchup && jobs.length === 0 ? missed : 0;
    jobs.push(jobFor(definition, at.scheduleId, { scheduledFor: due, isCatchup, missedCount }));
    due = nextOccurrence(definition, due);
  }
  return { jobs, nextAt: due, missed };
}

function jobFor(
  definition: ScheduleDefinition,
  scheduleId: string,
  occurrence: { scheduledFor: number; isCatchup: boolean; missedCount: number },
): JobSpec {
  return {
    taskId: definition.taskId,
    id: null,
    payload: definition.payload,
    due: null,
    rules: definition.rules,
    occurrence: { scheduleId, ...occurrence },
  };
}

/** The late occurrences that fire all the same: the latest, as policy and window allow. */
function chooseLate(
  definition: ScheduleDefinition,
  at: { cursorAt: number; now: number; lateBefore: number },
): { count: number; from: number } {
  const { misfire, maxCatchup, catchupWindowMs } = definition;
  const most = misfire === "skip" ? 0 : misfire === "once" ? 1 : maxCatchup;
  const { cursorAt, lateBefore } = at;
  const windowStart = Math.max(cursorAt, at.now - catchupWindowMs);
  const countFrom = (from: number): number =>
    countDue(definition, { cursorAt, from, to: lateBefore });
  const count = Math.min(most, countFrom(windowStart));
  if (count === 0) return { count, from: lateBefore };
  let from = windowStart;
  if (countFrom(windowStart) > count) {
    from = latestWith(count, { countFrom, earliest: windowStart, end: lateBefore });
  }
  return { count, from: firstDue(definition, cursorAt, from)! };
}

/** The latest instant from which on there are still `count` occurrences before `end`. */
function latestWith(
  count: number,
  at: { countFrom: (from: number) => number; earliest: number; end: number },
): number {
  const { countFrom, earliest, end } = at;
  // Back in doubling strides, since the wanted ones are near the end: counting a year is dearer.
  let stride = 1_000 * count;
  while (end - stride > earliest && countFrom(end - stride) < count) stride *= 2;
  let enough = Math.max(earliest, end - stride);
  let tooFew = end;
  while (tooFew - enough > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (countFrom(middle) >= count) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

/**
 * The cursor is due whatever the definition says now (it may have been set by an earlier one);
 * after it, the definition decides.
 */
function firstDue(definition: ScheduleDefinition, cursorAt: number, from: number): number | null {
  return from <= cursorAt ? cursorAt : nextOccurrence(definition, Math.max(cursorAt, from - 1));
}

/** How many occurrences, the cursor being the first, are from `from` up to, not including, `to`. */
function countDue(
  definition: ScheduleDefinition,
  at: { cursorAt: number; from: number; to: number },
): number {
  const { cursorAt, from, to } = at;
  if (cursorAt >= to) return 0;
  const { startAt = Number.NEGATIVE_INFINITY, endAt = Number.POSITIVE_INFINITY } = definition;
  const begin = Math.max(from, cursorAt + 1, startAt);
  const end = Math.min(to, endAt + 1);
  const after = begin < end ? timingOf(definition).count(begin, end) : 0;
  return after + (from <= cursorAt ? 1 : 0);
}

interface Timing {
  next(afterMs: number): number | null;
  /** From `fromMs` up to, not including, `toMs`. */
  count(fromMs: number, toMs: number): number;
}

function timingOf(definition: ScheduleDefinition): Timing {
  const { kind, cronExpr, everyMs, timezone } = definition;
  if (kind === "cron" && cronExpr !== undefined) {
    return parseCron(cronExpr, timezone, "a schedule in the store: cronExpr");
  }
  if (kind === "every" && everyMs !== undefined && everyMs > 0) {
    return steady(everyMs, definition.startAt ?? 0);
  }
  throw new SchedulerError("STORE_DAMAGED", "a schedule in the store has no timing", {
    fix: "see which program writes to this store beside schedule-mq",
  });
}

/** Every `everyMs` since `anchor`. */
function steady(everyMs: number, anchor: number): Timing {
  const before = (ms: number): number => Math.ceil((ms - anchor) / everyMs);
  return {
    next: (afterMs) => anchor + (Math.floor((afterMs - anchor) / everyMs) + 1) * everyMs,
    count: (fromMs, toMs) => Math.max(0, before(toMs) - before(fromMs)),
  };
}
