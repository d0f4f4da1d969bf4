/**
 * Everything that schedulers remember together: the one boundary between the loops and a store.
 * Implementations are interchangeable; test/contract decides what each verb means.
 *
 * Rules for all verbs:
 *  - a verb is one atomic step of the store, or a bounded series of such steps where it says so
 *  - the store's clock decides what is due; answers carry waits in ms, and instants only to be
 *    shown
 *  - a verb ends as done (it resolves), as not done, or as unknown (it rejects with a
 *    `SchedulerError`, whose code tells which: see core/errors.ts)
 *  - `push` and `work` are never carried out twice, however often the connection is lost
 *  - a call waits for all shards that it names: whoever wants to go on while one of them is away
 *    names one in each call
 */
export type { KeepRule, KeepRules } from "../core/keep.js";

import type { Durability } from "../core/durability.js";
import type { Finding } from "../core/finding.js";
import type { ExamineArgs } from "./contract/doctor.js";
import type {
  CancelAnswer,
  JobPage,
  JobRef,
  JobView,
  ListArgs,
  PruneArgs,
  RedriveAnswer,
  TaskCounts,
} from "./contract/jobs.js";
import type { MendArgs, Mended } from "./contract/mend.js";
import type { PushAnswer, PushArgs } from "./contract/push.js";
import type {
  Decided,
  FireAnswer,
  FireArgs,
  PauseArgs,
  RegisterAnswer,
  RegisterArgs,
  RemoveAnswer,
  RemoveArgs,
  ScheduleDetail,
  SchedulePage,
  SchedulesArgs,
  TendArgs,
  Tended,
  TriggerAnswer,
  TriggerArgs,
} from "./contract/schedules.js";
import type { Spreads } from "./contract/spread.js";
import type { Look, LookArgs, ReapArgs, Reaped, RenewArgs, Renewed } from "./contract/watch.js";
import type { HandedBatch, WorkAnswer, WorkArgs } from "./contract/work.js";

export type { DeputyStore, HandBack } from "./contract/deputy.js";
export type { ExamineArgs } from "./contract/doctor.js";
export type {
  CancelAnswer,
  JobPage,
  JobRef,
  JobView,
  ListArgs,
  PruneArgs,
  RedriveAnswer,
  TaskCounts,
} from "./contract/jobs.js";
export type { MendArgs, Mended, MendKind } from "./contract/mend.js";
export type { NewJob, PushAnswer, PushArgs } from "./contract/push.js";
export type {
  Decided,
  DueSchedule,
  Fire,
  FireAnswer,
  FireArgs,
  FireOutcome,
  Pause,
  PauseArgs,
  RegisterAnswer,
  RegisterArgs,
  RegisterOutcome,
  Registration,
  RemoveAnswer,
  RemoveArgs,
  ScheduleDetail,
  SchedulePage,
  SchedulesArgs,
  ScheduleView,
  ScheduleWrite,
  TendArgs,
  Tended,
  TriggerAnswer,
  TriggerArgs,
} from "./contract/schedules.js";
export type { SpreadAnswer, Spreads, SpreadWish } from "./contract/spread.js";
export type {
  Fireable,
  LeaseRef,
  Look,
  LookArgs,
  ReapArgs,
  Reaped,
  RenewArgs,
  Renewed,
  RenewRef,
} from "./contract/watch.js";
export type {
  Claim,
  ClaimedBatch,
  ClaimedJob,
  HandedBatch,
  Settle,
  SettleAnswer,
  SettleOutcome,
  WorkAnswer,
  WorkArgs,
} from "./contract/work.js";

export interface Store {
  /**
   * How many parts the data have, each of which may be away alone; 1 until it is known. Which one a
   * task lives in is told by `shardOfTask`, and in which others by `spreads`.
   */
  readonly shards: number;

  /** Tasks that live in several shards; absent: there is only one. */
  readonly spreads?: Spreads | undefined;

  /**
   * Connects, checks version and layout, opens this scheduler's session. Rejects when the store
   * cannot be reached now. A store that is not the one this scheduler knew, or has been started
   * again, fires no schedule for some seconds, so that everybody can tell it first what is decided.
   */
  open(): Promise<StoreInfo>;

  /**
   * Saves new jobs, in order; a job whose caller's id is already there is left alone and reported
   * as not created.
   */
  push(args: PushArgs): Promise<PushAnswer[]>;

  /** Ends attempts, then takes ready jobs under new leases: one step. */
  work(args: WorkArgs): Promise<WorkAnswer>;

  /**
   * Says what there is to do for these tasks and schedules, or how long this scheduler may sleep;
   * whoever has nothing to do is remembered as a sleeper and woken.
   */
  look(args: LookArgs): Promise<Look>;

  /**
   * Makes leases last their full length from now, in bounded steps; says which were lost, and which
   * of their jobs are to be cancelled.
   */
  renew(args: RenewArgs): Promise<Renewed>;

  /**
   * Takes back the jobs of leases that are still expired; each is issued again or ends, as its
   * rules say.
   */
  reap(args: ReapArgs): Promise<Reaped[]>;

  /** Writes definitions of schedules; never touches an occurrence that is due. */
  register(args: RegisterArgs): Promise<RegisterAnswer[]>;

