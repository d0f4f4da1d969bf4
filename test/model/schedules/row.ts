/** A schedule as the steps of the model see it: when it has to be decided, and by whom. */
import type { DueSchedule, Pause } from "../../../src/store/contract.js";
import type { Scope } from "../scope.js";
import type { Schedule } from "../state.js";
import { endOf, isLive } from "./registrants.js";

const HOLD_MS = 5_000;

/** True: it is paused at this instant; a pause that is over is a note for whoever decides next. */
export function isPaused(pause: Pause | null, now: number): boolean {
  return pause !== null && (pause.until === null || pause.until > now);
}

/** From when on somebody has to decide, epoch ms; null: nobody has to. */
export function wakeAtOf({ nextAt, jitterMs, pause }: Schedule): number | null {
  if (nextAt === null) return null;
  if (pause === null) return nextAt + jitterMs;
  return pause.until === null ? null : Math.max(pause.until, nextAt + jitterMs);
}

/** Somebody who can fire it has to know its moment. */
export function noticeWake(scope: Scope, schedule: Schedule): void {
  const wakeAt = wakeAtOf(schedule);
  if (wakeAt === null) return;
  const scheduleId = schedule.local ? schedule.id : null;
  scope.scheduleNotices.push({ taskId: schedule.taskId, scheduleId, wakeAt });
}

/** As schedulers get it. */
export function dueScheduleOf(scope: Scope, schedule: Schedule): DueSchedule {
  const { id: scheduleId, taskId, revision, definition, digest, nextAt, code } = schedule;
  const { decidedAt, firedCount, pause } = schedule;
  return {
    ...{ scheduleId, taskId, revision, definition, digest, nextAt, decidedAt, firedCount, code },
    paused: pause === null ? null : { ...pause },
    registeredUntil: code ? registeredUntilOf(scope, schedule) : null,
  };
}

/** Until when the definition in force is registered, as far as its sets are remembered. */
export function registeredUntilOf(scope: Scope, schedule: Schedule): number {
  const ends = setsInForce(schedule).flatMap((set) => endOf(scope, set) ?? []);
  if (ends.length === 0) return schedule.registeredAt;
  return Math.max(...ends, scope.state.setsGraceUntil);
}

/** True: a live scheduler has registered the definition in force. */
export function isRegistered(scope: Scope, schedule: Schedule): boolean {
  return setsInForce(schedule).some((set) => isLive(scope, set));
}

function setsInForce({ offers, digest }: Schedule): string[] {
  return offers.find((offer) => offer.digest === digest)?.sets ?? [];
}

/** Who knew other data than these has come; the first to do so keeps all schedules from firing. */
export function holdFor({ state, now }: Scope, dataKey: string): void {
  if (state.holdKey === dataKey) return;
  state.holdKey = dataKey;
  state.holdUntil = now + HOLD_MS;
}

/** Until when nothing fires; one further away is from before the clock went back. */
export function holdEnd({ state, now }: Scope): number {
  return state.holdUntil > now + HOLD_MS ? 0 : state.holdUntil;
}
