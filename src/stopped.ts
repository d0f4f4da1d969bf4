/** What comes at the wrong time: while the scheduler runs, or while it stops. */
import { SchedulerError } from "./core/errors.js";
import { show } from "./core/show.js";

/** `taskId`: as it was given, unchecked. */
export function isRunning(verb: "bind" | "register", taskId: unknown): SchedulerError {
  const what = "what is bound and registered is fixed while the scheduler runs";
  const fix = "stop() first, or do it before start()";
  return new SchedulerError("RUNNING", `${verb}(${show(taskId)}): ${what}`, { fix });
}

export function stillStopping(): SchedulerError {
  const fix = "await stop() first";
  return new SchedulerError("RUNNING", "start(): the scheduler is still stopping", { fix });
}

/** True when a start ended because of a stop, which is nobody's error. */
export function wasStopped(error: unknown): boolean {
  return error instanceof SchedulerError && error.code === "STORE_CLOSED";
}