  /**
   * Decides due occurrences: notes each in the ledger, makes its job or lets it wait as the overlap
   * policy says, and moves the cursor; each schedule if cursor and revision are still what the
   * caller saw.
   */
  fire(args: FireArgs): Promise<FireAnswer[]>;

  /** Fires occurrences beside the cursor, paused or not; null: no such schedule. */
  trigger(args: TriggerArgs): Promise<TriggerAnswer | null>;

  /** Pauses a schedule or ends its pause; null: no such schedule, or another revision. */
  pause(args: PauseArgs): Promise<{ revision: number } | null>;

  /** Forgets a schedule with its ledger; its jobs go on. */
  remove(args: RemoveArgs): Promise<RemoveAnswer>;

  /** One schedule with its ledger; null: not known. */
  schedule(args: { scheduleId: string }): Promise<ScheduleDetail | null>;

  /** A page of schedules, in bounded steps. */
  schedules(args: SchedulesArgs): Promise<SchedulePage>;

  /**
   * Compares a piece of all schedules with the index of their cursors, mends it, and names those
   * that need a scheduler's judgement. The fleet does one piece a minute, each from where the last
   * one ended. An urgent walk has a place of its own, waits for nothing and puts nothing off.
   */
  tend(args: TendArgs): Promise<Tended>;

  /**
   * Tells what is known to be decided, to a store that may have gone back in time: none of it
   * fires again. The cursor moves on where the store has the definition that was in force then.
   * Answers the ids of schedules that the store does not have.
   */
  recover(args: { decided: readonly Decided[] }): Promise<string[]>;

  /** One job by its public id; null: not known (any more). */
  get(args: JobRef): Promise<JobView | null>;

  /** Ends a waiting job as cancelled, marks a running one; null: not known. */
  cancel(args: JobRef): Promise<CancelAnswer | null>;

  /**
   * Issues a dead or cancelled job again: same public id, new number, counters at zero; null: not
   * known.
   */
  redrive(args: JobRef): Promise<RedriveAnswer | null>;

  /** A page of the jobs of a task in one state, in bounded steps. */
  list(args: ListArgs): Promise<JobPage>;

  /** How many jobs of a task are in each state, and how many have ended so far. */
  counts(args: { taskId: string }): Promise<TaskCounts>;

  /** Deletes what is past its keeping time or count, a bounded piece; true: there is more. */
  prune(args: PruneArgs): Promise<boolean>;

  /**
   * Compares a piece of a task's records with what points at them, and mends what does not fit:
   * nothing stays that would keep a job from running or ending, or that nobody would ever forget.
   */
  mend(args: MendArgs): Promise<Mended>;

  /**
   * Calls `listener` when something may be there for this scheduler; only a hint. Returns the way
   * to stop it.
   */
  onWake(listener: (wake: Wake) => void): () => void;

  /** Calls `listener` when the store was lost and when it is back. Returns the way to stop it. */
  onConnection(listener: (change: ConnectionChange) => void): () => void;

  /**
   * What is in force now, as `open` says it; null, or absent: that never changes. Rejects with
   * `DURABILITY_UNAVAILABLE` when `durability` cannot be kept any more.
   */
  guarantee?(): Promise<StoreInfo | null>;

  /** What the store is like, for people; only reads. Rejects when it cannot be reached. */
  examine(args: ExamineArgs): Promise<Finding[]>;

  /** The truth about the connection at this moment. Never rejects. */
  health(): StoreHealth;

  /**
   * Says good-bye (no longer a sleeper), closes connections and files; calls in flight reject. A
   * later verb opens it again.
   */
  close(): Promise<void>;
}

export interface StoreInfo {
  /** One line for people: which store, where, and what survives a crash of it. */
  description: string;
  /** The store's clock, epoch ms. */
  now: number;
  /** What an answer means; absent: that the store has it. */
  durability?: Durability;
  /** Warnings about the store's settings, each with what to do. */
  warnings: string[];
}

/** `shard`: the one it comes from; absent: the home of the task. */
export type Wake =
  /** A job of this task is ready, or becomes due earlier than known. */
  | { kind: "task"; taskId: string; shard?: number }
  /** A push has claimed a job for this scheduler. `isLate`: it may be somebody else's by now. */
  | { kind: "handed"; batch: HandedBatch; isLate: boolean }
  /** Something changed; look. */
  | { kind: "look"; shard?: number }
  /** A job that this scheduler runs was cancelled. */
  | { kind: "cancelled"; fence: string; taskId: string; number: string; shard?: number }
  /** That task is known to be spread over several shards: see `spreads`. */
  | { kind: "spread"; taskId: string };

export type ConnectionChange =
  /** `isPart`: others go on. */
  | { kind: "lost"; error: Error; isPart?: boolean }
  /**
   * `emptied`: the store is not the one that was lost, or has lost its data; register again.
   * `isPart`: others are still away.
   */
  | { kind: "back"; emptied: boolean; isPart?: boolean };

export interface StoreHealth {
  /** All of it. */
  connected: boolean;
  /** Parts that are away while others answer, each as people call it. */
  away?: readonly string[];
  /** Ms since the last completed call; null: none yet. */
  sinceAnswerMs: number | null;
  lastError: string | null;
}
