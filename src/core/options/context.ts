/** What the checks of one call need to know about the scheduler it is made on. */
import type { StandardSchema } from "../standard-schema.js";

/** Validators by task id; null: the scheduler was made without them. */
export type TaskValidators = ReadonlyMap<string, StandardSchema> | null;

export interface TaskContext {
  /** With validators, only their tasks exist. */
  tasks?: TaskValidators;
}

export interface CallContext extends TaskContext {
  payloadLimitBytes: number;
}

export interface PushContext extends CallContext {
  /** The index of this item in a `pushMany`. */
  item?: number;
}

export interface RegisterContext extends CallContext {
  /** For schedules that do not say it themselves; 60 s by default. */
  misfireAfterMs?: number;
  /** For schedules that do not say it themselves; the zone of this process by default. */
  timezone?: string;
}
