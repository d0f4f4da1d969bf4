/** A start that comes while a stop is under way, or is ended by one. */
import { SchedulerError } from "./core/errors.js";

export function stillStopping(): SchedulerError {
  const fix = "await stop() first";
  return new SchedulerError("RUNNING", "start(): the scheduler is still stopping", { fix });
}

/** True when a start ended because of a stop, which is nobody's error. */
export function wasStopped(error: unknown): boolean {
  return error instanceof SchedulerError && error.code === "STORE_CLOSED";
}
