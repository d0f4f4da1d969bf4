/** What `work` takes and answers: settles and claims. */

import type { DeadReason, JobCounts, JobRules, JobState, Occurrence } from "../../core/job.js";
import type { KeepRules } from "../../core/keep.js";

export interface WorkArgs {
  settles: readonly Settle[];
  /** The tasks to claim of, each with the most jobs wanted; fairness is the order. */
  claims: readonly Claim[];
  /**
   * True when the caller runs nothing and has no other claim under way: it may be given a job that
   * must run alone.
   */
  idle: boolean;
  /**
   * True when the caller ran nothing and had no call under way as it sent this one: it is chosen
   * for a job that must run alone at once, also while it rests or somebody else is chosen.
   */
  free?: boolean;
  leaseMs: number;
  keep: KeepRules;
  /** Of a store with several shards: the one that all of it is about. */
  shard?: number;
}

export interface Claim {
  taskId: string;
  limit: number;
  /** True: of a line that is too short for all, others that sleep get their part. */
  fair?: boolean;
}

/** The end of one attempt. */
export interface Settle {
  fence: string;
  taskId: string;
  number: string;
  /** The caller's id of the job, as claimed; null: assigned by the store. */
  id: string | null;
  /** The schedule of a tracked job, as claimed; null: its end concerns none. */
  scheduleId: string | null;
  outcome: SettleOutcome;
}

export type SettleOutcome =
  /** `result`: JSON text, kept only with the job. */
  | { kind: "completed"; result: string | null }
  /** The attempt failed; due again `waitMs` from now, as one of the last in line. */
  | { kind: "retry"; waitMs: number; error: string | null; cause: "failed" | "invalid" }
  | { kind: "dead"; reason: DeadReason; error: string | null }
  /** Not begun, or given up by a stopping scheduler: to the front of the line, no attempt spent. */
  | { kind: "handBack" };

/**
 * What became of a settle, in the order of the settles. `lost`: the lease had been reaped, nothing
 * was changed.
 * A job marked as cancelled becomes `cancelled` whatever its outcome was.
 */
export type SettleAnswer = { state: JobState; dueAt: number | null } | "lost";

export interface WorkAnswer {
  settled: SettleAnswer[];
  batches: ClaimedBatch[];
  /** Tasks of the claims that have more ready jobs than were taken. */
  more: string[];
  /** Those of `more` whose rest was left for others that sleep, one of whom was woken. */
  left: string[];
  /**
   * True: a job waits that must run alone and this scheduler was chosen for it; nothing is claimed
   * until it is idle.
   */
  drain: boolean;
}

/** Jobs that were claimed together, under one lease. */
export interface ClaimedBatch extends HandedBatch {
  leaseMs: number;
  /** True: nothing else may run beside it. */
  alone: boolean;
}

/**
 * Jobs under one lease. Where a push has claimed them for a sleeper, the lease is short, and
 * unconfirmed until its first renewal or settle: reaped before that, they are ready at once, and
 * nothing is counted.
 */
export interface HandedBatch {
  /** The lease's number, rising; the fence of all its jobs. */
  fence: string;
  taskId: string;
  /** Where a sharded store has it. */
  shard?: number;
  jobs: ClaimedJob[];
}

/** Belongs to whoever has claimed it. */
export interface ClaimedJob {
  number: string;
  /** The public id. */
  id: string;
  /** True when `id` is the caller's. */
  ownId: boolean;
  /** "" once it has been read: many wait for long to be settled. */
  payload: string;
  rules: JobRules;
  occurrence: Occurrence | null;
  counts: JobCounts;
}
