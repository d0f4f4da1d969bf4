/** The public face in types: what users write, and what they are handed; exports only. */
export type { Durability } from "./core/durability.js";
export type { Duration } from "./core/duration.js";
export type { EventMap, EventName, Listener } from "./core/events.js";
export type { Finding, FindingLevel } from "./core/finding.js";
export type { Logger } from "./core/logger.js";
export type { Outcome, Overlap, PassReason, Previewed } from "./core/schedule.js";
export type { StandardSchema } from "./core/standard-schema.js";
export type {
  CancelResult,
  DoctorReport,
  Health,
  JobCountsInfo,
  JobInfo,
  JobList,
  ListOptions,
  PushManyResult,
  PushResult,
  RedriveResult,
  RepairKind,
  RepairOptions,
  RepairReport,
  SchedulerState,
} from "./types/answers.js";
export type { BindOptions, Handler, HandlerContext } from "./types/handler.js";
export type {
  ExcludeItem,
  PushItem,
  PushOptions,
  PushRest,
  RegisterArgs,
  RegisterOptions,
  RetryOption,
} from "./types/job-options.js";
export type { CreateScheduler, Jobs, Scheduler, StartOptions } from "./types/scheduler.js";
export type {
  KeepOption,
  RedisClient,
  RedisConfig,
  RedisNode,
  RedisOptions,
  RetentionOptions,
  SchedulerOptions,
} from "./types/scheduler-options.js";
export type {
  BackfillOptions,
  BackfillResult,
  LedgerInfo,
  ListSchedulesOptions,
  PauseOptions,
  PlannedSchedule,
  PreviewOptions,
  ScheduleInfo,
  ScheduleList,
  SchedulePlan,
  Schedules,
  TriggerOptions,
  TriggerResult,
} from "./types/schedules.js";
export type {
  HandlerData,
  InputOf,
  OutputOf,
  TaskId,
  Untyped,
  Validators,
} from "./types/tasks.js";
