/** push: new jobs, in order; and the way from scheduled to ready. */
import { NO_COUNTS } from "../../src/core/job.js";
import type { NewJob, PushAnswer, PushArgs } from "../../src/store/contract.js";
import { bindId, knownId } from "./ids.js";
import {
  jobsIn,
  move,
  nextNumber,
  notice,
  publicId,
  type Scope,
  sortedBy,
  taskOf,
} from "./scope.js";
import type { Job, Task } from "./state.js";

export function push(scope: Scope, { jobs }: PushArgs): PushAnswer[] {
  return jobs.map((job) => pushJob(scope, job, null));
}

/** `schedule`: the number of the schedule that its end concerns. */
export function pushJob(scope: Scope, given: NewJob, schedule: number | null): PushAnswer {
  const task = taskOf(scope, given.taskId);
  const known = given.id === null ? null : knownJob(scope, task, given.id);
  if (known !== null) return known;
  const dueAt = dueAtOf(given, scope.now);
  // who was due before joins the line before
  if (dueAt === null) promoteDue(scope, task);
  const job = newJob(scope, { given, dueAt, schedule });
  task.jobs.set(job.number, job);
  task.there[job.state] += 1;
  task.totals.pushed += 1;
  if (job.id !== null) bindId(task, job.id, job.number);
  notice(scope, task.name, dueAt ?? 0);
  return { id: publicId(job), created: true, state: job.state, dueAt };
}

/** null: due now. */
function dueAtOf({ due }: NewJob, now: number): number | null {
  if (due === null) return null;
  const dueAt = Math.ceil("in" in due ? now + due.in : due.at);
  return dueAt > now ? dueAt : null;
}

function newJob(
  scope: Scope,
  { given, dueAt, schedule }: { given: NewJob; dueAt: number | null; schedule: number | null },
): Job {
  const number = nextNumber(scope);
  const { taskId, id, payload, rules, occurrence } = given;
  return {
    ...{ number, taskId, id, payload, rules, occurrence, schedule, dueAt },
    ...{ state: dueAt === null ? "ready" : "scheduled", place: dueAt === null ? number : null },
    ...{ counts: { ...NO_COUNTS }, pushedAt: scope.now, alone: false, fence: null },
    ...{ cancelling: false, progress: null, endedAt: null, reason: null, error: null },
    result: null,
  };
}

/** What a push of this id finds; null: nothing, so that it makes a job. */
export function knownJob(scope: Scope, task: Task, id: string): PushAnswer | null {
  const known = knownId(scope, task, id);
  if (known === null) return null;
  if (known.state !== null) return { id, created: false, state: known.state, dueAt: null };
  const job = task.jobs.get(known.number);
  if (job === undefined) return null;
  return { id, created: false, state: job.state, dueAt: job.dueAt };
}

/** Scheduled jobs that are due become ready, in the order of their due times. */
export function promoteDue(scope: Scope, task: Task): void {
  const due = jobsIn(task, "scheduled").filter((job) => (job.dueAt ?? 0) <= scope.now);
  for (const job of sortedBy(due, ({ dueAt, number }) => [dueAt ?? 0, number])) {
    move(task, job, "ready");
    job.dueAt = null;
    job.place = nextNumber(scope);
  }
}
