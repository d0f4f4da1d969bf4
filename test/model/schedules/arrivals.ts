/** Takes occurrences through the overlap policy of their schedule, and makes jobs of them. */
import type { KeepRules } from "../../../src/core/keep.js";
import type { PassReason } from "../../../src/core/schedule/outcome.js";
import { isTracked, type Overlap, overlapStep } from "../../../src/core/schedule/overlap.js";
import type { FireOutcome, PushAnswer } from "../../../src/store/contract.js";
import { cancelJob } from "../end.js";
import { pushJob } from "../push.js";
import { type Scope, taskOf } from "../scope.js";
import type { Arrival, Job, Schedule } from "../state.js";
import { addFired, addPassed } from "./ledger.js";

export interface Policy {
  /** null: the schedule's own. */
  overlap: Overlap | null;
  keep: KeepRules;
}

export function arrive(
  scope: Scope,
  schedule: Schedule,
  { arrival, policy }: { arrival: Arrival; policy: Policy },
): FireOutcome {
  const overlap = policy.overlap ?? schedule.overlap;
  const tracked = isTracked(overlap) || isTracked(schedule.overlap);
  const [open, buffered] = [schedule.open.length, schedule.buffered.length];
  const step = overlapStep(overlap, { open, buffered });
  switch (step.kind) {
    case "fire":
      return { kind: "fired", job: makeJob(scope, schedule, { arrival, tracked }) };
    case "buffer":
      schedule.buffered.push(arrival);
      return { kind: "buffered" };
    case "skip": {
      const at = arrival.scheduledFor;
      addPassed(scope, schedule, { reason: step.reason, from: at, to: at, count: 1 });
      return { kind: "skipped", reason: step.reason };
    }
    case "replace": {
      passBuffered(scope, schedule, "replaced");
      for (const job of openJobs(scope, schedule)) {
        cancelJob(scope, { task: taskOf(scope, job.taskId), job, keep: policy.keep });
      }
      if (schedule.open.length === 0) {
        return { kind: "fired", job: makeJob(scope, schedule, { arrival, tracked }) };
      }
      schedule.buffered.push(arrival);
      return { kind: "buffered" };
    }
  }
}

/** A job by the definition in force, noted in the ledger unless its id was known before. */
function makeJob(
  scope: Scope,
  schedule: Schedule,
  { arrival, tracked }: { arrival: Arrival; tracked: boolean },
): PushAnswer {
  const { taskId, payload, rules, id: scheduleId } = schedule;
  const { scheduledFor, isCatchup, missedCount, how, jobId } = arrival;
  const occurrence = { scheduleId, scheduledFor, isCatchup, missedCount, isTracked: tracked };
  const job = { taskId, id: jobId, payload, due: null, rules, occurrence };
  const answer = pushJob(scope, job, tracked ? schedule.number : null);
  if (!answer.created) return answer;
  const number = scope.state.lastNumber;
  if (tracked) schedule.open.push(number);
  addFired(scope, schedule, { scheduledFor, how, jobId: answer.id });
  if (how === "due" || how === "catchup") schedule.everFired.push(scheduledFor);
  return answer;
}

/** When no tracked job of this schedule is left, the first that waited becomes one. */
export function releaseNext(scope: Scope, schedule: Schedule): void {
  while (schedule.open.length === 0) {
    const arrival = schedule.buffered.shift();
    if (arrival === undefined) return;
    // tracked whatever the policy is now: its own end lets the next one follow
    if (makeJob(scope, schedule, { arrival, tracked: true }).created) return;
  }
}

export function openJobs(scope: Scope, { taskId, open }: Schedule): Job[] {
  const task = taskOf(scope, taskId);
  return open.flatMap((number) => task.jobs.get(number) ?? []);
}

/** Its jobs go on without it. */
export function leaveJobs(scope: Scope, schedule: Schedule): void {
  for (const job of openJobs(scope, schedule)) job.schedule = null;
  schedule.open = [];
}

/** None of those that wait becomes a job. */
export function passBuffered(scope: Scope, schedule: Schedule, reason: PassReason): void {
  for (const { scheduledFor: at } of schedule.buffered) {
    addPassed(scope, schedule, { reason, from: at, to: at, count: 1 });
  }
  schedule.buffered = [];
}
