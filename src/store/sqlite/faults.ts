/** What an error of the SQLite binding means: wait and try again, or which SchedulerError it is. */
import { describeError, type ErrorCode, SchedulerError } from "../../core/errors.js";

/** Primary result codes of SQLite, by the names that some bindings use. */
const CODES: Record<string, number> = {
  SQLITE_ERROR: 1,
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_NOTADB: 26,
};

/** SQLite's primary result code; null when the error is not SQLite's. */
export function sqliteCode(error: unknown): number | null {
  if (typeof error !== "object" || error === null) return null;
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  if (typeof errcode === "number") return errcode & 0xff;
  if (typeof code !== "string" || !code.startsWith("SQLITE_")) return null;
  // extended names have the primary one in front: SQLITE_IOERR_FSYNC
  const name = code.split("_").slice(0, 2).join("_");
  return CODES[name] ?? CODES.SQLITE_ERROR ?? 1;
}

/** Somebody else holds the lock; trying again is all that is needed. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === CODES.SQLITE_BUSY || code === CODES.SQLITE_LOCKED;
}

/** The file or the disk is at fault, not the verb: every other verb would meet the same. */
export function isStoreFault(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== null && code in STORE_FAULTS;
}

interface Fault {
  code: ErrorCode;
  what: string;
  fix: string;
}

const DAMAGED: Fault = {
  code: "STORE_DAMAGED",
  what: "is not a sound SQLite database",
  fix:
    "restore it from a backup, or move it away together with its -wal and -shm files " +
    "and let a new one be made",
};

const STORE_FAULTS: Record<number, Fault> = {
  8: {
    code: "STORE_REFUSED",
    what: "cannot be written",
    fix: "give this user the right to write the file and its folder",
  },
  10: {
    code: "STORE_REFUSED",
    what: "could not be read or written",
    fix: "look at the disk and its file system; the store must be on a local disk",
  },
  11: DAMAGED,
  13: {
    code: "STORE_REFUSED",
    what: "did not fit: the disk is full",
    fix: "make room on the disk",
  },
  14: {
    code: "STORE_UNREACHABLE",
    what: "cannot be opened",
    fix: "check that its folder exists, and that this user may read and write there",
  },
  26: DAMAGED,
};

export function closedError(): SchedulerError {
  return new SchedulerError("STORE_CLOSED", "the store was closed before this was done");
}

/** The disk did not take what was committed: it may be lost in a power cut, or not. */
export function unsyncedError(path: string, cause: unknown): SchedulerError {
  return new SchedulerError(
    "STORE_NO_ANSWER",
    `the store ${path} could not be brought to the disk: ${describeError(cause, 300)}`,
    { value: path, cause, fix: "look at the disk and its file system" },
  );
}

/**
 * The error for the caller. `committing`: it came while the commit was under way, so that an
 * input/output error leaves open whether the step is stored.
 */
export function schedulerErrorOf(error: unknown, path: string, committing = false): unknown {
  const code = sqliteCode(error);
  if (code === null) return error;
  const fault = STORE_FAULTS[code];
  const unknown = committing && code === CODES.SQLITE_IOERR;
  return new SchedulerError(
    unknown ? "STORE_NO_ANSWER" : (fault?.code ?? "STORE_REFUSED"),
    `the store ${path} ${fault?.what ?? "refused a step"}: ${describeError(error, 300)}`,
    { value: path, cause: error, ...(fault === undefined ? {} : { fix: fault.fix }) },
  );
}
