/** Tells what became of attempts: the events of a settle's answer and of reaped jobs. */
import type { Emitter } from "../core/events.js";
import type { Reaped, SettleAnswer } from "../store/contract.js";
import { type Attempt, HAND_BACK } from "./attempt.js";
import { TAKEN } from "./deputy/taken.js";
import { emitLost } from "./renew.js";

/** The store has answered a settle. */
export function tellSettled(emitter: Emitter, attempt: Attempt, answer: SettleAnswer): void {
  if (answer !== "lost" && answer.state === "completed") {
    tellCompleted(emitter, attempt);
    return;
  }
  const { outcome } = attempt;
  const job = { jobId: attempt.job.id, taskId: attempt.taskId };
  const attempted = { ...job, attempt: attempt.tryNumber };
  // It has not begun: its deputy was faster, or somebody has it again. Nothing that ran is lost.
  if (answer === "lost" && (outcome === TAKEN || outcome === HAND_BACK)) return;
  if (answer === "lost") {
    attempt.lose();
    emitLost(emitter, attempt);
  } else if (answer.state === "cancelled") {
    emitter.emit("job:cancelled", job);
  } else if (answer.state === "dead") {
    const { reason, error } = outcome.kind === "dead" ? outcome : UNEXPLAINED;
    emitter.emit("job:dead", { ...attempted, reason, error });
  } else if (outcome.kind === "retry") {
    const { dueAt } = answer;
    emitter.emit("job:retrying", { ...attempted, cause: outcome.cause, dueAt });
  }
}

/** Field by field: spreading objects would cost ten times as much as all the rest of an event. */
function tellCompleted(emitter: Emitter, { job, taskId, tryNumber, durationMs }: Attempt): void {
  if (!emitter.has("job:completed")) return;
  emitter.emit("job:completed", { jobId: job.id, taskId, attempt: tryNumber, durationMs });
}

/** Dead by the store's own decision. */
const UNEXPLAINED = { reason: "failed", error: null } as const;

/** A job was taken back from a scheduler that let its lease run out. */
export function tellReaped(emitter: Emitter, reaped: Reaped): void {
  const { taskId, id: jobId, counts, state, dueAt } = reaped;
  // The attempt that was lost is counted as a crash by now, except where the job ended by it.
  const lostAttempt = Math.max(1, counts.failures + counts.crashes);
  const attempted = { jobId, taskId, attempt: lostAttempt };
  if (state === "cancelled") {
    emitter.emit("job:cancelled", { jobId, taskId });
  } else if (state === "dead") {
    const reason = reaped.reason ?? "interrupted";
    const error = "the process that ran it died or lost its store";
    emitter.emit("job:dead", { ...attempted, reason, error });
  } else if (state !== "completed" && counts.crashes > 0) {
    // Without a crash it was handed over and not confirmed: for all that is known it never began.
    emitter.emit("job:retrying", { ...attempted, cause: "crashed", dueAt });
  }
}
