/** push: saves new jobs in order. */
import { encodeHead } from "../../core/record.js";
import type { NewJob, PushAnswer } from "../contract.js";
import { bindId, findId, type KnownId } from "./ids.js";
import { promoteDue } from "./promote.js";
import { STATE } from "./schema.js";
import { digits, publicId, type Scope, stateName } from "./scope.js";
import { count, countMove, type TaskRow } from "./tasks.js";
import { toStored } from "./text.js";

/** So many that were due before join the line for one that is pushed. */
const MOST_PROMOTED = 100;

export function push(scope: Scope, jobs: readonly NewJob[]): PushAnswer[] {
  return jobs.map((job) => pushJob(scope, job, null));
}

/** `schedule`: the number of the schedule that its end concerns; null: none. */
export function pushJob(scope: Scope, job: NewJob, schedule: number | null): PushAnswer {
  const { tx, now } = scope;
  const task = tx.task(scope.space, job.taskId);
  const known = job.id === null ? null : knownJob(scope, task, job.id);
  if (known !== null) return known;
  const dueAt = dueAtOf(job, scope);
  // who was due before joins the line before
  if (dueAt === null) promoteDue(scope, task, MOST_PROMOTED);
  const number = tx.nextNumber(now);
  const head = encodeHead({ id: job.id, rules: job.rules, occurrence: job.occurrence });
  const state = dueAt === null ? "ready" : "scheduled";
  tx.insertJob({
    number,
    task: task.id,
    schedule,
    state: STATE[state],
    priority: job.rules.priority,
    place: dueAt === null ? number : null,
    dueAt,
    pushedAt: now,
    head,
    payload: toStored(job.payload),
  });
  if (job.id !== null) bindId(scope, task, job.id, number);
  countPushed(scope, task, dueAt);
  return { id: publicId(job.id, number), created: true, state, dueAt };
}

function countPushed({ tx }: Scope, task: TaskRow, dueAt: number | null): void {
  countMove(task, null, dueAt === null ? "ready" : "scheduled");
  count(task, "all_pushed", 1);
  tx.notice(task, dueAt ?? 0);
}

/** null: due now. */
function dueAtOf({ due }: NewJob, { now, exactNow }: Scope): number | null {
  if (due === null) return null;
  const dueAt = Math.ceil("in" in due ? exactNow + due.in : due.at);
  return dueAt > now ? dueAt : null;
}

/** What a push of this id finds; null: nothing, so that it makes a job. */
export function knownJob(scope: Scope, task: TaskRow, id: string): PushAnswer | null {
  const known = findId(scope, task, id);
  return known === null ? null : knownAnswer(scope, id, known);
}

/** null: the entry names a job that is not there, so it does not count. */
function knownAnswer({ tx }: Scope, id: string, known: KnownId): PushAnswer | null {
  if (known.state !== null) {
    return { id, created: false, state: stateName(known.state), dueAt: null };
  }
  const job = tx.get<{ state: number; due_at: number | null }>(
    "SELECT state, due_at FROM job WHERE number = ?",
    known.number,
  );
  if (job === undefined) return null;
  return { id, created: false, state: stateName(job.state), dueAt: job.due_at };
}

/** A new number for a job that is issued again, as the last in line. */
export function renumber(scope: Scope, task: TaskRow, { from, head, schedule }: Renewal): string {
  const number = scope.tx.nextNumber(scope.now);
  scope.tx.run(
    `INSERT INTO job (number, task, state, priority, place, pushed_at, head, payload, schedule)
     SELECT ?, task, ${STATE.ready}, priority, ?, ?, ?, payload, ? FROM job WHERE number = ?`,
    ...[number, number, scope.now, head, schedule, from],
  );
  scope.tx.run("DELETE FROM job WHERE number = ?", from);
  scope.tx.notice(task, 0);
  return digits(number);
}

interface Renewal {
  from: number;
  head: string;
  /** The number of the schedule that its end concerns; null: none. */
  schedule: number | null;
}
