/**
 * Reads a history and says which invariants it breaks. Knows nothing of the library; every excuse
 * names the loss of data or of a lease that is behind it.
 */
import type { History, Pushed, Run } from "./history.js";

export interface Finding {
  invariant: string;
  what: string;
}

type Tell = (invariant: string, what: string) => void;

/** What is broken, in the order of the invariants. `grainMs`: of the server's clock. */
export function check(history: History, grainMs = 0): Finding[] {
  const findings: Finding[] = [];
  const tell: Tell = (invariant, what) => void findings.push({ invariant, what });
  const runs = new Map<string, Run[]>();
  for (const run of history.runs) runs.set(run.key, [...(runs.get(run.key) ?? []), run]);
  for (const pushed of history.pushes) {
    const own = runs.get(pushed.key) ?? [];
    checkStored(history, pushed, { runs: own, tell });
    checkData(history, pushed, { runs: own, tell, grainMs });
  }
  for (const [key, own] of runs) {
    const pushed = history.pushes.find((each) => each.key === key);
    checkOnce(history, { key, pushed, runs: own, tell });
    checkOverlap(history, { key, runs: own, tell });
  }
  checkStops(history, tell);
  for (const shock of history.shocks) tell("I14", shock);
  for (const undone of history.undone) tell("I13", undone);
  return findings;
}

function isLost({ forgotten }: History, at: number | null): boolean {
  return at !== null && forgotten.some(({ from, to }) => at > from && at <= to);
}

/** It may have been stored in a span that the server has forgotten. */
function isExcused(history: History, { tries }: Pushed): boolean {
  return tries.some(
    ({ sentAt, endedAt }) =>
      endedAt !== null && history.forgotten.some(({ from, to }) => endedAt > from && sentAt <= to),
  );
}

/** I1 and I3: what was stored runs or ends visibly; what is to be tried again is, to its end. */
function checkStored(
  history: History,
  pushed: Pushed,
  { runs, tell }: { runs: readonly Run[]; tell: Tell },
): void {
  const { key, tries, retryOff, attempts } = pushed;
  const isStored = tries.some(({ end }) => end === "stored");
  if (!isStored || isExcused(history, pushed)) return;
  const final = history.finals.get(key) ?? null;
  const isEnded = final?.state === "dead" || final?.state === "cancelled";
  if (runs.length === 0 && !isEnded) tell("I1", `${key} was stored, and never ran nor ended`);
  if (runs.length === 0 && final?.state === "dead" && final.reason === "failed") {
    tell("I1", `${key} failed without a run`);
  }
  if (final !== null && ["ready", "scheduled", "running"].includes(final.state)) {
    tell("I3", `${key} is ${final.state} still`);
  }
  if (retryOff || pushed.isCancelled) return;
  const isCompleted = runs.some(({ end }) => end === "returned");
  const mayEnd = attempts > 0 || final?.reason === "crashes";
  if (!isCompleted && !(mayEnd && final?.state === "dead")) {
    tell("I3", `${key} never completed: ${runs.map(({ end }) => end).join(", ")}`);
  }
  const failures = runs.filter(({ end }) => end === "false" || end === "thrown").length;
  if (attempts > 0 && failures > attempts && !pushed.isRedriven)
    tell("I3", `${key} failed ${failures} times`);
}

/** I12: what the handler gets is what was pushed. I8: not before its delay. */
function checkData(
  { setBack }: History,
  { key, payload, delayMs, tries, isRedriven }: Pushed,
  { runs, tell, grainMs }: { runs: readonly Run[]; tell: Tell; grainMs: number },
): void {
  const sentAt = Math.min(...tries.map((one) => one.sentAt));
  const first = Math.min(...tries.map(({ storeSentAt }) => storeSentAt));
  for (const run of runs) {
    if (run.payload !== payload) tell("I12", `${key}: ${run.payload} instead of ${payload}`);
    // What was due before the clock was set back is due, whatever it says.
    const isSure = !setBack.some((at) => at >= sentAt && at <= run.startedAt);
    // What is issued again is due at once.
    const isEarly = delayMs > 0 && !isRedriven && run.storeAt + grainMs < first + delayMs;
    if (isSure && isEarly) tell("I8", `${key} ran before its delay`);
  }
}

/** I2: with retry off there is one start. I7: an occurrence has one job. */
function checkOnce(
  history: History,
  given: { key: string; pushed: Pushed | undefined; runs: readonly Run[]; tell: Tell },
): void {
  const { key, pushed, runs, tell } = given;
  const known = runs.filter(({ claimedAt }) => !isLost(history, claimedAt));
  const isOnce = pushed?.retryOff === true && !pushed.isRedriven;
  if (isOnce && known.length > 1) tell("I2", `${key} began ${runs.length} times`);
  const jobs = new Set(known.map(({ jobId }) => jobId));
  if (jobs.size > 1) tell(pushed === undefined ? "I7" : "I1", `${key} was ${[...jobs]}`);
}

/** I5: runs overlap only when a lease was lost or a signal aborted. I6: fences rise. */
function checkOverlap(
  history: History,
  { key, runs, tell }: { key: string; runs: readonly Run[]; tell: Tell },
): void {
  const ordered = [...runs]
    .filter(({ claimedAt }) => !isLost(history, claimedAt))
    .sort((a, b) => (a.claimedAt ?? 0) - (b.claimedAt ?? 0));
  ordered.forEach((later, n) => {
    for (const earlier of ordered.slice(0, n)) {
      if (later.fence <= earlier.fence) tell("I6", `${key}: fence ${later.fence} does not rise`);
      const endedAt = earlier.endedAt ?? history.deaths.get(earlier.machine) ?? Infinity;
      const isAborted = earlier.abortedAt !== null && earlier.abortedAt <= later.startedAt;
      if (later.startedAt >= endedAt || isAborted || history.taken.has(earlier.fence)) continue;
      tell("I5", `${key}: ${later.machine} began while ${earlier.machine} ran`);
    }
  });
}

/** I10: after stop() nothing begins, and it resolves in time. */
function checkStops({ stops, runs, deaths }: History, tell: Tell): void {
  for (const { machine, calledAt, resolvedAt, withinMs } of stops) {
    const late = runs.find((run) => run.machine === machine && run.startedAt > calledAt);
    if (late !== undefined) tell("I10", `${machine}: ${late.key} began after stop()`);
    const diedAt = deaths.get(machine);
    if (resolvedAt === null && diedAt === undefined) tell("I10", `${machine} never stopped`);
    if (resolvedAt !== null && resolvedAt - calledAt > withinMs) {
      tell("I10", `${machine} took ${Math.round(resolvedAt - calledAt)} ms to stop`);
    }
  }
}
