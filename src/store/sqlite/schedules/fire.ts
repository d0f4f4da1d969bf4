/** fire and trigger: occurrences become jobs, wait, or are noted as passed. */
import type { Decision } from "../../../core/schedule/outcome.js";
import type {
  Fire,
  FireAnswer,
  FireArgs,
  FireOutcome,
  TriggerAnswer,
  TriggerArgs,
} from "../../contract.js";
import { knownJob } from "../push.js";
import type { Scope } from "../scope.js";
import { type Arrival, isBuffered } from "./buffer.js";
import { isHeld } from "./hold.js";
import { addPassed } from "./ledger.js";
import { Arrivals } from "./overlap.js";
import { isPaused, noticeWake, pauseOf, readSchedule, type ScheduleRow, saveState } from "./row.js";

const MOST_FIRES = 100;
const MOST_JOBS = 50;

/** What one call may still make; the first fire always has room. */
interface Room {
  jobs: number;
  bytes: number;
  isUntouched: boolean;
}

export function fire(scope: Scope, { taskId, fires, keep }: FireArgs): FireAnswer[] {
  const room: Room = { jobs: MOST_JOBS, bytes: 4 * 1024 * 1024, isUntouched: true };
  let isFull = false;
  return fires.map((one, n) => {
    if (isFull || n >= MOST_FIRES) return null;
    const row = readSchedule(scope, one.scheduleId);
    if (row === null || scope.tx.taskById(row.task).name !== taskId) return null;
    if (!isAsSeen(scope, row, one)) return null;
    isFull = !takeRoom(room, row, one.decisions);
    return isFull ? null : { outcomes: fireOne(scope, row, { one, keep }) };
  });
}

function isAsSeen(scope: Scope, row: ScheduleRow, one: Fire): boolean {
  const { now } = scope;
  if (row.revision !== one.revision || row.next_at !== one.seenAt) return false;
  if (isHeld(scope) || (isPaused(pauseOf(row), now) && !onlyPasses(one))) return false;
  return one.seenAt === null || one.seenAt + row.jitter_ms <= now;
}

/** What is given up can be noted during a pause, too: before the definition is changed. */
function onlyPasses({ decisions }: Fire): boolean {
  return decisions.length > 0 && decisions.every(({ kind }) => kind === "pass");
}

/** False: it does not fit; all that comes after it has to wait, too. */
function takeRoom(room: Room, row: ScheduleRow, decisions: readonly Decision[]): boolean {
  const jobs = decisions.filter(({ kind }) => kind === "fire").length;
  const bytes = jobs * Buffer.byteLength(row.payload);
  if (!room.isUntouched && (jobs > room.jobs || bytes > room.bytes)) return false;
  room.jobs -= jobs;
  room.bytes -= bytes;
  if (jobs > 0) room.isUntouched = false;
  return true;
}

function fireOne(
  scope: Scope,
  row: ScheduleRow,
  { one, keep }: { one: Fire; keep: FireArgs["keep"] },
): FireOutcome[] {
  const arrivals = new Arrivals(scope, row, { overlap: null, keep });
  const outcomes = one.decisions.map((decision): FireOutcome => {
    if (decision.kind === "pass") {
      addPassed(scope, row.number, decision);
      return { kind: "passed" };
    }
    // it was decided before, by somebody whose cursor was lost since
    if (decision.scheduledFor <= row.decided_at) return { kind: "passed" };
    const { scheduledFor, isCatchup, missedCount } = decision;
    const how = isCatchup ? "catchup" : "due";
    return arrivals.take({ scheduledFor, isCatchup, missedCount, how, jobId: null });
  });
  const instants = one.decisions.map((each) =>
    each.kind === "fire" ? each.scheduledFor : each.to,
  );
  row.decided_at = Math.max(row.decided_at, one.seenAt ?? 0, ...instants);
  row.next_at = one.nextAt;
  const isCounted = ({ kind }: FireOutcome) => kind === "fired" || kind === "buffered";
  row.fired_count += outcomes.filter(isCounted).length;
  if (!isPaused(pauseOf(row), scope.now)) row.pause = null;
  saveState(scope, row);
  // whoever decides what was due looks again itself; nobody knew of a cursor that was lost
  if (one.seenAt === null) noticeWake(scope, row);
  return outcomes;
}

export function trigger(scope: Scope, args: TriggerArgs): TriggerAnswer | null {
  const row = readSchedule(scope, args.scheduleId);
  if (row === null) return null;
  const arrivals = new Arrivals(scope, row, args);
  const outcomes = arrivalsOf(args, scope.now).map((arrival) => ({
    scheduledFor: arrival.scheduledFor,
    outcome: triggerOne(scope, row, { arrivals, arrival }),
  }));
  noteDecided(scope, row, args.instants ?? []);
  return { taskId: scope.tx.taskById(row.task).name, outcomes };
}

/**
 * What was filled in behind the cursor is decided, also when a clock that goes back puts the cursor
 * of another definition before it.
 */
function noteDecided(scope: Scope, row: ScheduleRow, instants: readonly number[]): void {
  const nextAt = row.next_at ?? Number.POSITIVE_INFINITY;
  const decidedAt = Math.max(row.decided_at, ...instants.filter((at) => at < nextAt));
  if (decidedAt === row.decided_at) return;
  row.decided_at = decidedAt;
  saveState(scope, row);
}

function arrivalsOf({ scheduleId, instants }: TriggerArgs, now: number): Arrival[] {
  if (instants === null) {
    return [{ scheduledFor: now, isCatchup: false, missedCount: 0, how: "trigger", jobId: null }];
  }
  return instants.map((at) => ({
    scheduledFor: at,
    isCatchup: true,
    missedCount: 0,
    how: "backfill",
    jobId: `${scheduleId}@${at}`,
  }));
}

/** Who asks for the same instant again finds what the first call made of it. */
function triggerOne(
  scope: Scope,
  row: ScheduleRow,
  { arrivals, arrival }: { arrivals: Arrivals; arrival: Arrival },
): FireOutcome {
  const { jobId } = arrival;
  if (jobId !== null) {
    const job = knownJob(scope, scope.tx.taskById(row.task), jobId);
    if (job !== null) return { kind: "fired", job };
    if (isBuffered(scope, row.number, jobId)) return { kind: "buffered" };
  }
  return arrivals.take(arrival);
}
