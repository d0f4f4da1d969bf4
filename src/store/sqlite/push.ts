/** push: saves new jobs in order. */
import { encodeHead } from "../../core/record.js";
import type { NewJob, PushAnswer } from "../contract.js";
import { bindId, findId, type KnownId } from "./ids.js";
import { promoteDue } from "./promote.js";
import { STATE } from "./schema.js";
import { digits, publicId, type Scope, stateName } from "./scope.js";
import { count, countMove, type TaskRow } from "./tasks.js";
import { toStored } from "./text.js";

export function push(scope: Scope, jobs: readonly NewJob[]): PushAnswer[] {
  return jobs.map((job) => pushOne(scope, job));
}

function pushOne(scope: Scope, job: NewJob): PushAnswer {
  const { tx, now } = scope;
  const task = tx.task(scope.space, job.taskId);
  if (job.id !== null) {
    const known = findId(scope, task, job.id);
    const answer = known === null ? null : knownAnswer(scope, job.id, known);
    if (answer !== null) return answer;
  }
  const dueAt = dueAtOf(job, scope);
  // who was due before joins the line before
  if (dueAt === null) promoteDue(scope, task);
  const number = tx.nextNumber(now);
  const head = encodeHead({ id: job.id, rules: job.rules, occurrence: job.occurrence });
  const state = dueAt === null ? "ready" : "scheduled";
  tx.run(
    `INSERT INTO job (number, task, state, priority, place, due_at, pushed_at, head, payload)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[number, task.id, STATE[state], job.rules.priority],
    ...[dueAt === null ? number : null, dueAt, now, head, toStored(job.payload)],
  );
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
export function renumber(scope: Scope, task: TaskRow, from: number, head: string): string {
  const number = scope.tx.nextNumber(scope.now);
  scope.tx.run(
    `INSERT INTO job (number, task, state, priority, place, pushed_at, head, payload)
     SELECT ?, task, ${STATE.ready}, priority, ?, ?, ?, payload FROM job WHERE number = ?`,
    ...[number, number, scope.now, head, from],
  );
  scope.tx.run("DELETE FROM job WHERE number = ?", from);
  scope.tx.notice(task, 0);
  return digits(number);
}
