/** What an error of the store says about what was asked. */
import { type ErrorCode, SchedulerError } from "../core/errors.js";

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
