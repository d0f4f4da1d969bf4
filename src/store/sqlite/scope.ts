/** What every step is given, and the small conversions that all steps share. */
import type { EndState, JobCounts, JobState } from "../../core/job.js";
import { STATE } from "./schema.js";
import type { Sleeper } from "./sleepers.js";
import type { TaskRow } from "./tasks.js";
import type { Transaction } from "./transaction.js";

export interface Scope {
  tx: Transaction;
  /** The row id of the store's prefix. */
  space: number;
  /** The store's own random identity. */
  identity: string;
  /** Marks all sleepers of this process. */
  process: string;
  /** What this scheduler last told others about its sleep. */
  sleeper: Sleeper;
  /** The store's clock at this step, epoch ms. */
  now: number;
  /** The same with its fraction. */
  exactNow: number;
}

/** The columns that deciding about a job needs; the payload only where it is handed out. */
export const FACTS: string =
  "number, task, state, lane, priority, place, due_at, fence, cancelling, " +
  "failures, crashes, hand_offs, crashes_in_row, invalid_in_row, schedule, head";

export interface JobFacts {
  number: number;
  task: number;
  state: number;
  lane: number;
  priority: number;
  place: number | null;
  due_at: number | null;
  fence: number | null;
  cancelling: number;
  failures: number;
  crashes: number;
  hand_offs: number;
  crashes_in_row: number;
  invalid_in_row: number;
  /** The number of the schedule that its end concerns; null: none. */
  schedule: number | null;
  head: string;
}

const NAMES = new Map<number, JobState>(
  Object.entries(STATE).map(([name, code]) => [code, name as JobState]),
);

export function stateName(code: number): JobState {
  return NAMES.get(code) ?? "dead";
}

export function isEnded(code: number): boolean {
  return code >= STATE.completed;
}

export function countsOf(row: JobFacts): JobCounts {
  return {
    failures: row.failures,
    crashes: row.crashes,
    handOffs: row.hand_offs,
    crashesInRow: row.crashes_in_row,
    invalidInRow: row.invalid_in_row,
  };
}

/** Numbers and fences as everybody outside sees them: 16 digits. */
export function digits(number: number): string {
  return String(number).padStart(16, "0");
}

/** The number behind 16 digits; -1 (which no row has) for anything else. */
export function numberOf(text: string): number {
  return /^\d{16}$/.test(text) ? Number(text) : -1;
}

/** This store is one shard. */
const SHARD = "0-";

export function publicId(id: string | null, number: number): string {
  return id ?? SHARD + digits(number);
}

/** The number in an assigned id; null when it is none of this store's. */
export function assignedNumber(id: string): number | null {
  if (!id.startsWith(SHARD)) return null;
  const number = numberOf(id.slice(SHARD.length));
  return number < 0 ? null : number;
}

export const END_STATES: readonly EndState[] = ["completed", "dead", "cancelled"];

/** A job of this task is ready again, as the last in line. */
export function joinEnd(scope: Scope, task: TaskRow): number {
  scope.tx.notice(task, 0);
  return scope.tx.nextNumber(scope.now);
}
