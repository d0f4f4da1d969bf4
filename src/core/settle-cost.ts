/**
 * What the end of an attempt costs a store, in ends of jobs that complete and leave nothing behind:
 * so that no call holds up a store for long.
 */
import type { KeepRules } from "./keep.js";

/** The most for one call. */
export const MOST_SETTLE_COST = 1_000;

/** Completed with an id, or kept: with entries of its own, written together with others. */
const ENTERED = 6;
/** Not completed: one by one. */
const SPECIAL = 10;
/** A schedule is told of it, and may make the next job. */
const TRACKED = 64;

export interface Ending {
  outcome: { kind: string };
  id: string | null;
  scheduleId: string | null;
}

export function costOf({ outcome, id, scheduleId }: Ending, keep: KeepRules): number {
  if (scheduleId !== null) return TRACKED;
  if (outcome.kind !== "completed") return SPECIAL;
  return id === null && keep.completed.count === 0 ? 1 : ENTERED;
}

/** How many from the front go into one call, of so many at most. */
export function withinOneCall(endings: readonly Ending[], keep: KeepRules, most: number): number {
  let cost = 0;
  const length = Math.min(endings.length, most);
  for (let n = 0; n < length; n += 1) {
    cost += costOf(endings[n] as Ending, keep);
    if (cost > MOST_SETTLE_COST) return n;
  }
  return length;
}
