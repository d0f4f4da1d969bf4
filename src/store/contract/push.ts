/** What `push` takes and answers. */
import type { JobState } from "../../core/job.js";
import type { JobSpec } from "../../core/spec.js";

export type NewJob = JobSpec;

export interface PushArgs {
  jobs: readonly NewJob[];
  /** Reject when no answer has come after this long, in ms. */
  timeoutMs: number;
  /** Where jobs go that may go to any shard of their task; absent: their home. */
  shard?: number;
}

export interface PushAnswer {
  /** The public id: the caller's, or `shard-number`. */
  id: string;
  /** False: a job with this id was there and is unchanged. */
  created: boolean;
  state: JobState;
  /** When a scheduled job is due, epoch ms; null in every other state. */
  dueAt: number | null;
}
