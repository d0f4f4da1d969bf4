/** The row of a task: how many of its jobs are in each state, and how many have been. */
import type { JobState } from "../../core/job.js";
import type { TaskCounts } from "../contract.js";
import type { Value } from "./driver.js";

const COUNTERS = [
  "ready",
  "scheduled",
  "running",
  "completed",
  "dead",
  "cancelled",
  "ended_ids",
  "all_pushed",
  "all_completed",
  "all_dead",
  "all_cancelled",
  "all_failures",
  "all_crashes",
  "all_dropped",
] as const;

export type Counter = (typeof COUNTERS)[number];
export type TaskCounters = Record<Counter, number>;

export interface TaskRow {
  id: number;
  space: number;
  name: string;
  counters: TaskCounters;
  isChanged: boolean;
  /** The instant for which this transaction has made due jobs ready already. */
  promotedAt: number | null;
}

export function countersOf(row: TaskCounters): TaskCounters {
  return { ...row };
}

/** Counts up or down; written with the transaction. */
export function count(task: TaskRow, counter: Counter, by: number): void {
  task.counters[counter] += by;
  task.isChanged = true;
}

/** A job has gone from one state to another; null: from or to nothing. */
export function countMove(task: TaskRow, from: JobState | null, to: JobState | null): void {
  if (from !== null) count(task, from, -1);
  if (to !== null) count(task, to, 1);
}

export const taskSaving: { sql: string; values: (task: TaskRow) => Value[] } = {
  sql: `UPDATE task SET ${COUNTERS.map((name) => `${name} = ?`).join(", ")} WHERE id = ?`,
  values: (task) => [...COUNTERS.map((name) => task.counters[name]), task.id],
};

export function publicCounts(task: TaskRow | null): TaskCounts {
  const of = (counter: Counter): number => task?.counters[counter] ?? 0;
  return {
    scheduled: of("scheduled"),
    ready: of("ready"),
    running: of("running"),
    completed: of("completed"),
    dead: of("dead"),
    cancelled: of("cancelled"),
    total: {
      pushed: of("all_pushed"),
      completed: of("all_completed"),
      dead: of("all_dead"),
      cancelled: of("all_cancelled"),
      failures: of("all_failures"),
      crashes: of("all_crashes"),
      dropped: of("all_dropped"),
    },
  };
}
