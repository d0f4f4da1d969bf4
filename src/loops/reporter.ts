/**
 * Tells of failures of loops without shouting: an outage of the store is told once, by its own
 * event; anything else is an `error`, the same one at most every ten seconds.
 */
import type { Clock } from "../clock.js";
import { describeError, type ErrorCode, SchedulerError, seen } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import type { Logger } from "../core/logger.js";

export interface ReporterParts {
  clock: Clock;
  emitter: Emitter;
  logger: Logger;
}

const REPEAT_AFTER_MS = 10_000;

const OUTAGES: ReadonlySet<ErrorCode> = new Set([
  "STORE_UNREACHABLE",
  "STORE_NO_ANSWER",
  "STORE_CLOSED",
]);

/** True for errors that say that the store is away, not that something is wrong. */
export function isOutage(error: unknown): boolean {
  return error instanceof SchedulerError && OUTAGES.has(error.code);
}

export class Reporter {
  readonly #parts: ReporterParts;
  readonly #toldAt = new Map<string, number>();

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  loopFailed(loopName: string, error: unknown): void {
    const text = describeError(error);
    this.#parts.logger.debug({ loop: loopName, error: text }, `the ${loopName} loop failed`);
    if (isOutage(error) || this.#toldLately(`${loopName} ${text}`)) return;
    this.#parts.emitter.emit("error", asError(error));
  }

  #toldLately(text: string): boolean {
    const now = this.#parts.clock.monotonic();
    for (const [told, at] of this.#toldAt) {
      if (now - at >= REPEAT_AFTER_MS) this.#toldAt.delete(told);
    }
    if (this.#toldAt.has(text)) return true;
    this.#toldAt.set(text, now);
    return false;
  }
}

export function asError(thrown: unknown): Error {
  if (seen(() => thrown instanceof Error)) return thrown as Error;
  return new Error(describeError(thrown), { cause: thrown });
}
