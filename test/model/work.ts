/** work: ends attempts, then takes ready jobs under new leases, in one step. */
import type {
  Claim,
  ClaimedBatch,
  ClaimedJob,
  WorkAnswer,
  WorkArgs,
} from "../../src/store/contract.js";
import { noteEnds, turnOf } from "./alone.js";
import { noteTime } from "./grace.js";
import { createLease } from "./leases.js";
import { promoteDue } from "./push.js";
import { digits, jobsIn, move, notice, publicId, type Scope, sortedBy } from "./scope.js";
import { settleAll } from "./settle.js";
import { believed } from "./sleep.js";
import type { Job, Task } from "./state.js";

/** What one answer carries at most; one job always. */
interface Room {
  jobs: number;
  bytes: number;
  isUntouched: boolean;
}

export function work(scope: Scope, args: WorkArgs): WorkAnswer {
  const answer = settleAndClaim(scope, args);
  // who has got work, or gives it away, is not the one to be woken for more
  const isBusy = answer.drain || answer.batches.length > 0;
  if (isBusy || args.settles.some(({ outcome }) => outcome.kind === "handBack")) {
    scope.state.sleepers.delete(scope.identity);
  }
  return answer;
}

function settleAndClaim(scope: Scope, args: WorkArgs): WorkAnswer {
  const { claims, leaseMs } = args;
  const answer: WorkAnswer = {
    settled: settleAll(scope, args),
    batches: [],
    more: [],
    left: [],
    drain: false,
  };
  noteEnds(scope, args);
  if (claims.length === 0) return answer;
  noteTime(scope);
  for (const { taskId } of claims) {
    const task = scope.state.tasks.get(taskId);
    if (task !== undefined) promoteDue(scope, task);
  }
  const turn = turnOf(scope, args);
  if (turn.kind === "drain") return { ...answer, drain: true };
  if (turn.kind === "take") {
    const batch = batchOf(scope, turn.task, [turn.job], { leaseMs, alone: true });
    scope.state.aloneRun = { fence: Number(batch.fence), since: scope.now };
    return { ...answer, batches: [batch] };
  }
  const room = { jobs: 1_000, bytes: 4 * 1024 * 1024, isUntouched: true };
  for (const claim of claims) {
    const task = scope.state.tasks.get(claim.taskId);
    if (task === undefined || claim.limit < 1) continue;
    const part = claim.fair === true ? partOf(scope, task, claim.limit) : claim.limit;
    const { chosen, isMore } = choose(task, { ...claim, limit: part }, room);
    answer.batches.push(...batchesOf(scope, { task, chosen, leaseMs }));
    if (!isMore) continue;
    // another sleeper takes what this one has no room for
    notice(scope, task.name, 0);
    answer.more.push(task.name);
    if (chosen.length > 0 && part < claim.limit) answer.left.push(task.name);
  }
  return answer;
}

/** A short line is shared with others that sleep. */
function partOf(scope: Scope, task: Task, limit: number): number {
  const others = believed(scope).filter(
    ({ identity, taskIds }) => identity !== scope.identity && taskIds.includes(task.name),
  );
  const ready = jobsIn(task, "ready").length;
  return Math.min(limit, Math.max(1, Math.ceil(ready / (1 + Math.min(others.length, 7)))));
}

/** The first in line, as many as are wanted and the answer has room for. */
function choose(task: Task, { limit }: Claim, room: Room): { chosen: Job[]; isMore: boolean } {
  const line = sortedBy(
    jobsIn(task, "ready").filter(({ alone }) => !alone),
    ({ rules, place }) => [rules.priority, place ?? 0],
  );
  const chosen: Job[] = [];
  for (const job of line) {
    const bytes = Buffer.byteLength(job.payload);
    if (chosen.length >= Math.floor(limit) || room.jobs === 0) break;
    if (bytes > room.bytes && !room.isUntouched) break;
    room.isUntouched = false;
    room.jobs -= 1;
    room.bytes -= bytes;
    chosen.push(job);
  }
  return { chosen, isMore: chosen.length < line.length };
}

/** Jobs that crashed before get leases of their own: their neighbours do not die with them. */
function batchesOf(
  scope: Scope,
  { task, chosen, leaseMs }: { task: Task; chosen: Job[]; leaseMs: number },
): ClaimedBatch[] {
  const sound = chosen.filter(({ counts }) => counts.crashesInRow === 0);
  const crashers = chosen.filter(({ counts }) => counts.crashesInRow > 0);
  const groups = [...(sound.length > 0 ? [sound] : []), ...crashers.map((job) => [job])];
  return groups.map((jobs) => batchOf(scope, task, jobs, { leaseMs, alone: false }));
}

function batchOf(
  scope: Scope,
  task: Task,
  jobs: Job[],
  { leaseMs, alone }: { leaseMs: number; alone: boolean },
): ClaimedBatch {
  const lease = createLease(scope, task.name, { lengthMs: leaseMs, owner: scope.identity });
  for (const job of jobs) {
    move(task, job, "running");
    job.fence = lease.fence;
    lease.numbers.add(job.number);
  }
  const { fence } = lease;
  return { fence: digits(fence), taskId: task.name, leaseMs, alone, jobs: jobs.map(claimedJob) };
}

export function claimedJob(job: Job): ClaimedJob {
  const { payload, rules, occurrence } = job;
  return {
    ...{ number: digits(job.number), id: publicId(job), ownId: job.id !== null },
    ...{ payload, rules, occurrence, counts: { ...job.counts } },
  };
}
