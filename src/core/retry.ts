/** What becomes of a job whose attempt failed: issued again after a wait, or dead. */
import { describeError, RetryAfterError, seen } from "./errors.js";
import {
  attemptOf,
  type DeadReason,
  type JobCounts,
  type JobRules,
  MAX_INVALID_IN_ROW,
  type RetryRule,
} from "./job.js";

/** How an attempt failed. `invalid`: the task's validator refused the data. */
export type Failure =
  | { kind: "false" }
  | { kind: "thrown"; error: unknown }
  | { kind: "timeout"; timeoutMs: number }
  | { kind: "invalid"; error: unknown };

export type FailedOutcome =
  | { kind: "retry"; waitMs: number; error: string | null; cause: "failed" | "invalid" }
  | { kind: "dead"; reason: DeadReason; error: string | null };

export interface FailedAttempt {
  rules: JobRules;
  /** As they were when the attempt began. */
  counts: JobCounts;
  failure: Failure;
  /** 0 to 1: spreads exponential waits. */
  random: number;
}

/** Exponential waits grow up to an hour, or stay at `retryTimeout` where that is longer. */
const LONGEST_GROWN_WAIT_MS = 3_600_000;

/** Beyond this doubling every wait has reached its cap; more would leave the range of numbers. */
const MOST_DOUBLINGS = 40;

const JITTER = 0.1;

/** How the attempt is settled. */
export function failedOutcome(attempt: FailedAttempt): FailedOutcome {
  const { rules, counts, failure } = attempt;
  const error = textOf(failure);
  const dead = (reason: DeadReason): FailedOutcome => ({ kind: "dead", reason, error });

  if (failure.kind === "thrown" && isNamed(failure.error, "NonRetryableError")) {
    return dead("rejected");
  }
  if (rules.retry === null) return dead("failed");
  const invalid = failure.kind === "invalid";
  if (invalid && counts.invalidInRow + 1 >= MAX_INVALID_IN_ROW) return dead("invalid");
  const { attempts } = rules.retry;
  if (attempts > 0 && attemptOf(counts) >= attempts) return dead("failed");
  return {
    kind: "retry",
    waitMs: waitAfter(failure, { retry: rules.retry, counts, random: attempt.random }),
    error,
    cause: invalid ? "invalid" : "failed",
  };
}

function waitAfter(
  failure: Failure,
  by: { retry: RetryRule; counts: JobCounts; random: number },
): number {
  const wished = failure.kind === "thrown" ? wishedWait(failure.error) : null;
  if (wished !== null) return wished;
  const { waitMs, backoff } = by.retry;
  if (backoff === "fixed") return waitMs;
  const grown = waitMs * 2 ** Math.min(by.counts.failures, MOST_DOUBLINGS);
  const spread = grown * (1 + JITTER * by.random);
  return Math.ceil(Math.min(spread, Math.max(waitMs, LONGEST_GROWN_WAIT_MS)));
}

/** The wait that a `RetryAfterError` asks for; one that makes no sense is not heard. */
function wishedWait(error: unknown): number | null {
  const isWish = seen(() => error instanceof RetryAfterError) || isNamed(error, "RetryAfterError");
  const waitMs = isWish ? seen(() => (error as { waitMs?: unknown }).waitMs) : undefined;
  if (typeof waitMs !== "number" || !(waitMs >= 0) || waitMs > LONGEST_WISH_MS) return null;
  return Math.ceil(waitMs);
}

/** A hundred years. */
const LONGEST_WISH_MS = 3_155_760_000_000;

/** By name, too: a second copy of the library in one process has classes of its own. */
function isNamed(error: unknown, name: string): boolean {
  return seen(() => error instanceof Error && error.name === name) ?? false;
}

function textOf(failure: Failure): string {
  switch (failure.kind) {
    case "false":
      return "the handler returned false";
    case "timeout":
      return `[TIMED_OUT] the handler took longer than its timeout of ${failure.timeoutMs} ms`;
    default:
      return describeError(failure.error);
  }
}
