/** What can go wrong with single schedules. */
import { SchedulerError } from "../core/errors.js";
import { quote } from "../core/show.js";

export function scheduleUnknown(scheduleId: string, call: string): SchedulerError {
  const message = `schedules.${call}(): there is no schedule ${quote(scheduleId)} in the store`;
  const fix = "schedules.list() shows those that are there; code writes its own at start()";
  return new SchedulerError("SCHEDULE_UNKNOWN", message, { fix, value: scheduleId });
}

export function scheduleInCode(scheduleId: string, call: string): SchedulerError {
  const message = `schedules.${call}(): a live scheduler has ${quote(scheduleId)} in its code`;
  const fix =
    call === "remove"
      ? "take register() out of the code, or pause() it meanwhile"
      : "change it in the code, or use another scheduleId";
  return new SchedulerError("SCHEDULE_IN_CODE", message, { fix, value: scheduleId });
}

export function functionElsewhere(scheduleId: string): SchedulerError {
  const message = `schedules.backfill(): the exclude of ${quote(scheduleId)} is a function`;
  const fix = "only a scheduler that registers it knows what it leaves out: call it there";
  return new SchedulerError("OPTION_CONFLICT", message, { fix, value: scheduleId });
}
