/**
 * What a handler is given beside its data. A class whose dearer parts are made when they are asked
 * for: most handlers never ask, and an accessor of its own would cost more than all the rest.
 */
import { type Occurrence, pushedAtOf } from "../core/job.js";
import { encodePayload } from "../core/payload.js";
import type { HandlerContext } from "../types.js";
import type { Attempt, AttemptParts } from "./attempt.js";

class Context implements HandlerContext {
  readonly taskId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly fence: number;
  readonly isCatchup: boolean = false;
  readonly missedCount: number = 0;
  readonly #parts: AttemptParts;
  readonly #attempt: Attempt;

  constructor(parts: AttemptParts, attempt: Attempt) {
    this.#parts = parts;
    this.#attempt = attempt;
    this.taskId = attempt.taskId;
    this.jobId = attempt.job.id;
    this.attempt = attempt.tryNumber;
    this.fence = Number(attempt.fence);
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get progress(): HandlerContext["progress"] {
    const attempt = this.#attempt;
    const parts = this.#parts;
    return (value) => {
      const where = `progress() of ${attempt.name()}`;
      const at = { where, limitBytes: parts.payloadLimitBytes, name: "value" };
      const text = encodePayload(value, at);
      if (!attempt.ended && !attempt.lost) parts.onProgress(attempt, text);
    };
  }

  get log(): HandlerContext["log"] {
    const { taskId, jobId, attempt } = this;
    const { logger } = this.#parts;
    return (message, fields) => logger.info({ ...fields, taskId, jobId, attempt }, message);
  }
}

class OccurrenceContext extends Context {
  readonly scheduleId: string;
  readonly scheduledFor: number;
  readonly firedAt: number;
  override readonly isCatchup: boolean;
  override readonly missedCount: number;

  constructor(parts: AttemptParts, attempt: Attempt, occurrence: Occurrence) {
    super(parts, attempt);
    this.scheduleId = occurrence.scheduleId;
    this.scheduledFor = occurrence.scheduledFor;
    this.firedAt = pushedAtOf(attempt.job.number);
    this.isCatchup = occurrence.isCatchup;
    this.missedCount = occurrence.missedCount;
  }
}

export function contextOf(parts: AttemptParts, attempt: Attempt): HandlerContext {
  const { occurrence } = attempt.job;
  if (occurrence === null) return new Context(parts, attempt);
  return new OccurrenceContext(parts, attempt, occurrence);
}
