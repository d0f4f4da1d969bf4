/**
 * What a job is: its states, the rules it was pushed with, and its counters.
 * Pure words shared by the contract, both stores and the loops.
 */

/**
 * The states of a job, and no others. `scheduled`: due later, which includes waiting for a retry.
 */
export type JobState = "scheduled" | "ready" | "running" | "completed" | "dead" | "cancelled";

export const JOB_STATES: readonly JobState[] = [
  "scheduled",
  "ready",
  "running",
  "completed",
  "dead",
  "cancelled",
];

/** The states in which a job stays for ever. */
export type EndState = "completed" | "dead" | "cancelled";

/**
 * Why a job is dead.
 * - `failed`: the last allowed attempt returned `false`, threw or timed out
 * - `interrupted`: retry is off and the process that had claimed it died or was stopped
 * - `crashes`: its process died too often in a row while it ran
 * - `rejected`: the handler threw a `NonRetryableError`
 * - `invalid`: its data were refused by the task's validator too often in a row
 */
export type DeadReason = "failed" | "interrupted" | "crashes" | "rejected" | "invalid";

/** When a failed or crashed job is issued again. */
export interface RetryRule {
  /** Tries in all; 0 = unlimited. */
  attempts: number;
  /** The wait after a failed attempt in ms. */
  waitMs: number;
  /** `fixed`: always `waitMs`; `exponential`: `waitMs` × 2^k with 10 % jitter, at most an hour. */
  backoff: "fixed" | "exponential";
}

/** What a job carries from its push to its end; never changed afterwards. */
export interface JobRules {
  /** null: at most once. */
  retry: RetryRule | null;
  /** Lower is claimed first; 0 by default. */
  priority: number;
  /** Longest time of one attempt in ms; null: what the handler was bound with. */
  timeoutMs: number | null;
}

/** The occurrence of a schedule that a job was fired for. */
export interface Occurrence {
  scheduleId: string;
  /** The instant at which the schedule was due, epoch ms. */
  scheduledFor: number;
  /** True when the misfire policy fired it after `misfireAfter`. */
  isCatchup: boolean;
  /** How many occurrences before it were given up and are represented by this one. */
  missedCount: number;
  /** True: its end concerns the schedule, whose overlap policy counts open jobs. */
  isTracked: boolean;
}

/** How often a job failed, lost its process, and was handed back: counted apart. */
export interface JobCounts {
  failures: number;
  crashes: number;
  handOffs: number;
  /** Crashes since the last failure; only these make waits grow and end a job. */
  crashesInRow: number;
  /** Attempts in a row whose data the validator refused. */
  invalidInRow: number;
}

export const NO_COUNTS: JobCounts = Object.freeze({
  failures: 0,
  crashes: 0,
  handOffs: 0,
  crashesInRow: 0,
  invalidInRow: 0,
});

/** The number of the attempt that is running or comes next: 1 + failures + crashes. */
export function attemptOf(counts: JobCounts): number {
  return 1 + counts.failures + counts.crashes;
}

/** When a job was stored, epoch ms: its number is the store's clock in µs (or the last + 1). */
export function pushedAtOf(number: string): number {
  return Math.floor(Number(number) / 1_000);
}

/** Crashes in a row after which a job is dead. */
export const MAX_CRASHES_IN_ROW = 10;

/** From this many crashes in a row on, a job runs alone in its scheduler. */
export const ALONE_AFTER_CRASHES = 3;

/** Attempts in a row with refused data after which a job is dead. */
export const MAX_INVALID_IN_ROW = 10;
