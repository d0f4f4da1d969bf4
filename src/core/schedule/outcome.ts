/** What is decided about occurrences: each fires, or is given up for a reason. */

/** Why occurrences did not become jobs. */
export type PassReason =
  /** Too late, and the misfire policy gave them up. */
  | "misfire"
  | "excluded"
  | "paused"
  /** Paused because nobody registers the schedule any more. */
  | "orphaned"
  /** An earlier job had not ended. */
  | "overlap"
  /** As many as may wait were waiting. */
  | "full"
  /** It waited, and a newer one took its place (`cancelOther`). */
  | "replaced"
  /** It waited, and the schedule was changed to another task. */
  | "moved"
  /** Only a scheduler with the schedule's function could have fired it, and none was there. */
  | "unattended";

/** Missed: somebody should have been there. Skipped: on purpose. */
export const MISSED_REASONS: ReadonlySet<PassReason> = new Set<PassReason>([
  "misfire",
  "unattended",
]);

/** One occurrence that fires. */
export interface Firing {
  kind: "fire";
  scheduledFor: number;
  isCatchup: boolean;
  /** Given up occurrences that this one stands for. */
  missedCount: number;
}

/** A row of occurrences that do not fire; `from` and `to` are its first and last instant. */
export interface Passing {
  kind: "pass";
  reason: PassReason;
  from: number;
  to: number;
  count: number;
}

export type Decision = Firing | Passing;

/** As the ledger and users call it. */
export type Outcome = "fired" | "caughtUp" | "skipped" | "missed";

export function outcomeOf(reason: PassReason): Outcome {
  return MISSED_REASONS.has(reason) ? "missed" : "skipped";
}
