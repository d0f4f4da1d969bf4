/** The words that tests of the contract are written in: jobs, rules, outcomes, times. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { JobRules, RetryRule } from "../../src/core/job.js";
import { DEFAULT_KEEP, type KeepRules } from "../../src/core/keep.js";
import type {
  ClaimedBatch,
  ClaimedJob,
  NewJob,
  Registration,
  ScheduleWrite,
  Settle,
  SettleOutcome,
} from "../../src/store/contract.js";

/** The task of a test that needs only one. */
export const TASK = "mail";

/** Long, so that real time passing on a slow machine never lets one expire. */
export const LEASE_MS = 60_000;

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export const KEEP: KeepRules = DEFAULT_KEEP;

/** Completed jobs are kept, too. */
export const KEEP_COMPLETED: KeepRules = { ...KEEP, completed: { ageMs: DAY_MS, count: 100 } };

export const KEEP_NOTHING: KeepRules = {
  idMs: 0,
  idCount: 0,
  completed: { ageMs: 0, count: 0 },
  dead: { ageMs: 0, count: 0 },
  cancelled: { ageMs: 0, count: 0 },
};

export const PLAIN_RULES: JobRules = { retry: null, priority: 0, timeoutMs: null };

/** Issued again without end and without a wait. */
export const AGAIN: RetryRule = { attempts: 0, waitMs: 0, backoff: "fixed" };

export function rules(change: Partial<JobRules>): JobRules {
  return { ...PLAIN_RULES, ...change };
}

export function newJob(change: Partial<NewJob> = {}): NewJob {
  return {
    taskId: TASK,
    id: null,
    payload: "",
    due: null,
    rules: PLAIN_RULES,
    occurrence: null,
    ...change,
  };
}

/** A job that is issued again after a crash. */
export function stubborn(change: Partial<NewJob> = {}): NewJob {
  return newJob({ rules: rules({ retry: AGAIN }), ...change });
}

/** A claimed job with the lease it is held by. */
export type Held = ClaimedJob & Pick<ClaimedBatch, "fence" | "taskId" | "alone" | "leaseMs">;

/** The one element of an array that must have one. */
export function only<T>(items: readonly T[]): T {
  expect(items).toHaveLength(1);
  return items[0] as T;
}

/** The jobs of all batches, in order, each with its lease. */
export function heldOf(batches: readonly ClaimedBatch[]): Held[] {
  return batches.flatMap(({ fence, taskId, alone, leaseMs, jobs }) =>
    jobs.map((job) => ({ ...job, fence, taskId, alone, leaseMs })),
  );
}

export function settleOf(held: Held, outcome: SettleOutcome): Settle {
  const { fence, taskId, number, id, ownId, occurrence } = held;
  const scheduleId = occurrence?.isTracked ? occurrence.scheduleId : null;
  return { fence, taskId, number, id: ownId ? id : null, scheduleId, outcome };
}

export const COMPLETED: SettleOutcome = { kind: "completed", result: null };
export const HAND_BACK: SettleOutcome = { kind: "handBack" };

export function retryIn(waitMs: number, cause: "failed" | "invalid" = "failed"): SettleOutcome {
  return { kind: "retry", waitMs, error: "not yet", cause };
}

/** What the jobs were named by `pushNamed`. */
export function names(jobs: readonly { payload: string }[]): unknown[] {
  return jobs.map((job) => JSON.parse(job.payload) as unknown);
}

/** The schedule of a test that needs only one. */
export const SCHEDULE = "s";

/** For looks that are after jobs only. */
export const NO_SCHEDULES = {
  fireable: { taskIds: [], scheduleIds: [] },
  registration: null,
} as const;

/** Times of a test, as a real clock goes on: off by no more than this. */
export const SLACK_MS = 10_000;

/** A schedule; its digest tells everything apart that its definition would. */
export function schedule(change: Partial<ScheduleWrite> = {}): ScheduleWrite {
  const whole: ScheduleWrite = {
    scheduleId: SCHEDULE,
    taskId: TASK,
    definition: '{"v":1}',
    digest: "",
    payload: "",
    rules: PLAIN_RULES,
    overlap: "allow",
    local: false,
    jitterMs: 0,
    firstAt: null,
    decidedAt: null,
    generation: null,
    ...change,
  };
  return { ...whole, digest: change.digest ?? digestOf(whole) };
}

/** A definition that is told from others by a name. */
export function defined(name: string): Pick<ScheduleWrite, "definition"> {
  return { definition: JSON.stringify(name) };
}

/** The registration of a scheduler with these definitions. */
export function registered(set: string, leaseMs: number = LEASE_MS): Registration {
  return { set, leaseMs };
}

function digestOf(write: ScheduleWrite): string {
  const { scheduleId, taskId, definition, payload, rules, overlap, local, jitterMs } = write;
  const all = [scheduleId, taskId, definition, payload, rules, overlap, local, jitterMs];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 16);
}
