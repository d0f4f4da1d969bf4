/** Fires the occurrences of a past span that did not fire. */
import { SchedulerError } from "../core/errors.js";
import type { CheckedBackfill } from "../core/options.js";
import {
  countOccurrences,
  decodeRule,
  entryAt,
  isExcluded,
  type LedgerEntry,
  MOST_FIRED,
  type Overlap,
  occurrencesBetween,
} from "../core/schedule.js";
import { quote } from "../core/show.js";
import type { SchedulesParts } from "../schedules.js";
import type { ScheduleDetail, TriggerAnswer } from "../store/contract.js";
import type { BackfillResult } from "../types.js";
import { functionElsewhere, scheduleUnknown } from "./errors.js";
import { functionOf } from "./function.js";

/** As many as may wait for each other. */
const MOST_OCCURRENCES = 1_000;
const MOST_PER_CALL = 50;

export async function backfill(
  parts: SchedulesParts,
  args: CheckedBackfill & { scheduleId: string },
): Promise<BackfillResult> {
  const { store, keep } = parts;
  const { scheduleId } = args;
  const detail = await store.schedule({ scheduleId });
  if (detail === null) throw scheduleUnknown(scheduleId, "backfill");
  const excludes = functionOf(parts, detail);
  if (excludes === null && decodeRule(detail.definition).excludeCode !== undefined) {
    throw functionElsewhere(scheduleId);
  }
  const { wanted, skipped } = chosen(detail, args, excludes);
  const result: BackfillResult = { fired: [], waiting: [], skipped };
  const overlap = args.overlap ?? oneByOne(detail.overlap);
  for (let from = 0; from < wanted.length; from += MOST_PER_CALL) {
    const instants = wanted.slice(from, from + MOST_PER_CALL);
    const answer = await store.trigger({ scheduleId, instants, overlap, keep });
    if (answer === null) throw scheduleUnknown(scheduleId, "backfill");
    sort(answer, result);
  }
  result.skipped.sort((a, b) => a - b);
  return result;
}

/** Who does not want overlap does not want it here either, and wants all of them. */
function oneByOne(overlap: Overlap): Overlap {
  return overlap === "allow" ? "allow" : "bufferAll";
}

/** What lies before the cursor, and did not fire as far as the ledger knows. */
function chosen(
  detail: ScheduleDetail,
  { scheduleId, from, to }: { scheduleId: string } & CheckedBackfill,
  excludes: ((at: number) => boolean) | null,
) {
  const rule = decodeRule(detail.definition);
  const end = Math.min(to + 1, detail.nextAt ?? Number.POSITIVE_INFINITY, detail.now + 1);
  if (to > detail.now) {
    throw new SchedulerError("OPTION_INVALID", "schedules.backfill(): to is in the future", {
      fix: "end the span now: what is to come fires by itself",
      value: to,
    });
  }
  const count = countOccurrences(rule, from, end);
  if (count > MOST_OCCURRENCES) {
    const message = `schedules.backfill(): ${quote(scheduleId)} has ${count} occurrences there`;
    const fix = `use spans with at most ${MOST_OCCURRENCES}`;
    throw new SchedulerError("OPTION_INVALID", message, { fix, value: count });
  }
  const fired = new Set<number>();
  for (const entry of detail.ledger) {
    if (entry.kind === "fired" && entry.how !== "trigger") fired.add(entry.scheduledFor);
  }
  for (const at of detail.buffered) fired.add(at);
  const isKnown = knowledgeOf(detail.ledger);
  const wanted: number[] = [];
  const skipped: number[] = [];
  for (const at of occurrencesBetween(rule, from, end)) {
    const isOut = fired.has(at) || !isKnown(at) || isExcluded(rule, at) || excludes?.(at) === true;
    (isOut ? skipped : wanted).push(at);
  }
  return { wanted, skipped };
}

function sort(answer: TriggerAnswer, result: BackfillResult): void {
  for (const { scheduledFor, outcome } of answer.outcomes) {
    if (outcome.kind === "buffered") result.waiting.push(scheduledFor);
    else if (outcome.kind === "fired" && outcome.job.created) {
      result.fired.push({ scheduledFor, jobId: outcome.job.id });
    } else result.skipped.push(scheduledFor);
  }
}

/**
 * Whether the ledger would know of an instant that fired: it forgets the oldest of those. Of an
 * older one it knows only that it did not fire, if that stands there.
 */
function knowledgeOf(ledger: readonly LedgerEntry[]): (at: number) => boolean {
  const fired = ledger.filter((entry) => entry.kind === "fired" && entry.how !== "trigger");
  const oldest = fired.length < MOST_FIRED ? Number.NEGATIVE_INFINITY : entryAt(fired[0]!);
  return (at) =>
    at >= oldest ||
    ledger.some((entry) => entry.kind === "passed" && entry.from <= at && at <= entry.to);
}
