/** work: ends attempts, then takes ready jobs under new leases, in one step. */
import { decodeHead } from "../../core/record.js";
import type { Claim, ClaimedBatch, ClaimedJob, WorkAnswer, WorkArgs } from "../contract.js";
import { noteEnds, noteRun, turnOf } from "./alone.js";
import { noteTime } from "./grace.js";
import { createLease } from "./leases.js";
import { promoteDue, promoteShare } from "./promote.js";
import { STATE } from "./schema.js";
import { countsOf, digits, FACTS, type JobFacts, publicId, type Scope } from "./scope.js";
import { settleAll } from "./settle.js";
import { countSleepers, wakeUp } from "./sleepers.js";
import { chooseJobs, type Room, type TakenJob } from "./take.js";
import { count, countMove, type TaskRow } from "./tasks.js";
import { fromStored } from "./text.js";

/** What one answer carries at most. */
export const MOST_JOBS = 1_000;
const MOST_BYTES = 4 * 1024 * 1024;

/** So many others have a part of a short line at most: each is woken by the one before. */
const MOST_SHARERS = 7;

/** Who takes back a lease takes back all of it. */
const MOST_PER_LEASE = 100;

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
  noteEnds(scope, args);
  const answer: WorkAnswer = { settled, batches: [], more: [], left: [], drain: false };
  if (args.claims.length === 0) return answer;
  noteTime(scope);
  const crowded = new Set<string>();
  const share = promoteShare(args.claims.length);
  for (const { taskId, limit } of args.claims) {
    const task = scope.tx.findTask(scope.space, taskId);
    const most = Math.max(limit, share);
    if (task !== null && promoteDue(scope, task, most)) crowded.add(taskId);
  }
  const turn = turnOf(scope, args);
  if (turn.kind === "drain") return { ...answer, drain: true };
  if (turn.kind === "take") {
    return { ...answer, batches: [takeAlone(scope, turn, args.leaseMs)] };
  }
  const room = { jobs: MOST_JOBS, bytes: MOST_BYTES, isUntouched: true };
  for (const claim of args.claims) {
    const { batches, isMore, isLeft } = claimTask(scope, claim, { room, leaseMs: args.leaseMs });
    answer.batches.push(...batches);
    if (isMore || crowded.has(claim.taskId)) answer.more.push(claim.taskId);
    if (isLeft) answer.left.push(claim.taskId);
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
  noteRun(scope, fence);
  const job = tx.get<ReadyJob>(
    `UPDATE job SET state = ${STATE.running}, fence = ? WHERE number = ?
     RETURNING ${FACTS}, payload`,
    ...[fence, number],
  ) as ReadyJob;
  const task = tx.taskById(id);
  countMove(task, "ready", "running");
  return { fence: digits(fence), taskId: task.name, leaseMs, alone: true, jobs: [claimedJob(job)] };
}

/** Takes jobs of one task; true in `isMore`: some had to stay; in `isLeft`: for others. */
function claimTask(
  scope: Scope,
  { taskId, limit, fair = false }: Claim,
  { room, leaseMs }: { room: Room; leaseMs: number },
): { batches: ClaimedBatch[]; isMore: boolean; isLeft: boolean } {
  const { tx } = scope;
  const task = tx.findTask(scope.space, taskId);
  const nothing = { batches: [], isMore: false, isLeft: false };
  if (task === null || limit < 1 || task.counters.ready === 0) return nothing;
  const part = fair ? partOf(scope, task, limit) : limit;
  const { chosen, isMore } = chooseJobs(scope, task, { limit: part, room });
  // another sleeper takes what this one has no room for
  if (isMore) tx.notice(task, 0);
  if (chosen.length === 0) return { ...nothing, isMore };
  count(task, "ready", -chosen.length);
  count(task, "running", chosen.length);
  const batches = batchesOf(scope, { task, chosen, leaseMs });
  return { batches, isMore, isLeft: isMore && part < limit };
}

/** A short line is shared: one scheduler does not take what others that sleep could run as well. */
function partOf(scope: Scope, task: TaskRow, limit: number): number {
  const others = countSleepers(scope, { task: task.id, most: MOST_SHARERS });
  return Math.min(limit, Math.max(1, Math.ceil(task.counters.ready / (1 + others))));
}

/** Jobs that crashed before get leases of their own: their neighbours do not die with them. */
function batchesOf(
  scope: Scope,
  { task, chosen, leaseMs }: { task: TaskRow; chosen: TakenJob[]; leaseMs: number },
): ClaimedBatch[] {
  const sound = chosen.filter(({ isCrasher }) => !isCrasher);
  const crashers = chosen.filter(({ isCrasher }) => isCrasher);
  const together: TakenJob[][] = [];
  for (let at = 0; at < sound.length; at += MOST_PER_LEASE) {
    together.push(sound.slice(at, at + MOST_PER_LEASE));
  }
  return [...together, ...crashers.map((job) => [job])].map((jobs) => {
    const fence = createLease(scope, task.id, leaseMs);
    scope.tx.run(
      `UPDATE job SET state = ${STATE.running}, fence = ?
       WHERE number IN (SELECT value FROM json_each(?))`,
      ...[fence, JSON.stringify(jobs.map(({ number }) => number))],
    );
    return {
      ...{ fence: digits(fence), taskId: task.name, leaseMs, alone: false },
      jobs: jobs.map(({ job }) => job),
    };
  });
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
