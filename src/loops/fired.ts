/** Tells what became of occurrences. */
import type { Emitter } from "../core/events.js";
import type { Decision, FirePlan, Passing } from "../core/schedule.js";
import { outcomeOf } from "../core/schedule.js";
import type { DueSchedule, FireOutcome } from "../store/contract.js";

interface ScheduleRef {
  scheduleId: string;
  taskId: string;
}

/** True: a job is ready. */
export function tellFired(
  emitter: Emitter,
  fired: { due: DueSchedule; plan: FirePlan; outcomes: readonly FireOutcome[] },
): boolean {
  const { due, plan, outcomes } = fired;
  const schedule = { scheduleId: due.scheduleId, taskId: due.taskId };
  let isReady = false;
  plan.decisions.forEach((decision, k) => {
    const outcome = outcomes[k];
    if (outcome === undefined) return;
    isReady ||= outcome.kind === "fired" && outcome.job.created;
    tellOne(emitter, schedule, { decision, outcome });
  });
  return isReady;
}

function tellOne(
  emitter: Emitter,
  schedule: ScheduleRef,
  { decision, outcome }: { decision: Decision; outcome: FireOutcome },
): void {
  if (decision.kind === "pass") {
    tellPassed(emitter, schedule, decision);
    return;
  }
  const { scheduledFor, isCatchup, missedCount } = decision;
  if (outcome.kind === "fired") {
    const made = { jobId: outcome.job.id, scheduledFor, isCatchup, missedCount };
    emitter.emit("schedule:fired", { ...schedule, ...made });
  } else if (outcome.kind === "skipped") {
    const { reason } = outcome;
    emitter.emit("schedule:skipped", {
      ...schedule,
      scheduledFor,
      lastAt: scheduledFor,
      count: 1,
      reason,
    });
  }
}

function tellPassed(emitter: Emitter, schedule: ScheduleRef, passing: Passing): void {
  const { reason, count, from, to } = passing;
  if (outcomeOf(reason) === "missed") {
    emitter.emit("schedule:missed", { ...schedule, count, firstAt: from, lastAt: to });
  } else {
    const row = { scheduledFor: from, lastAt: to, count, reason };
    emitter.emit("schedule:skipped", { ...schedule, ...row });
  }
}
