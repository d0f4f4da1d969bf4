/** work: ends attempts, then takes ready jobs under new leases, in one step. */
import { decodeHead } from "../../core/record.js";
import type { Claim, ClaimedBatch, ClaimedJob, WorkAnswer, WorkArgs } from "../contract.js";
import { turnOf } from "./alone.js";
import { noteTime } from "./grace.js";
import { createLease } from "./leases.js";
import { promoteDue } from "./promote.js";
import { STATE } from "./schema.js";
import { countsOf, digits, FACTS, type JobFacts, publicId, type Scope } from "./scope.js";
import { settleAll } from "./settle.js";
import { wakeUp } from "./sleepers.js";
import { count, countMove, type TaskRow } from "./tasks.js";
import { fromStored } from "./text.js";

/** What one answer carries at most. */
const MOST_JOBS = 1_000;
const MOST_BYTES = 4 * 1024 * 1024;

type ReadyJob = JobFacts & { payload: string };

export function work(scope: Scope, args: WorkArgs): WorkAnswer {
  const answer = settleAndClaim(scope, args);
  // who has got work, or gives it away, is not the one to be woken for more
  const isBusy = answer.drain || answer.batches.length > 0;
  if (isBusy || args.settles.some(({ outcome }) => outcome.kind === "handBack")) wakeUp(scope);
  return answer;
}

function settleAndClaim(scope: Scope, args: WorkArgs): WorkAnswer {
  const settled = settleAll(scope, args);
  const answer: WorkAnswer = { settled, batches: [], more: [], drain: false };
  if (args.claims.length === 0) return answer;
  noteTime(scope);
  const crowded = new Set<string>();
  for (const { taskId } of args.claims) {
    const task = scope.tx.findTask(scope.space, taskId);
    if (task !== null && promoteDue(scope, task)) crowded.add(taskId);
  }
  const turn = turnOf(scope, args);
  if (turn.kind === "drain") return { ...answer, drain: true };
  if (turn.kind === "take") {
    return { ...answer, batches: [takeAlone(scope, turn, args.leaseMs)] };
  }
  const room = { jobs: MOST_JOBS, bytes: MOST_BYTES };
  for (const claim of args.claims) {
    const { batches, isMore } = claimTask(scope, claim, { room, leaseMs: args.leaseMs });
    answer.batches.push(...batches);
    if (isMore || crowded.has(claim.taskId)) answer.more.push(claim.taskId);
  }
  return answer;
}

function takeAlone(
  scope: Scope,
  { number, task: id }: { number: number; task: number },
  leaseMs: number,
): ClaimedBatch {
  const { tx } = scope;
  const fence = createLease(scope, id, leaseMs);
  const job = tx.get<ReadyJob>(
    `UPDATE job SET state = ${STATE.running}, fence = ? WHERE number = ?
     RETURNING ${FACTS}, payload`,
    ...[fence, number],
  ) as ReadyJob;
  const task = tx.taskById(id);
  countMove(task, "ready", "running");
  return batchOf(task, { fence, leaseMs, alone: true }, [job]);
}

/** What one answer may still carry; at least one job always. */
interface Room {
  jobs: number;
  bytes: number;
}

/** Takes jobs of one task; true in `isMore`: some had to stay. */
function claimTask(
  scope: Scope,
  { taskId, limit }: Claim,
  { room, leaseMs }: { room: Room; leaseMs: number },
): { batches: ClaimedBatch[]; isMore: boolean } {
  const { tx } = scope;
  const task = tx.findTask(scope.space, taskId);
  const nothing = { batches: [], isMore: false };
  if (task === null || limit < 1 || task.counters.ready === 0) return nothing;
  const { numbers, isMore } = chooseJobs(scope, task, { limit, room });
  // another sleeper takes what this one has no room for
  if (isMore) tx.notice(task, 0);
  if (numbers.length === 0) return { batches: [], isMore };
  const fence = createLease(scope, task.id, leaseMs);
  const jobs = tx.all<ReadyJob>(
    `UPDATE job SET state = ${STATE.running}, fence = ?
     WHERE number IN (SELECT value FROM json_each(?)) RETURNING ${FACTS}, payload`,
    ...[fence, JSON.stringify(numbers)],
  );
  // RETURNING promises no order
  jobs.sort((a, b) => a.priority - b.priority || (a.place ?? 0) - (b.place ?? 0));
  count(task, "ready", -jobs.length);
  count(task, "running", jobs.length);
  return { batches: batchesOf(scope, { task, jobs, fence, leaseMs }), isMore };
}

/** The first in line, as many as are wanted and the answer has room for. */
function chooseJobs(
  { tx }: Scope,
  task: TaskRow,
  { limit, room }: { limit: number; room: Room },
): { numbers: number[]; isMore: boolean } {
  const most = Math.min(Math.floor(limit), room.jobs);
  // one more than wanted shows whether anybody is left
  const line = tx.all<{ number: number; bytes: number }>(
    `SELECT number, octet_length(payload) AS bytes FROM job INDEXED BY job_ready
     WHERE task = ? AND state = ${STATE.ready} AND lane = 0 ORDER BY priority, place LIMIT ?`,
    ...[task.id, most + 1],
  );
  const numbers: number[] = [];
  for (const { number, bytes } of line) {
    const isFirst = room.jobs === MOST_JOBS;
    if (numbers.length === most || (bytes > room.bytes && !isFirst)) break;
    numbers.push(number);
    room.jobs -= 1;
    room.bytes -= bytes;
  }
  return { numbers, isMore: numbers.length < line.length };
}

/** Jobs that crashed before get leases of their own: their neighbours do not die with them. */
function batchesOf(
  scope: Scope,
  {
    task,
    jobs,
    fence,
    leaseMs,
  }: { task: TaskRow; jobs: ReadyJob[]; fence: number; leaseMs: number },
): ClaimedBatch[] {
  const sound = jobs.filter((job) => job.crashes_in_row === 0);
  const batches: ClaimedBatch[] = [];
  if (sound.length > 0) batches.push(batchOf(task, { fence, leaseMs, alone: false }, sound));
  let own: number | null = sound.length > 0 ? null : fence;
  for (const job of jobs) {
    if (job.crashes_in_row === 0) continue;
    if (own === null) {
      own = createLease(scope, task.id, leaseMs);
      scope.tx.run("UPDATE job SET fence = ? WHERE number = ?", own, job.number);
    }
    batches.push(batchOf(task, { fence: own, leaseMs, alone: false }, [job]));
    own = null;
  }
  return batches;
}

function batchOf(
  task: TaskRow,
  { fence, leaseMs, alone }: { fence: number; leaseMs: number; alone: boolean },
  jobs: ReadyJob[],
): ClaimedBatch {
  return { fence: digits(fence), taskId: task.name, leaseMs, alone, jobs: jobs.map(claimedJob) };
}

function claimedJob(job: ReadyJob): ClaimedJob {
  const { id, rules, occurrence } = decodeHead(job.head);
  return {
    number: digits(job.number),
    id: publicId(id, job.number),
    ownId: id !== null,
    payload: fromStored(job.payload),
    rules,
    occurrence,
    counts: countsOf(job),
  };
}
