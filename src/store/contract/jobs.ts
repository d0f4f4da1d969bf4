/** What the verbs on single jobs, lists and counts take and answer. */

import type {
  DeadReason,
  EndState,
  JobCounts,
  JobRules,
  JobState,
  Occurrence,
} from "../../core/job.js";
import type { KeepRules } from "../../core/keep.js";

export interface JobRef {
  taskId: string;
  /** The public id. */
  id: string;
  /** For verbs that end the job. */
  keep?: KeepRules;
}

export interface JobView {
  id: string;
  taskId: string;
  number: string;
  state: JobState;
  payload: string;
  rules: JobRules;
  occurrence: Occurrence | null;
  counts: JobCounts;
  pushedAt: number;
  /** Scheduled jobs: when they are due; else null. */
  dueAt: number | null;
  /** Running jobs: until when the lease lasts if it is not renewed; else null. */
  leaseEndsAt: number | null;
  /** Running jobs: their fence; else null. */
  fence: string | null;
  /** Running jobs: marked as cancelled, or not. */
  cancelling: boolean;
  progress: string | null;
  endedAt: number | null;
  reason: DeadReason | null;
  /** Why it is dead, or the last failure of a job that has not ended. */
  error: string | null;
  result: string | null;
}

/**
 * `cancelling`: it runs; its handler is told. Any other state: what it is now; unless `cancelled`,
 * it had ended before.
 */
export interface CancelAnswer {
  state: EndState | "cancelling";
  /** True when this call changed something. */
  changed: boolean;
}

export interface RedriveAnswer {
  id: string;
  /** False: it is not dead or cancelled; `state` says what it is. */
  redriven: boolean;
  state: JobState;
}

export interface ListArgs {
  taskId: string;
  state: JobState;
  /** From the page before; null: from the beginning. */
  cursor: string | null;
  limit: number;
}

export interface JobPage {
  /**
   * In the order of claiming for ready, of due times for scheduled, newest end first for ended
   * ones.
   */
  jobs: JobView[];
  cursor: string | null;
}

export interface TaskCounts {
  scheduled: number;
  ready: number;
  running: number;
  /** Kept ones, not all that ever ended: for those see `total`. */
  completed: number;
  dead: number;
  cancelled: number;
  total: {
    pushed: number;
    completed: number;
    dead: number;
    cancelled: number;
    failures: number;
    crashes: number;
    /** Remembered ids and ended jobs that a count bound dropped before their time. */
    dropped: number;
  };
}

export interface PruneArgs {
  taskIds: readonly string[];
  keep: KeepRules;
}
