/** Removes and triggers schedules. */
import type { Overlap } from "../core/schedule.js";
import type { SchedulesParts } from "../schedules.js";
import type { TriggerResult } from "../types.js";
import { scheduleInCode, scheduleUnknown } from "./errors.js";

/** False: there was none. */
export async function removeSchedule(
  { store }: SchedulesParts,
  scheduleId: string,
): Promise<boolean> {
  const answer = await store.remove({ scheduleId, revision: null });
  if (answer === "live") throw scheduleInCode(scheduleId, "remove");
  return answer === "removed";
}

export async function triggerSchedule(
  { store, keep }: SchedulesParts,
  { scheduleId, overlap }: { scheduleId: string; overlap: Overlap | null },
): Promise<TriggerResult> {
  const answer = await store.trigger({ scheduleId, instants: null, overlap, keep });
  const outcome = answer?.outcomes[0]?.outcome;
  if (outcome === undefined) throw scheduleUnknown(scheduleId, "trigger");
  if (outcome.kind === "fired") return { outcome: "fired", jobId: outcome.job.id };
  if (outcome.kind === "buffered") return { outcome: "waiting" };
  return { outcome: "skipped", reason: outcome.kind === "skipped" ? outcome.reason : "overlap" };
}
