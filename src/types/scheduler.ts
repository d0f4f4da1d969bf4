/** The scheduler itself: what `createScheduler` returns. */
import type { EventName, Listener } from "../core/events.js";
import type {
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
  RepairOptions,
  RepairReport,
  SchedulerState,
} from "./answers.js";
import type { BindOptions, Handler } from "./handler.js";
import type { PushItem, PushRest, RegisterArgs } from "./job-options.js";
import type { SchedulerOptions } from "./scheduler-options.js";
import type { Schedules } from "./schedules.js";
import type { HandlerData, InputOf, TaskId, Untyped, Validators } from "./tasks.js";

/** Single jobs: look at them, end them, issue them again. */
export interface Jobs<Tasks extends object = Untyped> {
  /** One job; null: not known (any more). */
  get<Id extends TaskId<Tasks>>(
    taskId: Id,
    id: string,
  ): Promise<JobInfo<InputOf<Tasks[Id]>> | null>;
  /** Ends a waiting job, aborts a running one wherever it runs; null: not known. */
  cancel(taskId: TaskId<Tasks>, id: string): Promise<CancelResult | null>;
  /** Issues a dead or cancelled job again, under the same id; null: not known. */
  redrive(taskId: TaskId<Tasks>, id: string): Promise<RedriveResult | null>;
  /** A page of the jobs in one state. */
  list<Id extends TaskId<Tasks>>(
    taskId: Id,
    options: ListOptions,
  ): Promise<JobList<InputOf<Tasks[Id]>>>;
  counts(taskId: TaskId<Tasks>): Promise<JobCountsInfo>;
}

/** How to start. */
export interface StartOptions {
  /**
   * Reject when the store cannot be reached now, instead of waiting for it.
   * @defaultValue false
   */
  mustConnect?: boolean;
}

/** One member of the fleet; all that share a store and a prefix work together. */
export interface Scheduler<Tasks extends object = Untyped> {
  readonly state: SchedulerState;
  /** This scheduler in ledgers and logs; another one at each creation. */
  readonly instanceId: string;
  readonly jobs: Jobs<Tasks>;
  readonly schedules: Schedules<Tasks>;
  /**
   * Says what work a task is; before `start()`. The URL of a file that exports the handler, as
   * default or as `handler`: it runs in threads of its own.
   */
  bind<Id extends TaskId<Tasks>, Data = unknown>(
    taskId: Id,
    handler: Handler<HandlerData<Tasks, Id, Data>> | URL,
    options?: BindOptions,
  ): this;
  /** Says when a task is due by itself; before `start()`. */
  register<Id extends TaskId<Tasks>>(taskId: Id, options: RegisterArgs<InputOf<Tasks[Id]>>): this;
  /** Begins to work. Waits for an absent store. */
  start(options?: StartOptions): Promise<void>;
  /** Claims no more, lets running handlers end until `stopTimeout`, gives back the rest. */
  stop(): Promise<void>;
  /** Starts, stops at SIGINT or SIGTERM, and resolves when stopped. */
  run(): Promise<void>;
  /** Stores a job; works on a scheduler that was never started, too. */
  push<Id extends TaskId<Tasks>>(
    taskId: Id,
    ...options: PushRest<InputOf<Tasks[Id]>>
  ): Promise<PushResult>;
  /**
   * Stores many jobs, up to 250 in a round trip; answers in their order, a refused item with its
   * `error`. Rejects only when none of them is known to be stored.
   */
  pushMany<Id extends TaskId<Tasks>>(
    taskId: Id,
    items: readonly PushItem<InputOf<Tasks[Id]>>[],
  ): Promise<PushManyResult[]>;
  /** Examines the store: settings, rights, space, tasks that nobody has bound. Never rejects. */
  doctor(): Promise<DoctorReport>;
  /** Compares the store's records with what points at them, and mends what does not fit. */
  repair(options?: RepairOptions): Promise<RepairReport>;
  /** The truth at this moment. */
  health(): Health;
  on<Name extends EventName>(event: Name, listener: Listener<Name>): this;
  once<Name extends EventName>(event: Name, listener: Listener<Name>): this;
  off<Name extends EventName>(event: Name, listener: Listener<Name>): this;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The type of `createScheduler`: tasks inferred from validators, named by a map, or untyped. */
export interface CreateScheduler {
  <Tasks extends Validators>(options: SchedulerOptions<Tasks> & { tasks: Tasks }): Scheduler<Tasks>;
  <Tasks extends object = Untyped>(options?: SchedulerOptions<Tasks>): Scheduler<Tasks>;
}
