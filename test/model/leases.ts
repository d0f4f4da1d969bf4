/** Leases: one for each claimed batch, renewed by its owner, reaped when it has expired. */
import { type DeadReason, MAX_CRASHES_IN_ROW, type RetryRule } from "../../src/core/job.js";
import type { KeepRules } from "../../src/core/keep.js";
import type { LeaseRef, ReapArgs, Reaped, RenewArgs, Renewed } from "../../src/store/contract.js";
import { CANCELLED, type End, endJob } from "./end.js";
import { noteLease, noteTime } from "./grace.js";
import { digits, nextFence, numberOf, publicId, type Scope, sortedBy, taskOf } from "./scope.js";
import { goToFront, issueAgain } from "./settle.js";
import type { Job, Lease, Task } from "./state.js";

const LONGEST_WAIT_MS = 3_600_000;

/** More expired leases than this are not handed to one scheduler at once. */
const MOST_EXPIRED = 20;

export function createLease(
  scope: Scope,
  taskId: string,
  { lengthMs, owner }: { lengthMs: number; owner: string },
): Lease {
  noteLease(scope, lengthMs);
  const fence = nextFence(scope);
  const numbers = new Set<number>();
  const endsAt = scope.now + lengthMs;
  const lease = { fence, taskId, owner, endsAt, lengthMs, numbers, isUnconfirmed: false };
  scope.state.leases.set(fence, lease);
  return lease;
}

export function renew(scope: Scope, { leases, progress }: RenewArgs): Renewed {
  const { state, now } = scope;
  noteTime(scope);
  const answer: Renewed = { lost: [], cancelled: [] };
  const held = new Set<number>();
  for (const { fence, taskId } of leases) {
    const lease = state.leases.get(numberOf(fence));
    if (lease === undefined) {
      answer.lost.push({ fence, taskId });
      continue;
    }
    lease.endsAt = now + lease.lengthMs;
    held.add(lease.fence);
    const task = taskOf(scope, lease.taskId);
    for (const number of lease.numbers) {
      if (!task.jobs.get(number)?.cancelling) continue;
      answer.cancelled.push({ fence, taskId, number: digits(number) });
    }
  }
  for (const { taskId, number, value } of progress) {
    const job = state.tasks.get(taskId)?.jobs.get(numberOf(number));
    if (job !== undefined && held.has(job.fence ?? -1)) job.progress = value;
  }
  return answer;
}

/** Leases that may be reaped now, of any task. */
export function expiredLeases({ state, now }: Scope, graceFrom: number): LeaseRef[] {
  const expired = [...state.leases.values()].filter((lease) => isOver(lease, now, graceFrom));
  return sortedBy(expired, ({ endsAt }) => [endsAt])
    .slice(0, MOST_EXPIRED)
    .map(({ fence, taskId }) => ({ fence: digits(fence), taskId }));
}

/** It has ended, and had its whole length since the last outage. */
function isOver({ endsAt, lengthMs }: Lease, now: number, graceFrom: number): boolean {
  return endsAt <= now && graceFrom + lengthMs <= now;
}

/** When the next lease can be reaped, if before `latest`; else `latest`. */
export function nextExpiry(
  { state }: Scope,
  { graceFrom, latest }: { graceFrom: number; latest: number },
): number {
  const ends = [...state.leases.values()].map(({ endsAt, lengthMs }) =>
    Math.max(endsAt, graceFrom + lengthMs),
  );
  return Math.min(latest, ...ends);
}

export function reap(scope: Scope, { leases, random, keep }: ReapArgs): Reaped[] {
  const { from } = noteTime(scope);
  return leases.flatMap((named) => {
    const lease = scope.state.leases.get(numberOf(named.fence));
    if (lease === undefined || !isOver(lease, scope.now, from)) return [];
    const task = taskOf(scope, lease.taskId);
    const jobs = [...lease.numbers].flatMap((number) => task.jobs.get(number) ?? []);
    const inOrder = sortedBy(jobs, ({ rules, place }) => [rules.priority, place ?? 0]);
    scope.state.leases.delete(lease.fence);
    return inOrder.map((job) => reapJob(scope, { task, job, lease, random, keep }));
  });
}

interface Crash {
  task: Task;
  job: Job;
  lease: Lease;
  random: number;
  keep: KeepRules;
}

function reapJob(scope: Scope, crash: Crash): Reaped {
  const { task, job, lease, keep } = crash;
  const { number, rules } = job;
  job.fence = null;
  const end = crashEnd(task, job, lease);
  let now: { state: Reaped["state"]; dueAt: number | null };
  if (end !== null) {
    endJob(scope, { task, job, end, keep });
    now = { state: end.state, dueAt: null };
  } else if (lease.isUnconfirmed) {
    goToFront(scope, task, job);
    now = { state: "ready", dueAt: null };
  } else {
    Object.assign(job, { progress: null, alone: job.counts.crashesInRow >= 3 });
    now = issueAgain(scope, { task, job, dueAt: dueAfter(crash, rules.retry) });
  }
  return {
    ...{ taskId: task.name, fence: digits(lease.fence), number: digits(number) },
    ...{ id: publicId({ id: job.id, number }), ...now, reason: end?.reason ?? null },
    counts: { ...job.counts },
  };
}

/** Counts a crash; how the job ends by it, or null: it does not. */
function crashEnd(task: Task, { cancelling, counts, rules }: Job, lease: Lease): End | null {
  if (cancelling) return CANCELLED;
  // for all that is known it never began
  if (lease.isUnconfirmed) return null;
  if (rules.retry === null) return deadBy("interrupted");
  counts.crashes += 1;
  counts.crashesInRow += 1;
  task.totals.crashes += 1;
  const { attempts } = rules.retry;
  const isSpent = attempts > 0 && counts.failures + counts.crashes >= attempts;
  return isSpent || counts.crashesInRow >= MAX_CRASHES_IN_ROW ? deadBy("crashes") : null;
}

function deadBy(reason: DeadReason): End {
  return { state: "dead", reason, error: null, result: null };
}

/** The later of the lease's end and the last renewal + a wait that doubles with each crash. */
function dueAfter({ job, lease, random }: Crash, retry: RetryRule | null): number {
  const inRow = job.counts.crashesInRow;
  const spread = inRow === 1 ? 1 : 0.5 + random;
  const waitMs = Math.min((retry?.waitMs ?? 0) * 2 ** (inRow - 1) * spread, LONGEST_WAIT_MS);
  const renewedAt = lease.endsAt - lease.lengthMs;
  return Math.ceil(Math.max(lease.endsAt, renewedAt + waitMs));
}
