/** fire and trigger: occurrences become jobs, wait, or are noted as passed. */
import type {
  Fire,
  FireAnswer,
  FireArgs,
  FireOutcome,
  TriggerAnswer,
  TriggerArgs,
} from "../../../src/store/contract.js";
import { knownJob } from "../push.js";
import { type Scope, taskOf } from "../scope.js";
import type { Arrival, Schedule } from "../state.js";
import { arrive } from "./arrivals.js";
import { addPassed } from "./ledger.js";
import { holdEnd, isPaused, noticeWake } from "./row.js";

const MOST_FIRES = 100;

/** What one call may make; the first fire that makes anything always has room. */
const MOST_JOBS = 50;
const MOST_BYTES = 4 * 1024 * 1024;

export function fire(scope: Scope, { taskId, fires, keep }: FireArgs): FireAnswer[] {
  const made = { jobs: 0, bytes: 0 };
  let isFull = false;
  return fires.map((one, n) => {
    const schedule = scope.state.schedules.get(one.scheduleId);
    if (isFull || n >= MOST_FIRES || schedule?.taskId !== taskId) return null;
    if (!isAsSeen(scope, schedule, one)) return null;
    const jobs = one.decisions.filter(({ kind }) => kind === "fire").length;
    const bytes = jobs * Buffer.byteLength(schedule.payload);
    isFull = made.jobs > 0 && (made.jobs + jobs > MOST_JOBS || made.bytes + bytes > MOST_BYTES);
    if (isFull) return null;
    made.jobs += jobs;
    made.bytes += bytes;
    return { outcomes: fireOne(scope, schedule, { one, keep }) };
  });
}

function isAsSeen(scope: Scope, schedule: Schedule, one: Fire): boolean {
  const { now } = scope;
  if (schedule.revision !== one.revision || schedule.nextAt !== one.seenAt) return false;
  if (holdEnd(scope) > now) return false;
  if (isPaused(schedule.pause, now) && !onlyPasses(one)) return false;
  return one.seenAt === null || one.seenAt + schedule.jitterMs <= now;
}

/** What is given up can be noted during a pause, too: before the definition is changed. */
function onlyPasses({ decisions }: Fire): boolean {
  return decisions.length > 0 && decisions.every(({ kind }) => kind === "pass");
}

function fireOne(
  scope: Scope,
  schedule: Schedule,
  { one, keep }: { one: Fire; keep: FireArgs["keep"] },
): FireOutcome[] {
  const outcomes = one.decisions.map((decision): FireOutcome => {
    if (decision.kind === "pass") {
      addPassed(scope, schedule, decision);
      return { kind: "passed" };
    }
    const { scheduledFor, isCatchup, missedCount } = decision;
    // it was decided before, by somebody whose cursor was lost since
    if (scheduledFor <= schedule.decidedAt) return { kind: "passed" };
    const how = isCatchup ? "catchup" : "due";
    const arrival: Arrival = { scheduledFor, isCatchup, missedCount, how, jobId: null };
    return arrive(scope, schedule, { arrival, policy: { overlap: null, keep } });
  });
  const instants = one.decisions.map((each) =>
    each.kind === "fire" ? each.scheduledFor : each.to,
  );
  schedule.decidedAt = Math.max(schedule.decidedAt, one.seenAt ?? 0, ...instants);
  schedule.nextAt = one.nextAt;
  const isCounted = ({ kind }: FireOutcome) => kind === "fired" || kind === "buffered";
  schedule.firedCount += outcomes.filter(isCounted).length;
  if (!isPaused(schedule.pause, scope.now)) schedule.pause = null;
  // whoever decides what was due looks again itself; nobody knew of a cursor that was lost
  if (one.seenAt === null) noticeWake(scope, schedule);
  return outcomes;
}

export function trigger(scope: Scope, args: TriggerArgs): TriggerAnswer | null {
  const schedule = scope.state.schedules.get(args.scheduleId);
  if (schedule === undefined) return null;
  const outcomes = arrivalsOf(args, scope.now).map((arrival) => ({
    scheduledFor: arrival.scheduledFor,
    outcome: triggerOne(scope, schedule, { arrival, args }),
  }));
  // what is filled in behind the cursor is decided, wherever a clock that goes back puts that
  const nextAt = schedule.nextAt ?? Number.POSITIVE_INFINITY;
  const behind = (args.instants ?? []).filter((at) => at < nextAt);
  schedule.decidedAt = Math.max(schedule.decidedAt, ...behind);
  return { taskId: schedule.taskId, outcomes };
}

function arrivalsOf({ scheduleId, instants }: TriggerArgs, now: number): Arrival[] {
  const beside = { missedCount: 0 };
  if (instants === null) {
    return [{ ...beside, scheduledFor: now, isCatchup: false, how: "trigger", jobId: null }];
  }
  return instants.map((at) => ({
    ...{ ...beside, scheduledFor: at, isCatchup: true, how: "backfill" },
    jobId: `${scheduleId}@${at}`,
  }));
}

/** Who asks for the same instant again finds what the first call made of it. */
function triggerOne(
  scope: Scope,
  schedule: Schedule,
  { arrival, args }: { arrival: Arrival; args: TriggerArgs },
): FireOutcome {
  const { jobId } = arrival;
  if (jobId !== null) {
    const job = knownJob(scope, taskOf(scope, schedule.taskId), jobId);
    if (job !== null) return { kind: "fired", job };
    if (schedule.buffered.some((each) => each.jobId === jobId)) return { kind: "buffered" };
  }
  return arrive(scope, schedule, { arrival, policy: args });
}
