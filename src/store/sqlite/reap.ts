/** reap: takes back the jobs of expired leases; each is issued again or ends, as its rules say. */
import { type DeadReason, MAX_CRASHES_IN_ROW, type RetryRule } from "../../core/job.js";
import type { KeepRules } from "../../core/keep.js";
import { decodeHead } from "../../core/record.js";
import type { LeaseRef, ReapArgs, Reaped } from "../contract.js";
import { CANCELLED, type End, endJob } from "./ending.js";
import { noteTime } from "./grace.js";
import { laneOf } from "./line.js";
import { STATE } from "./schema.js";
import {
  countsOf,
  digits,
  FACTS,
  type JobFacts,
  joinEnd,
  numberOf,
  publicId,
  type Scope,
} from "./scope.js";
import { count, countMove, type TaskRow } from "./tasks.js";

const LONGEST_WAIT_MS = 3_600_000;

/** A big lease is enough for one step; the next look names the others again. */
const ENOUGH_JOBS = 100;

interface Lease {
  fence: number;
  task: number;
  ends_at: number;
  length_ms: number;
}

export function reap(scope: Scope, { leases, random, keep }: ReapArgs): Reaped[] {
  const { from: graceFrom } = noteTime(scope);
  const reaped: Reaped[] = [];
  for (const lease of leases) {
    if (reaped.length >= ENOUGH_JOBS) break;
    reaped.push(...reapLease(scope, { lease, graceFrom, random, keep }));
  }
  return reaped;
}

interface Reaping {
  lease: LeaseRef;
  graceFrom: number;
  random: number;
  keep: KeepRules;
}

function reapLease(scope: Scope, { lease: named, graceFrom, random, keep }: Reaping): Reaped[] {
  const { tx, now } = scope;
  const lease = tx.get<Lease>(
    `SELECT fence, task, ends_at, length_ms FROM lease
     WHERE fence = ? AND space = ? AND ends_at <= ? AND length_ms <= ?`,
    ...[numberOf(named.fence), scope.space, now, now - graceFrom],
  );
  if (lease === undefined) return [];
  const task = tx.taskById(lease.task);
  const jobs = tx.all<JobFacts>(
    `SELECT ${FACTS} FROM job INDEXED BY job_running
     WHERE task = ? AND state = ${STATE.running} AND fence = ? ORDER BY priority, place`,
    ...[lease.task, lease.fence],
  );
  tx.run("DELETE FROM lease WHERE fence = ?", lease.fence);
  return jobs.map((job) => reapJob(scope, { task, job, lease, random, keep }));
}

interface Crash {
  task: TaskRow;
  job: JobFacts;
  lease: Lease;
  random: number;
  keep: KeepRules;
}

function reapJob(scope: Scope, { task, job, lease, random, keep }: Crash): Reaped {
  const { id, rules } = decodeHead(job.head);
  const end = countCrash(task, job, rules.retry);
  let state: Reaped["state"];
  let dueAt: number | null = null;
  if (end !== null) {
    endJob(scope, { task, job, end, keep });
    state = end.state;
  } else {
    dueAt = issueAgain(scope, { task, job, lease, waitMs: waitOf(rules.retry, job, random) });
    state = dueAt === null ? "ready" : "scheduled";
  }
  return {
    taskId: task.name,
    fence: digits(lease.fence),
    number: digits(job.number),
    id: publicId(id, job.number),
    state,
    reason: end?.reason ?? null,
    dueAt,
    counts: countsOf(job),
  };
}

/** How the job ends by this crash; null: it does not. */
function countCrash(task: TaskRow, job: JobFacts, retry: RetryRule | null): End | null {
  if (job.cancelling === 1) return CANCELLED;
  if (retry === null) return deadBy("interrupted");
  job.crashes += 1;
  job.crashes_in_row += 1;
  count(task, "all_crashes", 1);
  const isSpent = retry.attempts > 0 && job.failures + job.crashes >= retry.attempts;
  return isSpent || job.crashes_in_row >= MAX_CRASHES_IN_ROW ? deadBy("crashes") : null;
}

function deadBy(reason: DeadReason): End {
  return { state: "dead", reason, error: null, result: null };
}

/** The wait after the last renewal: doubled with each crash in a row, spread from the second on. */
function waitOf(retry: RetryRule | null, job: JobFacts, random: number): number {
  const inRow = job.crashes_in_row;
  const spread = inRow === 1 ? 1 : 0.5 + random;
  return Math.min((retry?.waitMs ?? 0) * 2 ** (inRow - 1) * spread, LONGEST_WAIT_MS);
}

/** When the job is due again, epoch ms; null: it is ready, as the last in line. */
function issueAgain(
  scope: Scope,
  { task, job, lease, waitMs }: { task: TaskRow; job: JobFacts; lease: Lease; waitMs: number },
): number | null {
  const renewedAt = lease.ends_at - lease.length_ms;
  const dueAt = Math.ceil(Math.max(lease.ends_at, renewedAt + waitMs));
  const isReady = dueAt <= scope.now;
  const place = isReady ? joinEnd(scope, task) : null;
  if (!isReady) scope.tx.notice(task, dueAt);
  const state = isReady ? "ready" : "scheduled";
  scope.tx.run(
    `UPDATE job SET state = ?, lane = ?, place = ?, due_at = ?, fence = NULL, progress = NULL,
       crashes = ?, crashes_in_row = ? WHERE number = ?`,
    ...[STATE[state], laneOf(job.crashes_in_row), place, isReady ? null : dueAt],
    ...[job.crashes, job.crashes_in_row, job.number],
  );
  countMove(task, "running", state);
  return isReady ? null : dueAt;
}
