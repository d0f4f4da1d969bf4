/** Checks the arguments of `register` and makes the schedule's definition of them. */
import { parseCron } from "../cron.js";
import { LONGEST_DURATION_MS } from "../duration.js";
import { SchedulerError } from "../errors.js";
import { encodePayload } from "../payload.js";
import { nextOccurrence, type ScheduleDefinition } from "../schedule.js";
import { quote, show } from "../show.js";
import { checkZone, systemZone } from "../zone.js";
import type { RegisterContext } from "./context.js";
import { checkScheduleId, checkTaskId } from "./ids.js";
import {
  conflict,
  durationOption,
  instantOption,
  invalid,
  type KnownOptions,
  missing,
  readOptions,
  wholeOption,
  wordOption,
} from "./read.js";
import { checkRules, RULE_NAMES } from "./rules.js";
import { DEFAULT_MISFIRE_AFTER_MS } from "./scheduler.js";

export interface CheckedRegister {
  taskId: string;
  scheduleId: string;
  definition: ScheduleDefinition;
}

const SHORTEST_MISFIRE_AFTER_MS = 1_000;
const DEFAULT_CATCHUP_WINDOW_MS = 300_000;
const DEFAULT_MAX_CATCHUP = 100;
const MOST_CATCHUP = 10_000;
const SHORTEST_EVERY_MS = 100;

const PUSH_ONLY = "it belongs to push(); a schedule says when its jobs are due";
const KNOWN: KnownOptions = {
  names: [
    "cronExpr",
    "every",
    "timezone",
    "tz",
    "scheduleId",
    "startAt",
    "endAt",
    "misfire",
    "misfireAfter",
    "catchupWindow",
    "maxCatchup",
    "data",
    ...RULE_NAMES,
  ],
  hints: {
    cron: 'did you mean "cronExpr"?',
    pattern: 'did you mean "cronExpr"?',
    expression: 'did you mean "cronExpr"?',
    interval: 'did you mean "every"?',
    id: 'did you mean "scheduleId"?',
    attempts: "use retry: { attempts: … }",
    backoff: 'use retry: { backoff: "exponential" }',
    concurrency: "it belongs to bind()",
    delay: PUSH_ONLY,
    runAt: PUSH_ONLY,
  },
};

export function checkRegister(
  taskId: unknown,
  options: unknown,
  context: RegisterContext,
): CheckedRegister {
  const id = checkTaskId(taskId, "register", context);
  const where = `register(${quote(id)})`;
  const given = readOptions(options, where, KNOWN);
  const timezone = checkTimezone(given, where, context);
  const definition: ScheduleDefinition = {
    v: 1,
    taskId: id,
    ...checkTiming(given, { where, timezone }),
    timezone,
    ...checkSpan(given, where),
    ...checkMisfire(given, where, context),
    payload: encodePayload(given.data, { where, limitBytes: context.payloadLimitBytes }),
    rules: checkRules(given, where),
  };
  refuseNeverFiring(definition, where);
  const scheduleId = given.scheduleId === undefined ? id : checkScheduleId(given.scheduleId, where);
  return { taskId: id, scheduleId, definition };
}

function checkTimezone(
  given: Record<string, unknown>,
  where: string,
  context: RegisterContext,
): string {
  if (given.timezone !== undefined && given.tz !== undefined) {
    throw conflict(where, "timezone and tz are both given", "use timezone");
  }
  const timezone = given.timezone === undefined ? given.tz : given.timezone;
  const name = given.tz === undefined ? "timezone" : "tz";
  if (given.every === undefined) {
    if (timezone === undefined) return context.timezone ?? systemZone();
    return checkZone(timezone, `${where}: ${name}`);
  }
  if (timezone === undefined) return "UTC";
  throw conflict(
    where,
    `${name} and every are both given, but an interval is the same in every zone`,
    `leave out ${name}, or use cronExpr`,
  );
}

function checkTiming(
  given: Record<string, unknown>,
  at: { where: string; timezone: string },
): Pick<ScheduleDefinition, "kind" | "cronExpr" | "everyMs"> {
  const { where, timezone } = at;
  const { cronExpr, every } = given;
  if (cronExpr !== undefined && every !== undefined) {
    throw conflict(where, "cronExpr and every are both given", "use one of them");
  }
  if (every !== undefined) {
    const everyMs = durationOption(every, {
      where,
      name: "every",
      fallback: 0,
      min: SHORTEST_EVERY_MS,
      max: LONGEST_DURATION_MS,
    });
    return { kind: "every", everyMs };
  }
  if (cronExpr === undefined) {
    throw missing(
      where,
      "says neither cronExpr nor every",
      'add cronExpr: "0 3 * * *" or every: "10m"',
    );
  }
  if (typeof cronExpr !== "string") {
    throw invalid(where, `cronExpr must be a string, got ${show(cronExpr)}`, {
      fix: 'use cronExpr: "0 3 * * *"',
      value: cronExpr,
    });
  }
  parseCron(cronExpr, timezone, `${where}: cronExpr`);
  return { kind: "cron", cronExpr: cronExpr.trim() };
}

function checkSpan(
  given: Record<string, unknown>,
  where: string,
): Pick<ScheduleDefinition, "startAt" | "endAt"> {
  const span: Pick<ScheduleDefinition, "startAt" | "endAt"> = {};
  if (given.startAt !== undefined) span.startAt = instantOption(given.startAt, where, "startAt");
  if (given.endAt !== undefined) span.endAt = instantOption(given.endAt, where, "endAt");
  if (span.startAt !== undefined && span.endAt !== undefined && span.endAt < span.startAt) {
    throw conflict(where, "endAt is before startAt", "swap them");
  }
  return span;
}

function checkMisfire(
  given: Record<string, unknown>,
  where: string,
  context: RegisterContext,
): Pick<ScheduleDefinition, "misfire" | "misfireAfterMs" | "catchupWindowMs" | "maxCatchup"> {
  const bounds = { where, min: 0, max: LONGEST_DURATION_MS };
  return {
    misfire: wordOption(given.misfire, {
      where,
      name: "misfire",
      fallback: "once",
      words: ["skip", "once", "all"],
    }),
    misfireAfterMs: durationOption(given.misfireAfter, {
      ...bounds,
      // With less, no scheduler could be on time, and nothing would ever fire as planned.
      min: SHORTEST_MISFIRE_AFTER_MS,
      name: "misfireAfter",
      fallback: context.misfireAfterMs ?? DEFAULT_MISFIRE_AFTER_MS,
    }),
    catchupWindowMs: durationOption(given.catchupWindow, {
      ...bounds,
      name: "catchupWindow",
      fallback: DEFAULT_CATCHUP_WINDOW_MS,
    }),
    maxCatchup: wholeOption(given.maxCatchup, {
      where,
      name: "maxCatchup",
      fallback: DEFAULT_MAX_CATCHUP,
      min: 1,
      max: MOST_CATCHUP,
    }),
  };
}

/** A schedule without a single occurrence between its ends is a mistake that nobody would see. */
function refuseNeverFiring(definition: ScheduleDefinition, where: string): void {
  const { startAt, endAt } = definition;
  if (startAt === undefined || endAt === undefined) return;
  if (nextOccurrence(definition, startAt - 1) !== null) return;
  throw new SchedulerError(
    "CRON_NEVER_FIRES",
    `${where}: there is no occurrence between startAt and endAt`,
    { fix: "move one of them, or correct cronExpr or every" },
  );
}
