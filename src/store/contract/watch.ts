/** What `look`, `renew` and `reap` take and answer. */

import type { DeadReason, EndState, JobCounts } from "../../core/job.js";
import type { KeepRules } from "../../core/keep.js";

export interface LookArgs {
  /** The bound tasks that have a free slot. */
  taskIds: readonly string[];
  /** The schedules that this scheduler can fire. */
  scheduleIds: readonly string[];
  /** The longest sleep, ms. */
  sleepMs: number;
}

export interface Look {
  /** Tasks of `taskIds` that have something ready or due. */
  taskIds: string[];
  /** Schedules of `scheduleIds` that are due, at most 100. */
  schedules: DueSchedule[];
  /**
   * Leases of any task that may be reaped, at most 20: they have ended, and had their whole length
   * again since the last outage or clock jump.
   */
  expired: LeaseRef[];
  /**
   * How long this scheduler may sleep, ms; 0 when there is something to do. While leases stand,
   * somebody is told to look at least every third of the shortest one.
   */
  waitMs: number;
  /** The store's clock, epoch ms. */
  now: number;
}

export interface DueSchedule {
  scheduleId: string;
  taskId: string;
  /** Rises with each change of the definition. */
  revision: number;
  /** As registered. */
  definition: string;
  /** The cursor: the next occurrence that has not been decided, epoch ms. */
  nextAt: number;
}

/** A lease; the task tells a sharded store where it lives. */
export interface LeaseRef {
  fence: string;
  taskId: string;
}

export interface RenewArgs {
  leases: readonly LeaseRef[];
  /** What handlers said about how far they are: JSON text, replaced by each renewal. */
  progress: readonly { taskId: string; number: string; value: string }[];
}

export interface Renewed {
  lost: LeaseRef[];
  /** Jobs under these leases that somebody cancelled. */
  cancelled: { fence: string; taskId: string; number: string }[];
}

export interface ReapArgs {
  leases: readonly LeaseRef[];
  /** 0 to 1: spreads the waits of crashed jobs. */
  random: number;
  keep: KeepRules;
}

export interface Reaped {
  taskId: string;
  fence: string;
  number: string;
  id: string;
  state: "scheduled" | "ready" | EndState;
  reason: DeadReason | null;
  /** When it is issued again, epoch ms; null: at once, or never. */
  dueAt: number | null;
  counts: JobCounts;
}
