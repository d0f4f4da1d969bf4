/** What `look`, `renew` and `reap` take and answer. */

import type { DeadReason, EndState, JobCounts } from "../../core/job.js";
import type { KeepRules } from "../../core/keep.js";
import type { DueSchedule, Registration } from "./schedules.js";

export interface LookArgs {
  /** The bound tasks that have a free slot. */
  taskIds: readonly string[];
  /** Whose schedules this scheduler can fire. */
  fireable: Fireable;
  /** What this scheduler has registered: it counts as alive from now on; null: nothing. */
  registration: Registration | null;
  /** The longest sleep, ms. */
  sleepMs: number;
  /** Of a store with several shards: the one that is looked at, to which `taskIds` belong. */
  shard?: number;
}

export interface Fireable {
  /** All schedules of these tasks, but for local ones. */
  taskIds: readonly string[];
  /** Local schedules: those with a function that this scheduler has. */
  scheduleIds: readonly string[];
}

export interface Look {
  /** Tasks of `taskIds` that have something ready or due. */
  taskIds: string[];
  /** Fireable schedules that are due, at most 100. */
  schedules: DueSchedule[];
  /** True: no other is due. False: there may be more, or all of them are held (see `open`). */
  complete: boolean;
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
  /**
   * The task of which something is due at the end of `waitMs`: it can be claimed then, without a
   * look before. null: the sleep ends for another reason.
   */
  nextTaskId: string | null;
  /**
   * Rises when the registration of some set lapses or comes back: who registers schedules has to
   * register them again, since another definition may be in force now.
   */
  registrations: number;
  /** True: schedules are missing from the index: `tend`, urgently. */
  repair: boolean;
  /** The store's clock, epoch ms. */
  now: number;
}

/** A lease. */
export interface LeaseRef {
  fence: string;
  taskId: string;
  /** Where a sharded store has it; absent: the home of its task. */
  shard?: number;
}

export interface RenewRef extends LeaseRef {
  /** Of a lease that was handed over and is not confirmed yet: its length from now on, ms. */
  confirmMs?: number;
}

export interface RenewArgs {
  leases: readonly RenewRef[];
  /** What handlers said about how far they are: JSON text, replaced by each renewal. */
  progress: readonly {
    taskId: string;
    number: string;
    value: string;
    /** Its lease; absent: it is looked for among all of them. */
    fence?: string;
    /** Where that is. */
    shard?: number;
  }[];
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
