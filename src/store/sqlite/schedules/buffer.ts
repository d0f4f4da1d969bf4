/** Occurrences that wait until the earlier jobs of their schedule have ended, in order. */
import type { FiredHow } from "../../../core/schedule/ledger.js";
import type { PassReason } from "../../../core/schedule/outcome.js";
import type { Scope } from "../scope.js";
import { fromStoredOrNull, toStored, toStoredOrNull } from "../text.js";
import { addPassed } from "./ledger.js";

/** What is needed to make a job of an occurrence, but for the definition. */
export interface Arrival {
  scheduledFor: number;
  isCatchup: boolean;
  missedCount: number;
  how: FiredHow;
  /** The id of its job; null: assigned. */
  jobId: string | null;
}

export function countBuffered({ tx }: Scope, schedule: number): number {
  const sql = "SELECT count(*) AS n FROM buffered WHERE schedule = ?";
  return tx.get<{ n: number }>(sql, schedule)?.n ?? 0;
}

export function isBuffered({ tx }: Scope, schedule: number, jobId: string): boolean {
  const sql = "SELECT 1 FROM buffered WHERE schedule = ? AND job_id = ? LIMIT 1";
  return tx.get(sql, schedule, toStored(jobId)) !== undefined;
}

export function addBuffered({ tx }: Scope, schedule: number, arrival: Arrival): void {
  tx.run(
    `INSERT INTO buffered (schedule, scheduled_for, catchup, missed, how, job_id)
     VALUES (?, ?, ?, ?, ?, ?)`,
    ...[schedule, arrival.scheduledFor, arrival.isCatchup ? 1 : 0, arrival.missedCount],
    ...[arrival.how, toStoredOrNull(arrival.jobId)],
  );
}

/** Takes out the one that has waited longest; null: none waits. */
export function takeBuffered({ tx }: Scope, schedule: number): Arrival | null {
  const row = tx.get<{
    place: number;
    scheduled_for: number;
    catchup: number;
    missed: number;
    how: FiredHow;
    job_id: string | null;
  }>(
    `SELECT place, scheduled_for, catchup, missed, how, job_id FROM buffered
     WHERE schedule = ? ORDER BY place LIMIT 1`,
    schedule,
  );
  if (row === undefined) return null;
  tx.run("DELETE FROM buffered WHERE place = ?", row.place);
  return {
    scheduledFor: row.scheduled_for,
    isCatchup: row.catchup === 1,
    missedCount: row.missed,
    how: row.how,
    jobId: fromStoredOrNull(row.job_id),
  };
}

/** The instants that wait, in their order. */
export function bufferedInstants({ tx }: Scope, schedule: number): number[] {
  const sql = "SELECT scheduled_for AS at FROM buffered WHERE schedule = ? ORDER BY place";
  return tx.all<{ at: number }>(sql, schedule).map(({ at }) => at);
}

/** None of those that wait becomes a job. */
export function passBuffered(scope: Scope, schedule: number, reason: PassReason): void {
  for (const at of bufferedInstants(scope, schedule)) {
    addPassed(scope, schedule, { reason, from: at, to: at, count: 1 });
  }
  forgetBuffered(scope, schedule);
}

export function forgetBuffered({ tx }: Scope, schedule: number): void {
  tx.run("DELETE FROM buffered WHERE schedule = ?", schedule);
}
