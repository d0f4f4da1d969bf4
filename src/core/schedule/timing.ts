/**
 * When a schedule has occurrences. Counting is arithmetic, not walking, so that a year without
 * anybody there is no more work than an hour.
 */
import { parseCron } from "../cron.js";
import { SchedulerError } from "../errors.js";
import type { ExcludedSpan, ScheduleRule } from "./definition.js";

interface Timing {
  next(afterMs: number): number | null;
  /** From `fromMs` up to, not including, `toMs`. */
  count(fromMs: number, toMs: number): number;
  /** The same span, one by one. */
  between(fromMs: number, toMs: number): Iterable<number>;
}

/** The first occurrence strictly after `afterMs`, excluded or not; null: there is none. */
export function nextOccurrence(rule: ScheduleRule, afterMs: number): number | null {
  const { startAt, endAt } = rule;
  const after = startAt === undefined ? afterMs : Math.max(afterMs, startAt - 1);
  const next = timingOf(rule).next(after);
  return next === null || (endAt !== undefined && next > endAt) ? null : next;
}

/** How many there are from `from` up to, not including, `to`, excluded ones among them. */
export function countOccurrences(rule: ScheduleRule, from: number, to: number): number {
  const [begin, end] = spanOf(rule, from, to);
  return begin < end ? timingOf(rule).count(begin, end) : 0;
}

/** All of them, in order. */
export function occurrencesBetween(rule: ScheduleRule, from: number, to: number): Iterable<number> {
  const [begin, end] = spanOf(rule, from, to);
  return begin < end ? timingOf(rule).between(begin, end) : [];
}

/** The excluded span that it lies in; null: in none. */
export function excludedSpan({ exclude }: ScheduleRule, at: number): ExcludedSpan | null {
  return exclude?.find(([from, to]) => at >= from && at < to) ?? null;
}

export function isExcluded(rule: ScheduleRule, at: number): boolean {
  return excludedSpan(rule, at) !== null;
}

/** The first that is not excluded, after at most a thousand that are; null: none was found. */
export function nextToFire(
  rule: ScheduleRule,
  afterMs: number,
  excludes: ((at: number) => boolean) | null = null,
): number | null {
  let after = afterMs;
  for (let tries = 0; tries < 1_000; tries += 1) {
    const next = nextOccurrence(rule, after);
    if (next === null) return null;
    const span = excludedSpan(rule, next);
    if (span === null && excludes?.(next) !== true) return next;
    after = span === null ? next : span[1] - 1;
  }
  return null;
}

function spanOf(rule: ScheduleRule, from: number, to: number): [number, number] {
  const { startAt = Number.NEGATIVE_INFINITY, endAt = Number.POSITIVE_INFINITY } = rule;
  return [Math.max(from, startAt), Math.min(to, endAt + 1)];
}

function timingOf(rule: ScheduleRule): Timing {
  const { kind, cronExpr, everyMs, timezone } = rule;
  if (kind === "cron" && cronExpr !== undefined) {
    return parseCron(cronExpr, timezone, "a schedule in the store: cronExpr");
  }
  if (kind === "every" && everyMs !== undefined && everyMs > 0) {
    return steady(everyMs, rule.startAt ?? 0);
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
    *between(fromMs, toMs) {
      for (let at = anchor + before(fromMs) * everyMs; at < toMs; at += everyMs) yield at;
    },
  };
}
