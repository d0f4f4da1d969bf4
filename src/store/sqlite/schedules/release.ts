/** Makes jobs of occurrences; those that waited follow when the last earlier job has ended. */
import type { PushAnswer } from "../../contract.js";
import { pushJob } from "../push.js";
import type { Scope } from "../scope.js";
import { fromStored, toStored } from "../text.js";
import { type Arrival, takeBuffered } from "./buffer.js";
import { addFired } from "./ledger.js";
import { rulesOf, type ScheduleRow, scheduleByNumber } from "./row.js";

/** Some job of the schedule has not ended, as far as they are tracked. */
export function hasOpen({ tx }: Scope, schedule: number): boolean {
  return (
    tx.get("SELECT 1 FROM job INDEXED BY job_open WHERE schedule = ? LIMIT 1", schedule) != null
  );
}

/** A job by the definition in force, noted in the ledger unless its id was known before. */
export function makeJob(
  scope: Scope,
  row: ScheduleRow,
  { arrival, isTracked }: { arrival: Arrival; isTracked: boolean },
): PushAnswer {
  const { scheduledFor, isCatchup, missedCount, how, jobId } = arrival;
  const scheduleId = fromStored(row.id);
  const job = {
    taskId: scope.tx.taskById(row.task).name,
    id: jobId,
    payload: fromStored(row.payload),
    due: null,
    rules: rulesOf(row),
    occurrence: { scheduleId, scheduledFor, isCatchup, missedCount, isTracked },
  };
  const answer = pushJob(scope, job, isTracked ? row.number : null);
  if (answer.created) addFired(scope, row.number, { scheduledFor, how, jobId: answer.id });
  return answer;
}

/** A tracked job of this schedule has ended; its row says so already. */
export function releaseNext(scope: Scope, schedule: number): void {
  if (hasOpen(scope, schedule)) return;
  const row = scheduleByNumber(scope, schedule);
  if (row === null) return;
  for (;;) {
    const arrival = takeBuffered(scope, schedule);
    if (arrival === null) return;
    // tracked whatever the policy is now: its own end lets the next one follow
    if (makeJob(scope, row, { arrival, isTracked: true }).created) return;
  }
}

/** The number of the schedule that a job issued again belongs to; null: none that counts it. */
export function trackingSchedule(
  { tx, space }: Scope,
  job: { task: number; scheduleId: string },
): number | null {
  const row = tx.get<{ number: number; task: number }>(
    "SELECT number, task FROM schedule WHERE space = ? AND id = ?",
    ...[space, toStored(job.scheduleId)],
  );
  return row !== undefined && row.task === job.task ? row.number : null;
}
