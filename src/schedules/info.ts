/** Schedules and ledgers as users see them. */
import { decodePayload } from "../core/payload.js";
import {
  decodeRule,
  type LedgerEntry,
  nextToFire,
  outcomeOfEntry,
  type ScheduleRule,
} from "../core/schedule.js";
import type { ScheduleView } from "../store/contract.js";
import type { LedgerInfo, ScheduleInfo } from "../types.js";

type Excludes = ((at: number) => boolean) | null;

/** `excludes`: the function that belongs to its rule, where it is known. */
export function infoOf(view: ScheduleView, now: number, excludes: Excludes = null): ScheduleInfo {
  const rule = decodeRule(view.definition);
  const { scheduleId, taskId, code, overlap, firedCount, registeredUntil } = view;
  const paused = pausedNow(view, now);
  return {
    scheduleId,
    taskId,
    kind: code ? "code" : "runtime",
    cronExpr: rule.cronExpr ?? null,
    every: rule.everyMs ?? null,
    timezone: rule.timezone,
    misfire: rule.misfire,
    overlap,
    data: decodePayload(view.payload),
    nextAt: nextAtOf(view, { rule, now, excludes }),
    firedCount,
    paused: paused && { at: paused.at, until: paused.until, reason: paused.reason },
    orphaned: code && registeredUntil !== null && registeredUntil < now,
    openJobIds: view.open,
    waiting: view.buffered,
  };
}

function pausedNow({ paused }: ScheduleView, now: number): ScheduleView["paused"] {
  return paused === null || (paused.until !== null && paused.until <= now) ? null : paused;
}

/** The first from the cursor on that neither a pause nor `exclude` leaves out. */
function nextAtOf(
  view: ScheduleView,
  at: { rule: ScheduleRule; now: number; excludes: Excludes },
): number | null {
  const { rule, now, excludes } = at;
  if (view.nextAt === null || view.firedCount >= (rule.limit ?? Number.POSITIVE_INFINITY)) {
    return null;
  }
  const paused = pausedNow(view, now);
  if (paused === null) return nextToFire(rule, view.nextAt - 1, excludes);
  if (paused.until === null) return null;
  return nextToFire(rule, Math.max(view.nextAt, paused.until) - 1, excludes);
}

export function ledgerInfoOf(entry: LedgerEntry): LedgerInfo {
  const outcome = outcomeOfEntry(entry);
  if (entry.kind === "fired") {
    const { scheduledFor, firedAt, how, jobId, instance } = entry;
    const one = { scheduledFor, lastAt: scheduledFor, count: 1, decidedAt: firedAt };
    return { outcome, reason: how, ...one, jobId, instance };
  }
  const { reason, from, to, count, decidedAt, instance } = entry;
  return {
    outcome,
    reason,
    scheduledFor: from,
    lastAt: to,
    count,
    decidedAt,
    jobId: null,
    instance,
  };
}
