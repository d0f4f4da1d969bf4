/** The options of `push` and `register`. */
import type { Duration } from "../core/duration.js";
import type { Overlap } from "../core/schedule.js";

/**
 * Whether a job is issued again. `false`: at most once. `true`: as often as it takes. A number,
 * or `attempts`: so many tries in all. `backoff: "exponential"` doubles the wait each time.
 */
export type RetryOption =
  | boolean
  | number
  | { attempts?: number; backoff?: "fixed" | "exponential" };

interface JobOptions {
  /**
   * Issue the job again after `false`, a throw, a timeout, or the death of its process.
   * @defaultValue false
   */
  retry?: RetryOption;
  /**
   * The wait before it is issued again, from the end of the failed attempt; needs `retry`.
   * @defaultValue 10000 (ms)
   */
  retryTimeout?: Duration;
  /**
   * A whole number; lower is claimed first.
   * @defaultValue 0
   */
  priority?: number;
  /**
   * The longest time of one attempt; beats the one of `bind`.
   * @defaultValue that of `bind`
   */
  timeout?: Duration;
}

/** One push. */
export interface PushOptions<Data = unknown> extends JobOptions {
  /** What the handler is given; anything that JSON can carry. */
  data?: Data;
  /**
   * Not before this long from now.
   * @defaultValue 0
   */
  delay?: Duration;
  /** Not before this instant: a Date or epoch ms; instead of `delay`. */
  runAt?: Date | number;
  /**
   * Makes the push safe to repeat: a second one with this id stores nothing.
   * @defaultValue assigned by the store
   */
  id?: string;
}

/** A local date, or a span of dates or instants whose ends belong to it. */
export type ExcludeItem = string | { from: string | Date | number; to: string | Date | number };

interface ScheduleOptions<Data> extends JobOptions {
  /**
   * The zone of `cronExpr`, e.g. `"Europe/Berlin"`.
   * @defaultValue the zone of the process that registers
   */
  timezone?: string;
  /** Same as `timezone`. */
  tz?: string;
  /**
   * Names the schedule; needed for a second schedule of one task.
   * @defaultValue the task id
   */
  scheduleId?: string;
  /** No occurrence before it: a Date or epoch ms. */
  startAt?: Date | number;
  /** No occurrence after it: a Date or epoch ms. */
  endAt?: Date | number;
  /**
   * What becomes of occurrences that are more than `misfireAfter` late: none fires, the latest
   * one does, or all do.
   * @defaultValue "once"
   */
  misfire?: "skip" | "once" | "all";
  /** So many occurrences fire, and no more. */
  limit?: number;
  /**
   * Occurrences that do not fire: local dates (`"2026-12-25"`), spans of them or of instants, ends
   * included, or a function that says `true`. A schedule with a function is fired only by
   * schedulers that registered it.
   */
  exclude?: ExcludeItem | readonly ExcludeItem[] | ((at: Date) => boolean);
  /**
   * Spreads schedules: each is due later by an amount between 0 and this, always the same for one
   * schedule id.
   * @defaultValue 0; at most 24 h
   */
  jitter?: Duration;
  /**
   * What becomes of an occurrence while an earlier job of the schedule has not ended, waiting and
   * retries included.
   * @defaultValue "allow"
   */
  overlap?: Overlap;
  /**
   * What becomes of the schedule when no live scheduler has registered it for `orphanAfter`.
   * @defaultValue "pause"
   */
  orphan?: "pause" | "remove" | "keep";
  /** @defaultValue "24h"; from 1 min to 30 days */
  orphanAfter?: Duration;
  /** @defaultValue "60s" */
  misfireAfter?: Duration;
  /**
   * Occurrences later than this never fire.
   * @defaultValue "5m"
   */
  catchupWindow?: Duration;
  /**
   * The most late occurrences that `misfire: "all"` fires at once, the latest ones.
   * @defaultValue 100; at most 10000
   */
  maxCatchup?: number;
  /** What the handler is given; anything that JSON can carry. */
  data?: Data;
}

/** A schedule: when its jobs are due, and what they are. */
export type RegisterOptions<Data = unknown> = ScheduleOptions<Data> &
  (
    | {
        /** 5 fields, or 6 with seconds first: `"0 3 * * *"`, or a nickname such as `"@daily"`. */
        cronExpr: string;
        every?: never;
      }
    | {
        /** Fires whenever this long has passed since `startAt` (or the epoch); at least 100 ms. */
        every: Duration;
        cronExpr?: never;
      }
  );

/** `data` is required exactly when the task needs it. */
export type PushRest<Data> = undefined extends Data
  ? [options?: PushOptions<Data>]
  : [options: PushOptions<Data> & { data: Data }];

export type PushItem<Data> = undefined extends Data
  ? PushOptions<Data>
  : PushOptions<Data> & { data: Data };

export type RegisterArgs<Data> = undefined extends Data
  ? RegisterOptions<Data>
  : RegisterOptions<Data> & { data: Data };
