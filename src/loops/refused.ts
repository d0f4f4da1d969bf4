/** What the store looked at and would not do: something in the call may be the reason. */
import { type ErrorCode, SchedulerError } from "../core/errors.js";

const CODES: ReadonlySet<ErrorCode> = new Set(["STORE_REFUSED", "STORE_DAMAGED", "STORE_FAILED"]);

/** A part of it may have been done: jobs may be claimed, and in no lease. */
export function isBrokenOff(error: unknown): boolean {
  return error instanceof SchedulerError && error.code === "STORE_FAILED";
}

const ABSENCES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "STORE_UNREACHABLE",
  "STORE_NO_ANSWER",
  "STORE_CLOSED",
]);

/** The store, or a part of it, is not there: nothing that it was asked for is the reason. */
export function isAbsence(error: unknown): boolean {
  return error instanceof SchedulerError && ABSENCES.has(error.code);
}

export function isRefused(error: unknown): boolean {
  return error instanceof SchedulerError && CODES.has(error.code);
}
