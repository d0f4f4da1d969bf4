/** What a handler is given beside its data. */
import { pushedAtOf } from "../core/job.js";
import { encodePayload } from "../core/payload.js";
import type { HandlerContext } from "../types.js";
import type { Attempt, AttemptParts } from "./attempt.js";

/** All of it are fields of its own, so that a handler may take apart or spread it. */
export function contextOf(parts: AttemptParts, attempt: Attempt): HandlerContext {
  const { job, taskId, number } = attempt;
  const { occurrence } = job;
  const context: HandlerContext = {
    taskId,
    jobId: job.id,
    attempt: number,
    fence: Number(attempt.fence),
    get signal() {
      return attempt.signal;
    },
    isCatchup: occurrence?.isCatchup ?? false,
    missedCount: occurrence?.missedCount ?? 0,
    progress: (value) => noteProgress(parts, attempt, value),
    log: (message, fields) => {
      const ids = { taskId, jobId: job.id, attempt: number };
      parts.logger.info({ ...fields, ...ids }, message);
    },
  };
  if (occurrence === null) return context;
  const { scheduleId, scheduledFor } = occurrence;
  return Object.defineProperties(context, {
    scheduleId: { value: scheduleId, enumerable: true },
    scheduledFor: { value: scheduledFor, enumerable: true },
    firedAt: { value: pushedAtOf(job.number), enumerable: true },
  });
}

function noteProgress(parts: AttemptParts, attempt: Attempt, value: unknown): void {
  const where = `progress() of ${attempt.name()}`;
  const at = { where, limitBytes: parts.payloadLimitBytes, name: "value" };
  const text = encodePayload(value, at);
  if (!attempt.ended && !attempt.lost) parts.onProgress(attempt, text);
}
