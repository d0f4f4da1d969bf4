/** A schedule as the database keeps it: its state, when to look at it, and its writing. */
import type { JobRules } from "../../../core/job.js";
import type { Offer } from "../../../core/schedule/in-force.js";
import type { Overlap } from "../../../core/schedule/overlap.js";
import type { DueSchedule, Pause } from "../../contract.js";
import type { Scope } from "../scope.js";
import { fromStored, toStored } from "../text.js";
import type { Registrants } from "./registrants.js";

export interface ScheduleRow {
  /** Never used again, not even for a schedule of the same id. */
  number: number;
  id: string;
  task: number;
  /** 1: made by code; 0: at run time. */
  code: number;
  definition: string;
  digest: string;
  payload: string;
  /** `JobRules` as JSON. */
  rules: string;
  overlap: Overlap;
  local: number;
  jitter_ms: number;
  generation: number;
  revision: number;
  next_at: number | null;
  decided_at: number;
  fired_count: number;
  /** `Pause` as JSON; null: it is not paused. */
  pause: string | null;
  /** `Offer[]` as JSON. */
  offers: string;
  registered_at: number;
  wake_at: number | null;
}

export const COLUMNS: string =
  "schedule.number, schedule.id, schedule.task, code, definition, digest, schedule.payload, " +
  "rules, overlap, local, jitter_ms, generation, revision, next_at, decided_at, fired_count, " +
  "pause, offers, registered_at, wake_at";

export function readSchedule({ tx, space }: Scope, scheduleId: string): ScheduleRow | null {
  const sql = `SELECT ${COLUMNS} FROM schedule WHERE space = ? AND id = ?`;
  return tx.get<ScheduleRow>(sql, space, toStored(scheduleId)) ?? null;
}

export function scheduleByNumber({ tx }: Scope, number: number): ScheduleRow | null {
  return tx.get<ScheduleRow>(`SELECT ${COLUMNS} FROM schedule WHERE number = ?`, number) ?? null;
}

export function pauseOf(row: ScheduleRow): Pause | null {
  return row.pause === null ? null : (JSON.parse(row.pause) as Pause);
}

export function offersOf(row: ScheduleRow): Offer[] {
  return JSON.parse(row.offers) as Offer[];
}

export function rulesOf(row: ScheduleRow): JobRules {
  return JSON.parse(row.rules) as JobRules;
}

/** True: it is paused at this instant; a pause that is over is a note for whoever decides next. */
export function isPaused(pause: Pause | null, now: number): boolean {
  return pause !== null && (pause.until === null || pause.until > now);
}

/** From when on somebody has to decide, epoch ms; null: nobody has to. */
export function wakeAtOf(row: ScheduleRow): number | null {
  if (row.next_at === null) return null;
  const dueAt = row.next_at + row.jitter_ms;
  const pause = pauseOf(row);
  if (pause === null) return dueAt;
  return pause.until === null ? null : Math.max(pause.until, dueAt);
}

/** Writes all but the definition. */
export function saveState({ tx }: Scope, row: ScheduleRow): void {
  row.wake_at = wakeAtOf(row);
  tx.run(
    `UPDATE schedule SET revision = ?, next_at = ?, decided_at = ?, fired_count = ?, pause = ?,
       offers = ?, registered_at = ?, wake_at = ? WHERE number = ?`,
    ...[row.revision, row.next_at, row.decided_at, row.fired_count, row.pause],
    ...[row.offers, row.registered_at, row.wake_at, row.number],
  );
}

/** Says when it has to be decided, so that somebody who can do it is there. */
export function noticeWake({ tx, space }: Scope, row: ScheduleRow): void {
  if (row.wake_at === null) return;
  const scheduleId = row.local === 1 ? fromStored(row.id) : null;
  tx.noticeSchedule({ space, task: row.task, scheduleId, wakeAt: row.wake_at });
}

/** As schedulers get it. */
export function dueScheduleOf(
  scope: Scope,
  row: ScheduleRow,
  registrants: Registrants,
): DueSchedule {
  return {
    scheduleId: fromStored(row.id),
    taskId: scope.tx.taskById(row.task).name,
    revision: row.revision,
    definition: fromStored(row.definition),
    digest: row.digest,
    nextAt: row.next_at,
    decidedAt: row.decided_at,
    firedCount: row.fired_count,
    paused: pauseOf(row),
    code: row.code === 1,
    registeredUntil: row.code === 1 ? registeredUntilOf(row, registrants) : null,
  };
}

/** Until when the definition in force is registered, as far as its sets are remembered. */
export function registeredUntilOf(row: ScheduleRow, registrants: Registrants): number {
  const offer = offersOf(row).find(({ digest }) => digest === row.digest);
  const ends = (offer?.sets ?? []).flatMap((set) => registrants.endOf(set) ?? []);
  return ends.length === 0 ? row.registered_at : Math.max(...ends, registrants.graceUntil);
}

/** True: a live scheduler has registered the definition in force. */
export function isRegistered(row: ScheduleRow, registrants: Registrants): boolean {
  const offer = offersOf(row).find(({ digest }) => digest === row.digest);
  return offer?.sets.some((set) => registrants.isLive(set)) ?? false;
}
