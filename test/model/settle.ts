/** Ends attempts: what became of each, in order. One that has been reaped changes nothing. */
import type { KeepRules } from "../../src/core/keep.js";
import type { Settle, SettleAnswer, SettleOutcome, WorkArgs } from "../../src/store/contract.js";
import { CANCELLED, endJob, leaveLease } from "./end.js";
import { joinEnd, move, notice, numberOf, type Scope } from "./scope.js";
import type { Job, Task } from "./state.js";

/** A handed-back job stands before all others of its priority; such jobs keep their order. */
const FRONT = 8_000_000_000_000_000;

export function settleAll(scope: Scope, { settles, keep }: WorkArgs): SettleAnswer[] {
  return settles.map((settle) => {
    const found = attemptOf(scope, settle);
    return found === null ? "lost" : settleOne(scope, { ...found, outcome: settle.outcome, keep });
  });
}

/** The job, if it runs under the lease that the settle names. */
function attemptOf({ state }: Scope, settle: Settle): { task: Task; job: Job } | null {
  const task = state.tasks.get(settle.taskId);
  const job = task?.jobs.get(numberOf(settle.number));
  if (task === undefined || job === undefined || job.state !== "running") return null;
  return job.fence === numberOf(settle.fence) ? { task, job } : null;
}

interface One {
  task: Task;
  job: Job;
  outcome: SettleOutcome;
  keep: KeepRules;
}

function settleOne(scope: Scope, { task, job, outcome, keep }: One): SettleAnswer {
  if (job.cancelling) {
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
      const { reason, error } = outcome;
      // an interrupted attempt did not fail: its scheduler stopped
      if (reason !== "interrupted") {
        countFailure(task, job, reason === "invalid" ? "invalid" : "failed");
      }
      endJob(scope, { task, job, end: { state: "dead", reason, error, result: null }, keep });
      return { state: "dead", dueAt: null };
    }
    case "retry":
      return retry(scope, { task, job, outcome });
    case "handBack":
      return handBack(scope, task, job);
  }
}

function countFailure(task: Task, { counts }: Job, cause: "failed" | "invalid"): void {
  counts.failures += 1;
  counts.crashesInRow = 0;
  counts.invalidInRow = cause === "invalid" ? counts.invalidInRow + 1 : 0;
  task.totals.failures += 1;
}

function retry(
  scope: Scope,
  { task, job, outcome }: { task: Task; job: Job; outcome: SettleOutcome & { kind: "retry" } },
): SettleAnswer {
  const { waitMs, error, cause } = outcome;
  countFailure(task, job, cause);
  leaveLease(scope, job);
  Object.assign(job, { progress: null, error, alone: false });
  return issueAgain(scope, { task, job, dueAt: Math.ceil(scope.now + waitMs) });
}

/** Ready as the last in line, or due later. */
export function issueAgain(
  scope: Scope,
  { task, job, dueAt }: { task: Task; job: Job; dueAt: number },
): { state: "ready" | "scheduled"; dueAt: number | null } {
  if (dueAt <= scope.now) {
    move(task, job, "ready");
    job.place = joinEnd(scope, task.name);
    return { state: "ready", dueAt: null };
  }
  move(task, job, "scheduled");
  Object.assign(job, { place: null, dueAt });
  notice(scope, task.name, dueAt);
  return { state: "scheduled", dueAt };
}

function handBack(scope: Scope, task: Task, job: Job): SettleAnswer {
  leaveLease(scope, job);
  goToFront(scope, task, job);
  job.counts.handOffs += 1;
  return { state: "ready", dueAt: null };
}

export function goToFront(scope: Scope, task: Task, job: Job): void {
  const place = job.place ?? job.number;
  job.place = place > 0 ? place - FRONT : place;
  job.progress = null;
  move(task, job, "ready");
  notice(scope, task.name, 0);
}
