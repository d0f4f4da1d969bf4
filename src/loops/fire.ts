/** Turns due occurrences into jobs: plans by the stored definition, fires, tells the outcome. */
import { SchedulerError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import { decodeDefinition, type FirePlan, planFire } from "../core/schedule.js";
import type { DueSchedule, PushAnswer, Store } from "../store/contract.js";
import type { Registrations } from "./registrations.js";

export interface FireParts {
  store: Store;
  emitter: Emitter;
  registrations: Registrations;
  /** A job of this task is ready. */
  offer: (taskId: string) => void;
}

/** Fires all of `due` side by side; rejects with the first failure when all have ended. */
export async function fireStep(
  parts: FireParts,
  look: { schedules: readonly DueSchedule[]; now: number },
): Promise<void> {
  const fires = look.schedules.map((due) => fireOne(parts, due, look.now));
  for (const result of await Promise.allSettled(fires)) {
    if (result.status === "rejected") throw result.reason;
  }
}

async function fireOne(parts: FireParts, due: DueSchedule, now: number): Promise<void> {
  const { store, registrations, offer } = parts;
  const plan = planOf(parts, due, now);
  if (plan === null) return;
  const { taskId, scheduleId, revision, nextAt: seenAt } = due;
  const { nextAt, jobs } = plan;
  const answers = await store.fire({ taskId, scheduleId, revision, seenAt, nextAt, jobs });
  registrations.noteDecided(due, nextAt, now);
  if (answers === null) return; // somebody else was faster
  tellFired(parts.emitter, { due, plan, answers });
  if (answers.some((answer) => answer.created)) offer(taskId);
}

/** null: the definition makes no sense to this version; told once, then left to others. */
function planOf(parts: FireParts, due: DueSchedule, now: number): FirePlan | null {
  const { scheduleId, taskId, definition, nextAt: cursorAt } = due;
  try {
    return planFire(decodeDefinition(definition), { scheduleId, cursorAt, now });
  } catch (cause) {
    parts.registrations.exclude(scheduleId);
    const message = `schedule "${scheduleId}" of task "${taskId}" cannot be read`;
    const fix = "a newer version of the library may have written it: update this one";
    parts.emitter.emit("error", new SchedulerError("STORE_DAMAGED", message, { fix, cause }));
    return null;
  }
}

function tellFired(
  emitter: Emitter,
  fired: { due: DueSchedule; plan: FirePlan; answers: readonly PushAnswer[] },
): void {
  const { due, plan, answers } = fired;
  const schedule = { scheduleId: due.scheduleId, taskId: due.taskId };
  if (plan.missed > 0) {
    emitter.emit("schedule:missed", { ...schedule, count: plan.missed, firstAt: due.nextAt });
  }
  for (const [index, answer] of answers.entries()) {
    const occurrence = plan.jobs[index]?.occurrence;
    if (!occurrence) continue;
    const { scheduledFor, isCatchup, missedCount } = occurrence;
    if (answer.created) {
      const made = { jobId: answer.id, scheduledFor, isCatchup, missedCount };
      emitter.emit("schedule:fired", { ...schedule, ...made });
    } else {
      const reason = `there was a job "${answer.id}" before`;
      emitter.emit("schedule:skipped", { ...schedule, scheduledFor, reason });
    }
  }
}
