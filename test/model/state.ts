/**
 * All that the model store remembers: plain records in maps and lists, so that a copy of it is a
 * snapshot. Redundant only where `invariants.ts` compares the two sides.
 */
import type { DeadReason, JobCounts, JobRules, JobState, Occurrence } from "../../src/core/job.js";
import type { Offer } from "../../src/core/schedule/in-force.js";
import type { FiredHow, LedgerEntry } from "../../src/core/schedule/ledger.js";
import type { Overlap } from "../../src/core/schedule/overlap.js";
import type { Pause } from "../../src/store/contract.js";

export interface Job {
  number: number;
  taskId: string;
  /** null: the id is made of the number. */
  id: string | null;
  state: JobState;
  payload: string;
  rules: JobRules;
  occurrence: Occurrence | null;
  counts: JobCounts;
  pushedAt: number;
  /** Its place in the line, the lowest first; kept while it runs, for the way back. */
  place: number | null;
  /** It killed its process so often that it has to run alone. */
  alone: boolean;
  dueAt: number | null;
  fence: number | null;
  cancelling: boolean;
  progress: string | null;
  /** The number of the schedule that its end concerns. */
  schedule: number | null;
  endedAt: number | null;
  reason: DeadReason | null;
  error: string | null;
  result: string | null;
}

export interface KnownId {
  number: number;
  /** null: the job has not ended. */
  state: JobState | null;
  endedAt: number;
  keepUntil: number;
}

export interface Totals {
  pushed: number;
  completed: number;
  dead: number;
  cancelled: number;
  failures: number;
  crashes: number;
  dropped: number;
}

export interface Task {
  name: string;
  jobs: Map<number, Job>;
  ids: Map<string, KnownId>;
  /** Counted as jobs come, move and go. */
  there: Record<JobState, number>;
  totals: Totals;
}

export interface Lease {
  fence: number;
  taskId: string;
  owner: string;
  endsAt: number;
  lengthMs: number;
  /** Of the jobs that run under it. */
  numbers: Set<number>;
  /** Handed over by a push, and its owner has not been heard of. */
  isUnconfirmed: boolean;
}

/** An occurrence on its way to become a job. */
export interface Arrival {
  scheduledFor: number;
  isCatchup: boolean;
  missedCount: number;
  how: FiredHow;
  jobId: string | null;
}

export interface Schedule {
  /** Never used again, not even for a schedule of the same id. */
  number: number;
  id: string;
  taskId: string;
  code: boolean;
  definition: string;
  digest: string;
  payload: string;
  rules: JobRules;
  overlap: Overlap;
  local: boolean;
  jitterMs: number;
  generation: number;
  revision: number;
  nextAt: number | null;
  decidedAt: number;
  firedCount: number;
  pause: Pause | null;
  offers: Offer[];
  registeredAt: number;
  /** Numbers of its tracked jobs that have not ended. */
  open: number[];
  buffered: Arrival[];
  /** In the order in which they were written. */
  ledger: LedgerEntry[];
  /** Every instant that the cursor ever fired; for the invariants only. */
  everFired: number[];
}

export interface Sleeper {
  identity: string;
  taskIds: readonly string[];
  fires: readonly string[];
  firesLocal: readonly string[];
  /** Why it wakes before its poll; null: it does not. */
  cause: string | null;
  wakeAt: number | null;
  pollMs: number;
  validUntil: number;
}

/** Who was chosen to empty itself for a job that runs alone. */
export interface Reservation {
  by: string;
  until: number;
  /** How long it was. */
  lengthMs: number;
}

export interface State {
  lastNumber: number;
  lastFence: number;
  tasks: Map<string, Task>;
  leases: Map<number, Lease>;
  schedules: Map<string, Schedule>;
  /** Registered sets of definitions, by the end of their registration. */
  sets: Map<string, number>;
  sleepers: Map<string, Sleeper>;
  reservations: Reservation[];
  /** The last job that was given to run alone. */
  aloneRun: { fence: number; since: number } | null;
  /** Until then others have their turn. */
  aloneRestUntil: number;
  /** When somebody last noted the time while leases stood. */
  notedAt: number;
  /** From then on every lease has its whole length again; 0: nobody was away. */
  graceFrom: number;
  registrations: number;
  setsNotedAt: number;
  setsGraceUntil: number;
  setsJudgedAt: number;
  holdUntil: number;
  /** The data for which the last hold was set. */
  holdKey: string;
  tendedAt: number;
  tendedTo: string;
  /** Of an urgent walk. */
  mendedTo: string;
}

export function emptyState(): State {
  return {
    lastNumber: 0,
    lastFence: 0,
    tasks: new Map(),
    leases: new Map(),
    schedules: new Map(),
    sets: new Map(),
    sleepers: new Map(),
    reservations: [],
    aloneRun: null,
    aloneRestUntil: 0,
    notedAt: 0,
    graceFrom: 0,
    registrations: 0,
    setsNotedAt: 0,
    setsGraceUntil: 0,
    setsJudgedAt: 0,
    holdUntil: 0,
    holdKey: "",
    tendedAt: 0,
    tendedTo: "",
    mendedTo: "",
  };
}

export function emptyTask(name: string): Task {
  return {
    name,
    jobs: new Map(),
    ids: new Map(),
    there: { scheduled: 0, ready: 0, running: 0, completed: 0, dead: 0, cancelled: 0 },
    totals: { pushed: 0, completed: 0, dead: 0, cancelled: 0, failures: 0, crashes: 0, dropped: 0 },
  };
}
