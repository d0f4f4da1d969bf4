/** Checks the arguments of `register` and makes the schedule's definition of them. */
import { parseCron } from "../cron.js";
import { LONGEST_DURATION_MS } from "../duration.js";
import { SchedulerError } from "../errors.js";
import { encodePayload } from "../payload.js";
import { nextToFire, type ScheduleDefinition, type ScheduleRule } from "../schedule.js";
import { quote, show } from "../show.js";
import { checkZone, systemZone } from "../zone.js";
import type { RegisterContext } from "./context.js";
import { checkExclude, type ExcludeFunction } from "./exclude.js";
import { checkScheduleId, checkTaskId } from "./ids.js";
import { checkBounds, checkMisfire, checkPolicies } from "./policies.js";
import {
  conflict,
  durationOption,
  instantOption,
  invalid,
  type KnownOptions,
  missing,
  readOptions,
} from "./read.js";
import { checkRules, RULE_NAMES } from "./rules.js";

export interface CheckedRegister {
  taskId: string;
  scheduleId: string;
  definition: ScheduleDefinition;
  /** The function of `exclude`, if it is one. */
  excludes: ExcludeFunction | null;
}

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
    "limit",
    "exclude",
    "jitter",
    "overlap",
    "orphan",
    "orphanAfter",
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
    skip: 'did you mean "exclude"?',
    startDate: 'did you mean "startAt"?',
    endDate: 'did you mean "endAt"?',
    concurrencyPolicy: 'did you mean "overlap"?',
    preventOverlap: 'use overlap: "skip"',
    attempts: "use retry: { attempts: … }",
    backoff: 'use retry: { backoff: "exponential" }',
    concurrency: "it belongs to bind()",
    delay: PUSH_ONLY,
    runAt: PUSH_ONLY,
  },
};

/** `call` names the method that was called. */
export function checkRegister(
  taskId: unknown,
  options: unknown,
  context: RegisterContext,
  call = "register",
): CheckedRegister {
  const id = checkTaskId(taskId, call, context);
  const where = `${call}(${quote(id)})`;
  const given = readOptions(options, where, KNOWN);
  const { rule, excludes } = checkRule(id, given, { where, context });
  const payload = encodePayload(given.data, { where, limitBytes: context.payloadLimitBytes });
  const scheduleId = given.scheduleId === undefined ? id : checkScheduleId(given.scheduleId, where);
  return { taskId: id, scheduleId, definition: { ...rule, payload }, excludes };
}

/** The part of the options that says when: all but the data. */
export function checkRule(
  taskId: string,
  given: Record<string, unknown>,
  { where, context }: { where: string; context: RegisterContext },
): { rule: ScheduleRule; excludes: ExcludeFunction | null } {
  const timezone = checkTimezone(given, where, context);
  const { excludes, ...exclude } = checkExclude(given.exclude, { where, timezone });
  const rule: ScheduleRule = {
    v: 1,
    taskId,
    ...checkTiming(given, { where, timezone }),
    timezone,
    ...checkSpan(given, where),
    ...checkBounds(given, where),
    ...exclude,
    ...checkMisfire(given, where, context),
    ...checkPolicies(given, where),
    rules: checkRules(given, where),
  };
  refuseNeverFiring(rule, where);
  return { rule, excludes };
}

/** What `preview` takes: the options of a schedule that need not exist. */
export function checkPreviewRule(
  options: unknown,
  context: RegisterContext,
): {
  rule: ScheduleRule;
  excludes: ExcludeFunction | null;
} {
  const where = "schedules.preview()";
  const given = readOptions(options, where, KNOWN);
  if (given.scheduleId !== undefined) checkScheduleId(given.scheduleId, where);
  return checkRule("preview", given, { where, context });
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

/** A schedule without a single occurrence that fires is a mistake that nobody would see. */
function refuseNeverFiring(rule: ScheduleRule, where: string): void {
  const { startAt, endAt, exclude } = rule;
  if ((startAt === undefined || endAt === undefined) && exclude === undefined) return;
  if (nextToFire(rule, (startAt ?? 0) - 1) !== null) return;
  if (exclude !== undefined && (startAt === undefined || endAt === undefined)) return;
  throw new SchedulerError(
    "CRON_NEVER_FIRES",
    `${where}: there is no occurrence between startAt and endAt`,
    { fix: "move one of them, or correct cronExpr, every or exclude" },
  );
}
