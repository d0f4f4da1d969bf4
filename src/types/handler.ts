/** What `bind` takes, and what a handler is given. */
import type { Duration } from "../core/duration.js";

/** How a scheduler runs the jobs of a task. */
export interface BindOptions {
  /**
   * How many jobs of this task run at once in this scheduler.
   * @defaultValue 10; at most 10000
   */
  concurrency?: number;
  /**
   * The longest time of one attempt; then its signal is aborted and it counts as failed.
   * @defaultValue none
   */
  timeout?: Duration;
  /**
   * Over how many shards of a Redis Cluster the jobs of a task are spread, so that it is not bound
   * by one primary. Fixed when the first scheduler with it starts; another number is refused then
   * (`SPREAD_FIXED`). A store of one shard takes it without effect.
   * @defaultValue as it was fixed; else its jobs are in one; at most 16
   */
  spread?: number;
}

/**
 * Does the work of a task. `false` and a throw fail the attempt; any other value completes the
 * job and is its result, where results are kept.
 */
export type Handler<Data = unknown> = (data: Data, context: HandlerContext) => unknown;

/**
 * What a handler knows about its job. Take from it by name: `signal`, `progress` and `log` are made
 * when they are asked for, and a copy by spread or rest lacks them.
 */
export interface HandlerContext {
  readonly jobId: string;
  readonly taskId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Rises with every lease: a write that carries a lower one than the last is too late. */
  readonly fence: number;
  /** Aborted when the job is cancelled, timed out, taken over, or the scheduler has to stop. */
  readonly signal: AbortSignal;
  /** The schedule that fired this job, if one did. */
  readonly scheduleId?: string;
  /** The instant at which that schedule was due, epoch ms. */
  readonly scheduledFor?: number;
  /** When that occurrence became this job, epoch ms. */
  readonly firedAt?: number;
  /** True when it is fired after `misfireAfter`, as the misfire policy says. */
  readonly isCatchup: boolean;
  /** How many given up occurrences this one stands for. */
  readonly missedCount: number;
  /** Says how far the job is; shown by `jobs.get`. */
  readonly progress: (value: unknown) => void;
  /** Writes to the scheduler's logger, with the job's ids. */
  readonly log: (message: string, fields?: object) => void;
}
