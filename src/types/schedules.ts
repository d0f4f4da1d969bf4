/** `scheduler.schedules`: schedules at run time, and what became of all of them. */
import type { FiredHow, Outcome, Overlap, PassReason, Previewed } from "../core/schedule.js";
import type { RegisterArgs, RegisterOptions } from "./job-options.js";
import type { InputOf, TaskId, Untyped } from "./tasks.js";

/** A schedule as the store has it. Instants are epoch ms. */
export interface ScheduleInfo<Data = unknown> {
  scheduleId: string;
  taskId: string;
  /** `code`: registered by programs; `runtime`: made by `upsert`. */
  kind: "code" | "runtime";
  cronExpr: string | null;
  /** Ms, instead of `cronExpr`. */
  every: number | null;
  timezone: string;
  misfire: "skip" | "once" | "all";
  overlap: Overlap;
  data: Data;
  /** The next instant that fires; null: none, or not before it is resumed. */
  nextAt: number | null;
  /** How many occurrences have fired, as `limit` counts them. */
  firedCount: number;
  paused: { at: number; until: number | null; reason: string } | null;
  /** True: no live scheduler registers it any more. */
  orphaned: boolean;
  /** Jobs of it that have not ended; known only where `overlap` is not `allow`. */
  openJobIds: string[];
  /** Occurrences that wait for those to end. */
  waiting: number[];
}

/** A page of schedules, by id. */
export interface ScheduleList {
  schedules: ScheduleInfo[];
  /** For the next page; null: this was the last one. */
  cursor: string | null;
}

/** Which schedules to list. */
export interface ListSchedulesOptions {
  /** Only those of this task. */
  taskId?: string;
  /** From the page before. */
  cursor?: string | undefined;
  /** @defaultValue 100; at most 1000 */
  limit?: number;
}

/** How a schedule is paused. */
export interface PauseOptions {
  /** Shown wherever the schedule is. */
  reason?: string;
  /** Ends the pause by itself: a Date or epoch ms. */
  until?: Date | number;
}

/** How a schedule is triggered. */
export interface TriggerOptions {
  /** @defaultValue that of the schedule */
  overlap?: Overlap;
}

/** What became of a trigger. */
export type TriggerResult =
  | { outcome: "fired"; jobId: string }
  /** It becomes a job when the earlier one has ended. */
  | { outcome: "waiting" }
  | { outcome: "skipped"; reason: "overlap" | "full" };

/** Which span is filled in. */
export interface BackfillOptions {
  /** The first instant, a Date or epoch ms. */
  from: Date | number;
  /** The last instant: a Date or epoch ms, not in the future. */
  to: Date | number;
  /** @defaultValue all at once where the schedule's is `allow`, else one after the other */
  overlap?: Overlap;
}

/** What became of a backfill; every occurrence of the span is in one of the lists. */
export interface BackfillResult {
  /** Those that became jobs now. */
  fired: { scheduledFor: number; jobId: string }[];
  /** Those that become jobs when earlier ones have ended. */
  waiting: number[];
  /** Those that had fired, as far as the ledger and the ids remember, or are excluded. */
  skipped: number[];
}

/** What became of one occurrence, or of a row of them. Instants are epoch ms. */
export interface LedgerInfo {
  outcome: Outcome;
  /** Why it did not fire; or how it came to fire. */
  reason: PassReason | FiredHow;
  /** The instant; of a row, the first one. */
  scheduledFor: number;
  /** The last instant of a row. */
  lastAt: number;
  count: number;
  /** When it was decided; for a fired one, when it became a job. */
  decidedAt: number;
  jobId: string | null;
  /** The scheduler that decided it: the beginning of its `instanceId`. */
  instance: string;
}

/** How far to look ahead. */
export interface PreviewOptions {
  /** @defaultValue 10; at most 1000 */
  count?: number;
  /** The first instant: a Date or epoch ms. @defaultValue the store's clock */
  from?: Date | number;
}

/** A schedule in a plan, with its next five occurrences. */
export interface PlannedSchedule {
  scheduleId: string;
  taskId: string;
  next: Previewed[];
}

/** What would change if this program were the only one to register. */
export interface SchedulePlan {
  added: PlannedSchedule[];
  /** `before`: the next five by the definition in force. */
  changed: (PlannedSchedule & { before: Previewed[] })[];
  /** `live`: a live scheduler registers it still. */
  orphaned: (PlannedSchedule & { live: boolean })[];
  unchanged: string[];
}

/** Schedules at run time; also to look at, pause and trigger those that code registers. */
export interface Schedules<Tasks extends object = Untyped> {
  /**
   * Makes a schedule or changes it. It is there when this resolves, outlives all processes, and is
   * fired by any live scheduler that has bound the task. Rejects with `SCHEDULE_IN_CODE` where a
   * live scheduler registers that id.
   */
  upsert<Id extends TaskId<Tasks>>(
    taskId: Id,
    options: RegisterArgs<InputOf<Tasks[Id]>>,
  ): Promise<ScheduleInfo<InputOf<Tasks[Id]>>>;
  /** null: there is none. */
  get(scheduleId: string): Promise<ScheduleInfo | null>;
  list(options?: ListSchedulesOptions): Promise<ScheduleList>;
  /** Forgets a schedule; its jobs go on. False: there was none. */
  remove(scheduleId: string): Promise<boolean>;
  /** Nothing fires until it is resumed, or until `until`; what is due meanwhile is skipped. */
  pause(scheduleId: string, options?: PauseOptions): Promise<ScheduleInfo>;
  resume(scheduleId: string): Promise<ScheduleInfo>;
  /** Fires once, now, beside the rule; paused or not. */
  trigger(scheduleId: string, options?: TriggerOptions): Promise<TriggerResult>;
  /** Fires the occurrences of a past span that did not fire. Safe to repeat. */
  backfill(scheduleId: string, options: BackfillOptions): Promise<BackfillResult>;
  /** The next instants of a schedule, or of a rule that need not exist. */
  preview(schedule: string | RegisterOptions, options?: PreviewOptions): Promise<Previewed[]>;
  /** What became of its occurrences, oldest first. */
  ledger(scheduleId: string): Promise<LedgerInfo[]>;
  /** Why it did or did not run (at an instant), in one sentence. */
  explain(scheduleId: string, at?: Date | number): Promise<string>;
  /** Compares what this program registers with what the store has. Changes nothing. */
  plan(): Promise<SchedulePlan>;
}
