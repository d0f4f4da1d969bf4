/** Why an occurrence did or did not run: one sentence out of a schedule's state and its ledger. */
import { localTime } from "../cron/local.js";
import { quote, showMs, showSpan } from "../show.js";
import { jitterOf, type ScheduleRule } from "./definition.js";
import { type FiredEntry, type LedgerEntry, MOST_FIRED, type PassedEntry } from "./ledger.js";
import type { PassReason } from "./outcome.js";
import { isExcluded, nextOccurrence, nextToFire } from "./timing.js";

/** What there is to know about a schedule at an instant of the store. */
export interface Explained {
  scheduleId: string;
  taskId: string;
  rule: ScheduleRule;
  nextAt: number | null;
  firedCount: number;
  /** The function that belongs to the rule, where it is known. */
  excludes?: ((at: number) => boolean) | null;
  paused: { at: number; until: number | null; reason: string; orphaned: boolean } | null;
  open: readonly string[];
  buffered: readonly number[];
  ledger: readonly LedgerEntry[];
  now: number;
}

/** What became of the occurrence at `at`, or will. */
export function explainAt(schedule: Explained, at: number): string {
  const { scheduleId, ledger, buffered } = schedule;
  const name = `${quote(scheduleId)} at ${shown(schedule, at)}`;
  const fired = ledger.find(
    (entry): entry is FiredEntry => entry.kind === "fired" && entry.scheduledFor === at,
  );
  if (fired !== undefined) return `${name} ${firedSentence(fired)}`;
  if (buffered.includes(at)) {
    return `${name} waits until job ${schedule.open[0] ?? "of an earlier occurrence"} has ended`;
  }
  const passed = passedAt(schedule, at);
  if (passed !== null && isOccurrence(schedule, at)) {
    return `${name} ${PASSED[passed.reason](schedule, passed)}`;
  }
  return `${name} ${undecidedSentence(schedule, at)}`;
}

/** How the schedule is doing. */
export function explainNow(schedule: Explained): string {
  const { scheduleId, paused, nextAt, now, rule } = schedule;
  const name = quote(scheduleId);
  const last = lastSentence(schedule);
  if (paused !== null && (paused.until === null || paused.until > now)) {
    return `${name} ${pauseSentence(schedule, paused)}; ${last}`;
  }
  if (nextAt === null || isLimitReached(schedule))
    return `${name} has come to its end: ${endReason(schedule)}; ${last}`;
  const dueAt = nextAt + jitterOf(scheduleId, rule);
  if (dueAt <= now) return `${name} ${lateSentence(schedule, dueAt)}; ${last}`;
  const next = nextToFire(rule, nextAt - 1, schedule.excludes);
  return next === null
    ? `${name} has no occurrence that fires in sight; ${last}`
    : `${name} fires next at ${shown(schedule, next)}${jittered(schedule)}; ${last}`;
}

function jittered({ scheduleId, rule }: Explained): string {
  const jitterMs = jitterOf(scheduleId, rule);
  return jitterMs === 0 ? "" : ` and ${showSpan(jitterMs)} of jitter`;
}

/** Of several rows that span the instant, the one that was meant for it. */
function passedAt({ ledger, rule }: Explained, at: number): PassedEntry | null {
  const rows = ledger.filter(
    (entry): entry is PassedEntry => entry.kind === "passed" && entry.from <= at && at <= entry.to,
  );
  const wanted = rows.filter(
    (row) => rule.exclude === undefined || (row.reason === "excluded") === isExcluded(rule, at),
  );
  return wanted.at(-1) ?? rows.at(-1) ?? null;
}

function isOccurrence({ rule }: Explained, at: number): boolean {
  return nextOccurrence(rule, at - 1) === at;
}

function firedSentence({ scheduledFor, firedAt, how, jobId, instance }: FiredEntry): string {
  const lag = showSpan(Math.max(0, firedAt - scheduledFor));
  const made = `as job ${jobId}, by instance ${instance}`;
  if (how === "catchup") return `was caught up ${lag} late ${made}`;
  if (how === "trigger") return `was triggered by hand ${made}`;
  if (how === "backfill") return `was filled in later ${made}`;
  return `fired, ${lag} after it was due, ${made}`;
}

