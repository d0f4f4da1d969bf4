/** What the verbs on schedules take and answer. The words are those of core/schedule. */

import type { JobRules } from "../../core/job.js";
import type { KeepRules } from "../../core/keep.js";
import type { LedgerEntry } from "../../core/schedule/ledger.js";
import type { Decision } from "../../core/schedule/outcome.js";
import type { Overlap } from "../../core/schedule/overlap.js";
import type { PushAnswer } from "./push.js";

/** How long a scheduler that has registered schedules counts as alive after its last look, ms. */
export interface Registration {
  /** Digest of all that this scheduler has registered; equal sets have equal digests. */
  set: string;
  leaseMs: number;
}

/** Everything that a store has to know about a schedule; it never computes an occurrence. */
export interface ScheduleWrite {
  scheduleId: string;
  taskId: string;
  /** The rule as JSON text, without the data; read by schedulers only. */
  definition: string;
  /** 16 digits of hex over all of it: two digests that differ are two definitions. */
  digest: string;
  /** JSON text of the data of its jobs; "" = none. */
  payload: string;
  rules: JobRules;
  overlap: Overlap;
  /** True: only those that registered it can fire it, because a function belongs to it. */
  local: boolean;
  /** Each occurrence is due this long after its instant, ms. */
  jitterMs: number;
  /** The first occurrence that is due after what the caller took for now; null: it has none. */
  firstAt: number | null;
  /** Up to here all is decided, as far as the caller knows, epoch ms; null: it knows nothing. */
  decidedAt: number | null;
  /** The generation that an earlier answer named for this digest; null: none did. */
  generation: number | null;
}

export interface RegisterArgs {
  /** null: run-time schedules, which belong to no program and are never orphans. */
  registration: Registration | null;
  schedules: readonly ScheduleWrite[];
}

/**
 * - `added`, `changed`, `unchanged`: this definition is in force
 * - `superseded`: another one is, of a higher generation, and a live scheduler has registered it
 * - `conflict`: the id belongs to another task or to the other kind (run-time, code), and is not
 *   given up: nothing was written
 * - `due`: another definition is in force and has a due occurrence, which has to be decided first;
 *   the generation was noted, nothing else was written
 * - `stale`: `firstAt` is due already by the store's clock: ask again with `now`
 * - `away`: it may be in a part of the store that is away: nothing is known to be written. Where
 *   that is so of all, the call rejects
 */
export type RegisterOutcome =
  | "added"
  | "changed"
  | "unchanged"
  | "superseded"
  | "conflict"
  | "due"
  | "stale"
  | "away";

export interface RegisterAnswer {
  scheduleId: string;
  outcome: RegisterOutcome;
  /** Of the given definition; 0 for run-time schedules and conflicts. */
  generation: number;
  /** Of the schedule: rises with every change of definition or pause. */
  revision: number;
  /** The cursor. */
  nextAt: number | null;
  /** True: live schedulers have registered another definition of it, too. */
  contested: boolean;
  /** The store's clock, epoch ms. */
  now: number;
}

/** What has to be known to decide a schedule's due occurrences. */
export interface DueSchedule {
  scheduleId: string;
  taskId: string;
  revision: number;
  definition: string;
  /** Of definition and payload. */
  digest: string;
  /** The cursor: the next instant that is not decided; null: lost, or at its end. */
  nextAt: number | null;
  /** Nothing up to here fires again, epoch ms; 0: nothing has been decided. */
  decidedAt: number;
  /** How many occurrences have fired, for `limit`. */
  firedCount: number;
  /** It is paused; `until` null: until it is resumed. */
  paused: Pause | null;
  /** True: made by code; false: at run time. */
  code: boolean;
  /** Code schedules: until when a live scheduler registers it, as far as is known, epoch ms. */
  registeredUntil: number | null;
}

export interface Pause {
  at: number;
  until: number | null;
  reason: string;
  /** True: paused because nobody registers it any more; registering it ends this. */
  orphaned: boolean;
}

export interface FireArgs {
  taskId: string;
  /** At most 100, all of this task. */
  fires: readonly Fire[];
  /** For waiting jobs that `cancelOther` ends. */
  keep: KeepRules;
}

export interface Fire {
  scheduleId: string;
  /** What the caller saw. */
  revision: number;
  seenAt: number | null;
  /** The next cursor; null: the schedule has come to its end. */
  nextAt: number | null;
  /** In the order of their instants. */
  decisions: readonly Decision[];
}

/** null: cursor or revision are not what the caller saw, or it is not due: nothing was done. */
export type FireAnswer = { outcomes: FireOutcome[] } | null;

/** What became of a decision. */
export type FireOutcome =
  | { kind: "fired"; job: PushAnswer }
  /** It becomes a job when the earlier ones have ended. */
  | { kind: "buffered" }
  | { kind: "skipped"; reason: "overlap" | "full" }
  /** Noted in the ledger. */
  | { kind: "passed" };

export interface TriggerArgs {
  scheduleId: string;
  /**
   * Fires for these instants, at most 100, beside the cursor: their jobs have the id
   * `scheduleId@instant`, so that asking twice makes them once. null: once, for now.
   */
  instants: readonly number[] | null;
  /** null: the schedule's own. */
  overlap: Overlap | null;
  /** For waiting jobs that `cancelOther` ends. */
  keep: KeepRules;
}

export interface TriggerAnswer {
  taskId: string;
  /** In the order of the instants; `created` false: this occurrence was triggered before. */
  outcomes: { scheduledFor: number; outcome: FireOutcome }[];
}

export interface PauseArgs {
  scheduleId: string;
  /** null: resume; what was due meanwhile is decided as skipped by whoever looks next. */
  pause: { until: number | null; reason: string; orphaned: boolean } | null;
  /** Only if this is still the revision; null: in any case. */
  revision: number | null;
}

export interface RemoveArgs {
  scheduleId: string;
  /** Only if this is still the revision; null: in any case. */
  revision: number | null;
}

/** `live`: it was not removed, because a live scheduler registers it in its code. */
export type RemoveAnswer = "removed" | "live" | "changed" | "unknown";

export interface ScheduleView extends DueSchedule {
  payload: string;
  rules: JobRules;
  overlap: Overlap;
  /** 0 for run-time schedules. */
  generation: number;
  digest: string;
  /** Public ids of its jobs that have not ended; only with another overlap policy than `allow`. */
  open: string[];
  /** Instants that wait for an earlier job to end. */
  buffered: number[];
}

export interface ScheduleDetail extends ScheduleView {
  /** Oldest first; fired and not fired in one row. */
  ledger: LedgerEntry[];
  now: number;
}

export interface SchedulesArgs {
  /** null: of all tasks. */
  taskId: string | null;
  /** From the page before; null: from the beginning. */
  cursor: string | null;
  limit: number;
}

export interface SchedulePage {
  /** By schedule id. A page may have fewer than `limit`, and be followed by another. */
  schedules: ScheduleView[];
  cursor: string | null;
  now: number;
}

export interface TendArgs {
  /**
   * True: without waiting for its time, because a look found that something is missing, and from
   * where the last urgent piece ended.
   */
  urgent: boolean;
}

export interface Tended {
  /** Code schedules that nobody alive registers, and those whose cursor is lost. */
  doubtful: DueSchedule[];
  /** True: a piece was done, and there is more. */
  more: boolean;
  now: number;
}

/** What schedulers know to be decided, told to a store that may have gone back in time. */
export interface Decided {
  scheduleId: string;
  taskId: string;
  decidedAt: number;
  /** The cursor after it, by the definition with that digest. */
  nextAt: number | null;
  digest: string;
}
