/** Ends attempts: what became of each settle, in order. Those after reaping change nothing. */
import type { Settle, SettleAnswer, SettleOutcome, WorkArgs } from "../contract.js";
import type { Value } from "./driver.js";
import { CANCELLED, endJob } from "./ending.js";
import { factsOf } from "./ids.js";
import { dropEmptyLease } from "./leases.js";
import { STATE } from "./schema.js";
import { digits, type JobFacts, joinEnd, numberOf, type Scope } from "./scope.js";
import { count, countMove, type TaskRow } from "./tasks.js";
import { toStoredOrNull } from "./text.js";

/** A handed-back job stands before all others of its priority; such jobs keep their order. */
const FRONT = 8_000_000_000_000_000;

const COMPLETED: SettleAnswer = Object.freeze({ state: "completed", dueAt: null });

export function settleAll(scope: Scope, { settles, keep }: WorkArgs): SettleAnswer[] {
  if (settles.length === 0) return [];
  const attempts = attemptsOf(settles);
  if (keep.completed.count === 0)
    for (const lease of attempts.values()) completePlain(scope, lease);
  const answers = settles.map((settle): SettleAnswer => {
    if (attempts.get(settle.fence)?.done.delete(settle.number)) return COMPLETED;
    const task = scope.tx.findTask(scope.space, settle.taskId);
    const job = task === null ? null : factsOf(scope, task, numberOf(settle.number));
    if (task === null || job === null) return "lost";
    if (job.state !== STATE.running || job.fence !== numberOf(settle.fence)) return "lost";
    return settleOne(scope, { task, job, outcome: settle.outcome, keep });
  });
  for (const fence of attempts.keys()) dropEmptyLease(scope, numberOf(fence));
  return answers;
}

/** What is settled of one lease. */
interface LeaseEnds {
  fence: string;
  taskId: string;
  /** Numbers of attempts that completed, as far as they may be of concern to nobody else. */
  plain: string[];
  named: Set<string>;
  /** Those of `plain` that have been ended. */
  done: Set<string>;
}

function attemptsOf(settles: readonly Settle[]): Map<string, LeaseEnds> {
  const leases = new Map<string, LeaseEnds>();
  let lease: LeaseEnds | undefined;
  for (const { fence, taskId, number, id, outcome } of settles) {
    if (lease?.fence !== fence) lease = leases.get(fence);
    if (lease === undefined) {
      lease = { fence, taskId, plain: [], named: new Set(), done: new Set() };
      leases.set(fence, lease);
    }
    // of several settles of one attempt the first counts, whatever it says
    const isFirst = lease.named.size < lease.named.add(number).size;
    if (!isFirst || outcome.kind !== "completed" || id !== null) continue;
    if (taskId === lease.taskId) lease.plain.push(number);
  }
  return leases;
}

/** Completed, not kept, of concern to nobody else. */
const PLAIN = `number IN (SELECT value FROM json_each(?)) AND task = ?
  AND state = ${STATE.running} AND fence = ? AND cancelling = 0 AND schedule IS NULL`;

/** The common case in two statements per lease; naming the rows that went would cost more. */
function completePlain(scope: Scope, { fence, taskId, plain, done }: LeaseEnds): void {
  const { tx } = scope;
  const task = plain.length === 0 ? null : tx.findTask(scope.space, taskId);
  if (task === null) return;
  const rules: Value[] = [JSON.stringify(plain.map(numberOf)), task.id, numberOf(fence)];
  const all = tx.get<{ n: number }>(`SELECT count(*) AS n FROM job WHERE ${PLAIN}`, ...rules);
  let ended = plain;
  if (all?.n === plain.length) tx.run(`DELETE FROM job WHERE ${PLAIN}`, ...rules);
  else {
    const sql = `DELETE FROM job WHERE ${PLAIN} RETURNING number`;
    ended = tx.all<{ number: number }>(sql, ...rules).map(({ number }) => digits(number));
  }
  count(task, "running", -ended.length);
  count(task, "all_completed", ended.length);
  for (const number of ended) done.add(number);
}

interface One {
  task: TaskRow;
  job: JobFacts;
  outcome: SettleOutcome;
  keep: WorkArgs["keep"];
}

function settleOne(scope: Scope, { task, job, outcome, keep }: One): SettleAnswer {
  if (job.cancelling === 1) {
    endJob(scope, { task, job, end: CANCELLED, keep });
    return { state: "cancelled", dueAt: null };
  }
  switch (outcome.kind) {
    case "completed": {
      const end = { ...CANCELLED, state: "completed", result: outcome.result } as const;
      endJob(scope, { task, job, end, keep });
      return { state: "completed", dueAt: null };
    }
    case "dead": {
      // an interrupted attempt did not fail: its scheduler stopped
      if (outcome.reason !== "interrupted") {
        countFailure(task, job, outcome.reason === "invalid" ? "invalid" : "failed");
      }
      const { reason, error } = outcome;
      endJob(scope, { task, job, end: { state: "dead", reason, error, result: null }, keep });
      return { state: "dead", dueAt: null };
    }
    case "retry":
      countFailure(task, job, outcome.cause);
      return retry(scope, { task, job, waitMs: outcome.waitMs, error: outcome.error });
    case "handBack":
      return handBack(scope, task, job);
  }
}

function countFailure(task: TaskRow, job: JobFacts, cause: "failed" | "invalid"): void {
  job.failures += 1;
  job.crashes_in_row = 0;
  job.invalid_in_row = cause === "invalid" ? job.invalid_in_row + 1 : 0;
  count(task, "all_failures", 1);
}

function retry(
  scope: Scope,
  {
    task,
    job,
    waitMs,
    error,
  }: { task: TaskRow; job: JobFacts; waitMs: number; error: string | null },
): SettleAnswer {
  const dueAt = Math.ceil(scope.exactNow + waitMs);
  const isReady = waitMs <= 0;
  const place = isReady ? joinEnd(scope, task) : null;
  if (!isReady) scope.tx.notice(task, dueAt);
  const state = isReady ? "ready" : "scheduled";
  scope.tx.run(
    `UPDATE job SET state = ?, place = ?, due_at = ?, fence = NULL, lane = 0,
       progress = NULL, error = ?,
       failures = ?, crashes_in_row = ?, invalid_in_row = ? WHERE number = ?`,
    ...[STATE[state], place, isReady ? null : dueAt, toStoredOrNull(error)],
    ...[job.failures, job.crashes_in_row, job.invalid_in_row, job.number],
  );
  countMove(task, "running", state);
  return { state, dueAt: isReady ? null : dueAt };
}

function handBack(scope: Scope, task: TaskRow, job: JobFacts): SettleAnswer {
  const place = job.place ?? job.number;
  scope.tx.run(
    `UPDATE job SET state = ${STATE.ready}, place = ?, fence = NULL, progress = NULL,
       hand_offs = hand_offs + 1
     WHERE number = ?`,
    ...[place > 0 ? place - FRONT : place, job.number],
  );
  countMove(task, "running", "ready");
  scope.tx.notice(task, 0);
  return { state: "ready", dueAt: null };
}