const PASSED: Record<PassReason, (schedule: Explained, row: PassedEntry) => string> = {
  misfire: ({ rule }, row) =>
    `was missed: no live scheduler could fire it within ${showMs(rule.misfireAfterMs)}, and ` +
    `misfire "${rule.misfire}" gave it up${many(row)}`,
  excluded: (_, row) => `was skipped: exclude leaves it out${many(row)}`,
  paused: (_, row) => `was skipped: the schedule was paused${many(row)}`,
  orphaned: (_, row) => `was skipped: nobody registered the schedule any more${many(row)}`,
  overlap: ({ rule }, row) =>
    `was skipped: an earlier job had not ended, and overlap is "${rule.overlap}"${many(row)}`,
  full: (_, row) => `was skipped: as many occurrences as may wait were waiting${many(row)}`,
  replaced: (_, row) => `was skipped: it waited, and a newer one took its place${many(row)}`,
  moved: (_, row) => `was skipped: it waited, and the schedule moved to another task${many(row)}`,
  unattended: (_, row) =>
    "was missed: only a scheduler with its exclude function could fire it, and none was " +
    `there${many(row)}`,
};

function many({ count }: PassedEntry): string {
  return count === 1 ? "" : ` (one of ${count} in a row)`;
}

function undecidedSentence(schedule: Explained, at: number): string {
  const { nextAt, now, scheduleId, rule } = schedule;
  if (!isOccurrence(schedule, at)) {
    const next = nextOccurrence(rule, at);
    const then =
      next === null ? "has none after it" : `has its next one at ${shown(schedule, next)}`;
    return `is no occurrence: by its rule the schedule ${then}`;
  }
  if (nextAt === null || (at >= nextAt && isLimitReached(schedule))) {
    return at > now ? `will not fire: ${endReason(schedule)}` : beyondMemory(schedule);
  }
  if (at < nextAt) return beyondMemory(schedule);
  const dueAt = at + jitterOf(scheduleId, rule);
  if (schedule.paused !== null && dueAt < (schedule.paused.until ?? Number.POSITIVE_INFINITY)) {
    return `will be skipped: the schedule ${pauseSentence(schedule, schedule.paused)}`;
  }
  if (isExcluded(rule, at)) return "will be skipped: exclude leaves it out";
  return dueAt <= now ? lateSentence(schedule, dueAt) : `is due in ${showSpan(dueAt - now)}`;
}

function beyondMemory({ ledger }: Explained): string {
  const isFull = ledger.filter(({ kind }) => kind === "fired").length >= MOST_FIRED;
  return isFull
    ? "was decided, but that is longer ago than the ledger remembers"
    : "was not this schedule's: it was registered, or changed, later";
}

function lateSentence({ now, taskId }: Explained, dueAt: number): string {
  return (
    `is late by ${showSpan(now - dueAt)}: no live scheduler that has bound or registered task ` +
    `${quote(taskId)} has looked since`
  );
}

function pauseSentence(schedule: Explained, { until, reason }: NonNullable<Explained["paused"]>) {
  const end = until === null ? "until it is resumed" : `until ${shown(schedule, until)}`;
  return `is paused ${end}${reason === "" ? "" : ` (${reason})`}`;
}

function isLimitReached({ rule, firedCount }: Explained): boolean {
  return rule.limit !== undefined && firedCount >= rule.limit;
}

function endReason(schedule: Explained): string {
  const { rule } = schedule;
  if (isLimitReached(schedule)) return `limit ${rule.limit} is reached`;
  if (rule.endAt !== undefined) return `endAt was ${shown(schedule, rule.endAt)}`;
  return "its rule has no further occurrence";
}

function lastSentence(schedule: Explained): string {
  const last = schedule.ledger.at(-1);
  if (last === undefined) return "nothing has become of it so far";
  const at = last.kind === "fired" ? last.scheduledFor : last.to;
  const sentence =
    last.kind === "fired" ? firedSentence(last) : PASSED[last.reason](schedule, last);
  return `the last one, at ${shown(schedule, at)}, ${sentence}`;
}

function shown({ rule }: Explained, at: number): string {
  const { text, offset } = localTime(rule.timezone, at);
  return `${text} ${offset} (${rule.timezone})`;
}
