/**
 * The ledger of a schedule: what became of its occurrences. A hundred that fired and a hundred
 * rows of others are kept; the oldest leave first.
 */
import { type Outcome, outcomeOf, type PassReason } from "./outcome.js";

/** How an occurrence came to fire. */
export type FiredHow =
  /** By the cursor, in time. */
  | "due"
  /** By the cursor, later than `misfireAfter`. */
  | "catchup"
  /** By `trigger`, beside the cursor. */
  | "trigger"
  /** By `backfill`, beside the cursor. */
  | "backfill";

export interface FiredEntry {
  kind: "fired";
  scheduledFor: number;
  /** When it became a job, epoch ms. */
  firedAt: number;
  how: FiredHow;
  /** The public id of its job. */
  jobId: string;
  /** Who fired it: the first 8 characters of a scheduler's identity. */
  instance: string;
}

/** A row of neighbours with the same reason. */
export interface PassedEntry {
  kind: "passed";
  reason: PassReason;
  from: number;
  to: number;
  count: number;
  /** When the last of them was decided, epoch ms. */
  decidedAt: number;
  instance: string;
}

export type LedgerEntry = FiredEntry | PassedEntry;

export const MOST_FIRED = 100;
export const MOST_PASSED = 100;

/** So much of an identity stands in the ledger. */
export const INSTANCE_LENGTH = 8;

/**
 * True: the two rows become one. `lastFiredAt`: the latest instant that fired; a row that it
 * interrupts is two rows.
 */
export function isSameRow(
  last: { reason: PassReason; to: number },
  next: { reason: PassReason; from: number },
  lastFiredAt: number,
): boolean {
  return last.reason === next.reason && last.to < next.from && lastFiredAt < last.to;
}

export function outcomeOfEntry(entry: LedgerEntry): Outcome {
  if (entry.kind === "passed") return outcomeOf(entry.reason);
  return entry.how === "catchup" ? "caughtUp" : "fired";
}

/** When an entry begins; entries are shown in this order. */
export function entryAt(entry: LedgerEntry): number {
  return entry.kind === "fired" ? entry.scheduledFor : entry.from;
}
