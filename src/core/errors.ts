/**
 * The one error class of the library, and the list of its codes.
 * Every message says what happened, where, and with which value; `fix` says what to do.
 */
import { quote } from "./show.js";

/** What can go wrong. Codes are never reused for something else. */
export type ErrorCode =
  // the store
  | "STORE_UNREACHABLE" // not done: no connection, or not its turn in time; nothing was sent
  | "STORE_NO_ANSWER" // unknown: sent, but no answer came
  | "STORE_REFUSED" // not done: the store answered with an error
  | "STORE_FAILED" // unknown: the store stopped in the middle of it
  | "STORE_CLOSED" // not done: the scheduler was stopped meanwhile
  | "TOO_MANY_PENDING" // not done: as many pushes as may wait for the store do so already
  | "NOT_SENT" // not done: an earlier piece of the same list failed
  | "STORE_VERSION" // the server is too old
  | "LAYOUT_NEWER" // the data were written by a newer version of the library
  | "STORE_DAMAGED" // the data are not what the library wrote
  | "DURABILITY_UNAVAILABLE" // the server cannot give the guarantee that `durability` names
  | "DURABILITY_TOO_LOW" // the guarantee in force is less than `requireDurability`
  | "SQLITE_MISSING" // no SQLite binding for this Node
  // options and arguments
  | "OPTION_UNKNOWN"
  | "OPTION_INVALID"
  | "OPTION_CONFLICT"
  | "OPTION_MISSING"
  | "DURATION_INVALID"
  | "ID_INVALID"
  | "HANDLER_INVALID"
  | "CRON_INVALID"
  | "CRON_FIELD_RANGE"
  | "CRON_NEVER_FIRES"
  | "ZONE_UNKNOWN"
  | "DATA_NOT_SERIALIZABLE"
  | "DATA_TOO_LARGE"
  | "DATA_INVALID"
  // the life of a scheduler
  | "RUNNING" // configuration is frozen between start() and stop()
  | "TASK_UNKNOWN"
  | "ALREADY_BOUND"
  | "ALREADY_REGISTERED"
  | "SPREAD_FIXED" // a task is spread over another number of shards, or was used without it
  | "SCHEDULE_UNKNOWN" // no schedule of that id is in the store
  | "SCHEDULE_IN_CODE" // a live scheduler registers it: its code decides
  | "HANDLER_DIED" // the thread of a handler file ended before the job did
  | "TIMED_OUT" // a handler took longer than its timeout
  // why the signal of a handler was aborted
  | "LEASE_LOST" // somebody else may run the job now; this run will not count
  | "JOB_CANCELLED"
  | "STOPPING"; // the scheduler could not wait any longer

export interface ErrorDetails {
  /** What to do about it, one sentence. */
  fix?: string;
  /** The offending value, as it was given. Never a payload or a secret. */
  value?: unknown;
  cause?: unknown;
}

/** Everything that the library throws or rejects with. */
export class SchedulerError extends Error {
  override readonly name = "SchedulerError";
  readonly code: ErrorCode;
  /** What to do about it. */
  readonly fix: string | undefined;
  /** The offending value. */
  readonly value: unknown;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(
      details.fix === undefined
        ? `[${code}] ${message}`
        : `[${code}] ${message}\n  fix: ${details.fix}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.fix = details.fix;
    this.value = details.value;
  }
}

/** True: the store, or a part of it, cannot be reached; what it would say is not known. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof SchedulerError)) return false;
  return error.code === "STORE_UNREACHABLE" || error.code === "STORE_NO_ANSWER";
}

const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "STORE_REFUSED",
  "STORE_DAMAGED",
  "STORE_FAILED",
]);

/** True: the store looked at it and would not do it: something in the call may be the reason. */
export function isRefused(error: unknown): boolean {
  return error instanceof SchedulerError && REFUSALS.has(error.code);
}

/** True: what was asked of the store has not been done, and will not be. */
export function isNotDone(error: unknown): boolean {
  if (!(error instanceof SchedulerError)) return false;
  return error.code !== "STORE_NO_ANSWER" && error.code !== "STORE_FAILED";
}

/** Thrown by a handler: the job ends as dead, however many tries are left. */
export class NonRetryableError extends Error {
  override readonly name = "NonRetryableError";
}

/**
 * Thrown by a handler: the attempt failed, and the next one waits this long (if the job has one
 * left).
 */
export class RetryAfterError extends Error {
  override readonly name = "RetryAfterError";
  /** The wait in ms. */
  readonly waitMs: number;

  constructor(waitMs: number, message = `retry after ${waitMs} ms`, options?: { cause?: unknown }) {
    super(message, options);
    this.waitMs = waitMs;
  }
}

/**
 * What `look` says of a value that was thrown. undefined: it throws when it is looked at, as a
 * revoked proxy does; a caller that is told of a failure must not fail by that.
 */
export function seen<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** What is said of a cursor that no page of the list has given. */
export function ofNoPage(cursor: string): SchedulerError {
  return new SchedulerError("OPTION_INVALID", `the cursor ${quote(cursor)} is of no page`, {
    value: cursor,
    fix: "give the cursor of the page before, of the same list, or begin anew",
  });
}

/** The text of anything that was thrown, cut to `limit` characters. */
export function describeError(thrown: unknown, limit = 2_000): string {
  const text =
    seen(() => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown))) ??
    "an error that cannot be shown";
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}
