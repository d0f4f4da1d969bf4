/** What the store is told of an attempt that has ended, however it did. */
import type { Chance } from "../chance.js";
import type { Emitter } from "../core/events.js";
import { encodePayload } from "../core/payload.js";
import { type Failure, failedOutcome } from "../core/retry.js";
import type { ClaimedJob, SettleOutcome } from "../store/contract.js";

export interface OutcomeParts {
  chance: Chance;
  emitter: Emitter;
  /** False: nobody would ever see what handlers return. */
  keepResults: boolean;
  payloadLimitBytes: number;
}

/** An attempt, as far as its outcome depends on it. */
interface Ended {
  readonly job: ClaimedJob;
  readonly taskId: string;
  readonly tryNumber: number;
  readonly durationMs: number;
  readonly begun: boolean;
  readonly cancelled: boolean;
  name(): string;
}

/** How an attempt ended. */
export type Ending = { kind: "returned"; value: unknown } | Failure | { kind: "givenUp" };

const FALSE: Ending = Object.freeze({ kind: "false" });
export const NOTHING: Ending = Object.freeze({ kind: "returned", value: undefined });

/** Of a handler that returned this. */
export function endingOf(value: unknown): Ending {
  if (value === undefined) return NOTHING;
  return value === false ? FALSE : { kind: "returned", value };
}

/** Of results that nobody keeps. */
const COMPLETED: SettleOutcome = Object.freeze({ kind: "completed", result: null });

export function outcomeOf(parts: OutcomeParts, attempt: Ended, ending: Ending): SettleOutcome {
  const { rules, counts } = attempt.job;
  switch (ending.kind) {
    case "returned":
      if (!parts.keepResults || ending.value === undefined) return COMPLETED;
      return { kind: "completed", result: resultText(parts, attempt, ending.value) };
    case "givenUp":
      if (rules.retry !== null || !attempt.begun) return { kind: "handBack" };
      return { kind: "dead", reason: "interrupted", error: "its scheduler was stopped" };
    default: {
      const random = parts.chance.random();
      const outcome = failedOutcome({ rules, counts, failure: ending, random });
      if (!attempt.cancelled) emitFailed(parts.emitter, attempt, outcome.error);
      return outcome;
    }
  }
}

function emitFailed(emitter: Emitter, attempt: Ended, error: string | null): void {
  emitter.emit("job:failed", {
    jobId: attempt.job.id,
    taskId: attempt.taskId,
    attempt: attempt.tryNumber,
    error: error ?? "the handler returned false",
    durationMs: attempt.durationMs,
  });
}

/** A result that cannot be kept is no reason to run the job again. */
function resultText(parts: OutcomeParts, attempt: Ended, value: unknown): string | null {
  try {
    const where = `the result of ${attempt.name()}`;
    return encodePayload(value, { where, limitBytes: parts.payloadLimitBytes, name: "result" });
  } catch (error) {
    parts.emitter.emit("error", error as Error);
    return null;
  }
}
