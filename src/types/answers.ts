/** What the methods of a scheduler answer. */
import type { SchedulerError } from "../core/errors.js";
import type { Finding } from "../core/finding.js";
import type { DeadReason, JobState } from "../core/job.js";

/** What became of a push. */
export interface PushResult {
  /** The given id, or the one that the store assigned. */
  id: string;
  taskId: string;
  /** False: a job with this id was there before and is unchanged. */
  created: boolean;
  state: JobState;
  /** When a scheduled job is due, epoch ms; null in every other state. */
  dueAt: number | null;
}

/** An item that was refused has failed alone. */
export type PushManyResult =
  | (PushResult & { error?: undefined })
  | { error: SchedulerError; id?: undefined };

/** A job as `jobs.get` and `jobs.list` show it. Instants are epoch ms. */
export interface JobInfo<Data = unknown> {
  id: string;
  taskId: string;
  state: JobState;
  data: Data;
  /** Of the attempt that runs, ran last or comes next: 1 + failures + crashes. */
  attempt: number;
  failures: number;
  crashes: number;
  handOffs: number;
  priority: number;
  pushedAt: number;
  /** Scheduled jobs: when they are due. */
  dueAt: number | null;
  /** Running jobs: until when their lease lasts if it is not renewed. */
  leaseEndsAt: number | null;
  /** Running jobs: their fence. */
  fence: number | null;
  /** True while a running job is being cancelled. */
  cancelling: boolean;
  /** What the handler said last about how far it is. */
  progress: unknown;
  endedAt: number | null;
  /** Dead jobs: why. */
  reason: DeadReason | null;
  /** The last failure. */
  error: string | null;
  /** Completed jobs: what the handler returned. */
  result: unknown;
  scheduleId: string | null;
  scheduledFor: number | null;
  isCatchup: boolean;
  missedCount: number;
}

/** What became of a cancel. */
export interface CancelResult {
  /** `cancelling`: it runs, and its signal will be aborted. */
  state: "completed" | "dead" | "cancelled" | "cancelling";
  /** False: it had ended, or was cancelled, before. */
  changed: boolean;
}

/** What became of a redrive. */
export interface RedriveResult {
  id: string;
  /** False: only dead and cancelled jobs can be issued again. */
  redriven: boolean;
  state: JobState;
}

/** Which jobs to list. */
export interface ListOptions {
  state: JobState;
  /** From the page before. */
  cursor?: string | undefined;
  /** @defaultValue 100; at most 1000 */
  limit?: number;
}

/** A page of jobs. */
export interface JobList<Data = unknown> {
  jobs: JobInfo<Data>[];
  /** For the next page; null: this was the last one. */
  cursor: string | null;
}

/** How many jobs of a task are in each state (as kept), and how many there ever were. */
export interface JobCountsInfo extends Record<JobState, number> {
  total: {
    pushed: number;
    completed: number;
    dead: number;
    cancelled: number;
    failures: number;
    crashes: number;
    /** Remembered ids and ended jobs that a bound dropped before their time. */
    dropped: number;
  };
}

/** Between `start()` and `stop()` it is running. */
export type SchedulerState = "idle" | "running" | "stopping";

/** What `doctor()` has found. */
export interface DoctorReport {
  /** True when no finding is an error. */
  ok: boolean;
  findings: Finding[];
}

/** What `repair()` takes. */
export interface RepairOptions {
  /** @defaultValue the tasks that are bound or registered in this scheduler */
  tasks?: readonly string[];
}

/** What did not fit: see docs/doctor.md. */
export type RepairKind =
  | "leases"
  | "running"
  | "ready"
  | "scheduled"
  | "ids"
  | "ended"
  | "counts"
  | "moments";

/** What `repair()` has mended. */
export interface RepairReport {
  /** Those that were walked through. */
  tasks: string[];
  /** Empty where everything fitted. */
  mended: { taskId: string; kind: RepairKind; count: number }[];
}

/** How a scheduler is doing. */
export interface Health {
  /** False: the loops have stalled, and only a restart helps. An absent store is no such reason. */
  live: boolean;
  /** True: it has been started, is not stopping, and the store answers, or a part of it. */
  ready: boolean;
  /** Why it is not live or not ready, what is away and what fails, a sentence each. */
  reasons: string[];
  state: SchedulerState;
  store: {
    /** All of it. */
    connected: boolean;
    /** Parts of it that are away while others answer; absent: none. */
    away?: readonly string[];
    /** Ms since the last answer; null: none yet. */
    sinceAnswerMs: number | null;
    lastError: string | null;
  };
  /** Handlers that run now. */
  running: number;
}
