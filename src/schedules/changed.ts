/**
 * How a schedule stands after it was changed. The change is done, whatever becomes of that
 * question: what is told must not be taken for a change that was not made.
 */
import { SchedulerError } from "../core/errors.js";
import { quote } from "../core/show.js";
import type { SchedulesParts } from "../schedules.js";
import type { ScheduleDetail } from "../store/contract.js";
import type { ScheduleInfo } from "../types.js";
import { infoOf } from "./info.js";

/** Somebody may be moving it to a task of another shard: that takes some ms. */
const AGAIN_MS = 400;

export async function changedInfo(
  { store, sleep }: Pick<SchedulesParts, "store" | "sleep">,
  { scheduleId, call }: { scheduleId: string; call: string },
): Promise<ScheduleInfo> {
  const ask = async (): Promise<ScheduleDetail | null> => {
    try {
      return await store.schedule({ scheduleId });
    } catch (cause) {
      const message = `schedules.${call}(): done, but how ${quote(scheduleId)} stands is unknown`;
      const fix = "schedules.get() tells when the store answers; the same call again does no harm";
      throw new SchedulerError("STORE_NO_ANSWER", message, { fix, value: scheduleId, cause });
    }
  };
  let detail = await ask();
  if (detail === null) {
    await sleep(AGAIN_MS);
    detail = await ask();
  }
  if (detail !== null) return infoOf(detail, detail.now);
  const message = `schedules.${call}(): done, but ${quote(scheduleId)} was removed just after it`;
  const fix = "somebody else removes it, or moves it: schedules.list() shows those that are there";
  throw new SchedulerError("SCHEDULE_UNKNOWN", message, { fix, value: scheduleId });
}
