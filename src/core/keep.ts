/** How long what has ended is remembered, and the defaults; counts are per task. */

export interface KeepRules {
  /** A caller's id after the job's end, ms. */
  idMs: number;
  idCount: number;
  /** Ended jobs by state; count 0 = only counted. */
  completed: KeepRule;
  dead: KeepRule;
  cancelled: KeepRule;
}

export interface KeepRule {
  ageMs: number;
  count: number;
}

const DAY_MS = 86_400_000;

/** Completed jobs are only counted; dead and cancelled ones stay a week, at most 10,000 a task. */
export const DEFAULT_KEEP: KeepRules = Object.freeze({
  idMs: DAY_MS,
  idCount: 100_000,
  completed: Object.freeze({ ageMs: 0, count: 0 }),
  dead: Object.freeze({ ageMs: 7 * DAY_MS, count: 10_000 }),
  cancelled: Object.freeze({ ageMs: 7 * DAY_MS, count: 10_000 }),
});
