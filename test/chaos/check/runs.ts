/** I4 to I6: how the runs of one job follow each other: soon, not at once, and by their fences. */
import { type Case, MENDED_MS, type Run, SLACK_MS } from "./case.js";
import { storyOf } from "./pushes.js";

/** Clocks of two processes are read a moment after what they time. */
const READ_MS = 5;

/** Crashes in a row are spread by up to half of the wait. */
const SPREAD = 1.5;

const ALONE_FROM = 3;

/** Whoever died so soon after a failure may not have told the store of it. */
const TELL_MS = 1_000;

export function judgeRuns(its: Case): void {
  for (const runs of its.byJob.values()) {
    if (runs.length > 1) {
      judgeGaps(its, runs);
      judgeOverlaps(its, runs);
    }
    judgeFences(its, runs);
  }
}

/** I4: a failed or interrupted job is issued again, not before its time and not long after it. */
function judgeGaps(its: Case, runs: readonly Run[]): void {
  const { retryMs, leaseMs, pollMs } = its.rules;
  let crashes = 0;
  for (const [n, run] of runs.slice(0, -1).entries()) {
    const next = (runs[n + 1] as Run).start;
    // Somebody else has taken over meanwhile: what follows is about leases.
    if (next.t < run.until) continue;
    const gap = next.t - run.until;
    const isForgotten = its.isForgettable(run.start.t);
    const failed = run.end?.ok === false && next.attempt === run.start.attempt + 1;
    if (failed && gap < retryMs - READ_MS && !its.jumped(run.start.t, next.t) && !isForgotten) {
      if (!its.lostLease(run.start.by, run.start.t, next.t)) {
        its.broken("I4", `issued again after ${Math.round(gap)} ms: ${storyOf(runs)}`);
      }
    }
    // One that ended well and is issued again had lost its lease: that counts as a crash, too.
    const isTold = its.history.endOf(run.start.by) > run.until + TELL_MS;
    // Attempts whose process died before they began; they have left no trace to count from.
    const unseen = Math.max(0, next.attempt - run.start.attempt - 1);
    crashes = (run.end?.ok === false && isTold ? 0 : crashes + 1) + unseen;
    // From then on it runs alone: as soon as somebody has nothing else to do.
    if (crashes >= ALONE_FROM || unseen > 0) continue;
    const died = its.history.endOf(run.start.by) <= next.t;
    const halted = its.lostLease(run.start.by, run.start.t, next.t);
    const afterDeath = leaseMs + retryMs * 2 ** Math.max(0, crashes - 1) * SPREAD;
    const bound = died || halted ? afterDeath + retryMs : retryMs;
    const trouble = its.troubleMs(run.start.t, next.t, [run.start.by, next.by]);
    const mended = its.lostData(run.start.t, next.t) ? MENDED_MS : 0;
    const most = bound + pollMs + SLACK_MS + trouble + mended;
    if (gap > most && !its.jumped(run.until, next.t)) {
      its.broken("I4", `issued again only after ${Math.round(gap)} ms: ${storyOf(runs)}`);
    }
  }
}

/** I5: two runs of a job overlap only where the first one's lease had to end; it is told so. */
function judgeOverlaps(its: Case, runs: readonly Run[]): void {
  for (const [n, run] of runs.entries()) {
    const next = runs.slice(n + 1).find(({ start }) => start.t < run.until)?.start;
    if (next === undefined) continue;
    // Who stood still may begin what was taken back meanwhile: the lower fence is the lost one.
    const old = next.fence < run.start.fence ? next : run.start;
    const hadTo = its.lostLease(old.by, run.start.t - its.rules.leaseMs, next.t);
    its.unless(
      [
        ["lease", hadTo],
        ["signal", wasAborted(its, old, next.t)],
        ["durability window", its.isForgettable(run.start.t)],
      ],
      "I5",
      () => `two runs overlap: ${storyOf(runs)}`,
    );
  }
}

/** Whether the signal of a run had aborted by then. */
function wasAborted(its: Case, run: Run["start"], by: number): boolean {
  return its.history.of("abort").some((abort) => {
    const isIts = abort.by === run.by && abort.jobId === run.jobId && abort.fence === run.fence;
    return isIts && abort.t < by + READ_MS;
  });
}

/** I6: fences rise with the attempts, none is used twice, and who was replaced never completes. */
function judgeFences(its: Case, runs: readonly Run[]): void {
  const { taskId, jobId } = (runs[0] as Run).start;
  const completed = its.history
    .of("completed")
    .filter((one) => one.taskId === taskId && one.jobId === jobId);
  const seen = [...runs.map(({ start }) => start), ...completed];
  const isForgotten = seen.some(({ t }) => its.isForgettable(t));
  const excuses = [["durability window", isForgotten]] as const;
  const sorted = runs.map(({ start }) => start).sort((a, b) => a.attempt - b.attempt);
  for (const [n, start] of sorted.slice(1).entries()) {
    const before = sorted[n];
    if (before === undefined || before.fence < start.fence) continue;
    if (before.attempt === start.attempt && before.fence > start.fence) continue;
    its.unless(excuses, "I6", () => `${jobId}: fences do not rise: ${storyOf(runs)}`);
  }
  const last = Math.max(...sorted.map(({ attempt }) => attempt));
  const stale = completed.filter(({ attempt }) => attempt < last);
  if (stale.length > 0) {
    its.unless(excuses, "I6", () => `${jobId}: a replaced run was completed: ${storyOf(runs)}`);
  } else if (completed.length > 1) {
    its.unless(excuses, "I6", () => `${jobId} was completed twice: ${storyOf(runs)}`);
  }
}
