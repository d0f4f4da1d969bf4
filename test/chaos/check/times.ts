/** I7 and I8: occurrences fire once, delays are kept, and neither early by the store's clock. */
import { type Case, type Run, SLACK_MS } from "./case.js";
import { storyOf } from "./pushes.js";

/** The store's whole ms, and the reading of clocks. */
const READ_MS = 5;

export function judgeTimes(its: Case): void {
  for (const schedule of its.rules.schedules) judgeSchedule(its, schedule);
  for (const [name, { push, okAt, runs }] of its.told) {
    const first = runs[0]?.start;
    if (push.delayMs === 0 || first === undefined || its.jumped(push.t, first.t)) continue;
    const waited = first.t - push.t;
    if (waited < push.delayMs - READ_MS) {
      // When it is due is lost with the index of due times: then it is due.
      its.unless(
        [["durability window", its.lostData(push.t, first.t)]],
        "I8",
        () => `${name} began after ${Math.round(waited)} ms, not ${push.delayMs}`,
      );
    }
    // The delay began some time between the push and its answer.
    if (okAt === null) continue;
    const late = lateMs(its, okAt + push.delayMs, first);
    if (late > 0) its.broken("I8", `${name} began ${Math.round(late)} ms too late`);
  }
}

interface Occurrence {
  at: number;
  runs: Run[];
}

function judgeSchedule(its: Case, schedule: Case["rules"]["schedules"][number]): void {
  const byInstant = new Map<number, Run[]>();
  for (const run of its.runs) {
    const { scheduleId, scheduledFor } = run.start;
    if (scheduleId !== schedule.scheduleId || scheduledFor === undefined) continue;
    byInstant.set(scheduledFor, [...(byInstant.get(scheduledFor) ?? []), run]);
  }
  const instants = [...byInstant.keys()].sort((a, b) => a - b);
  for (const [at, runs] of byInstant) judgeOccurrence(its, schedule, { at, runs });
  const first = instants[0];
  const last = instants.at(-1);
  if (first === undefined || last === undefined) {
    its.broken("I7", `${schedule.scheduleId} never ran`);
    return;
  }
  for (let at = first; at < last; at += schedule.everyMs) {
    if (!byInstant.has(at)) judgeMissing(its, schedule, at);
  }
}

function judgeOccurrence(
  its: Case,
  { scheduleId, retries }: { scheduleId: string; retries: boolean },
  { at, runs }: Occurrence,
): void {
  const first = runs[0] as Run;
  const excuses = [["durability window", its.isForgettable(first.start.t)]] as const;
  const jobs = new Set(runs.map(({ start }) => start.jobId));
  if (jobs.size > 1) {
    its.unless(excuses, "I7", () => `${scheduleId}@${at} fired twice: ${storyOf(runs)}`);
  } else if (!retries && runs.length > 1) {
    its.unless(excuses, "I2", () => `${scheduleId}@${at} began twice: ${storyOf(runs)}`);
  }
  if (retries && !runs.some(({ end }) => end?.ok === true)) {
    its.unless(excuses, "I3", () => `${scheduleId}@${at} never ended well: ${storyOf(runs)}`);
  }
  const early = at - latestStoreClock(its, first.start.t);
  if (early > READ_MS) its.broken("I7", `${scheduleId}@${at} fired ${Math.round(early)} ms early`);
  const due = monotonicAt(its, at);
  if (due === null || its.jumped(due, first.start.t) || its.wasBeyond(at, due)) return;
  const late = lateMs(its, due, first.start);
  if (late > 0) its.broken("I7", `${scheduleId}@${at} began ${Math.round(late)} ms too late`);
}

/** How much later something began than it had to, ms; below 0: it did not. */
function lateMs(its: Case, due: number, start: Run["start"]): number {
  const trouble = its.troubleMs(due, start.t, [start.by]);
  // Its process may die before it begins: then it is as late as any job that is issued again.
  const again = start.attempt > 1 || its.someEnded(due, start.t) ? 2 * its.rules.leaseMs : 0;
  return start.t - due - trouble - again - its.rules.pollMs - SLACK_MS;
}

function judgeMissing(
  its: Case,
  { scheduleId, retries }: { scheduleId: string; retries: boolean },
  at: number,
): void {
  const when = monotonicAt(its, at);
  its.unless(
    [
      ["clock", when === null || its.wasBeyond(at, when)],
      ["durability window", when !== null && its.isForgettable(when)],
      ["durability window", when !== null && its.hadNoSchedules(when)],
      // Without retry, what was claimed by a process that died is not run: it has to be seen.
      ["interrupted", !retries && its.remains.has(`${scheduleId}@${at}`)],
    ],
    "I7",
    () => `${scheduleId}@${at} never fired`,
  );
}

/** The furthest that the store's clock can have been when something was seen to begin. */
function latestStoreClock(its: Case, t: number): number {
  const near = its.history.of("clock").filter((one) => one.t >= t - 3_000 && one.t <= t + 1_000);
  const samples = near.length > 0 ? near : its.history.of("clock");
  return Math.max(...samples.map((one) => t + one.storeMs - one.t));
}

/** When the store's clock showed an instant, without a jump on the way; null: it never did. */
function monotonicAt(its: Case, at: number): number | null {
  const samples = its.history.of("clock");
  for (const [n, sample] of samples.entries()) {
    const next = samples[n + 1];
    if (next === undefined || sample.storeMs > at || next.storeMs < at) continue;
    const isSteady = Math.abs(next.storeMs - sample.storeMs - (next.t - sample.t)) < 1_000;
    if (isSteady) return sample.t + at - sample.storeMs;
  }
  return null;
}
