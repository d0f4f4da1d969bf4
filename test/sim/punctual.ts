/**
 * Whether schedules are on time: where nothing has been disturbed for long, an occurrence is
 * decided within its jitter and one look, and none is given up as too late.
 */
import type { FireAnswer, FireArgs } from "../../src/store/contract.js";

/** A store that was lost and found holds everything back for five seconds. */
const SETTLES_MS = 8_000;
/** For the messages of a look and a fire, and what stands in their way. */
const SLACK_MS = 1_500;

export interface PunctualParts {
  pollMs: number;
  /** By how much each schedule may be late by its rule; others are not looked at. */
  jitters: ReadonlyMap<string, number>;
  broken: (what: string, at: number) => void;
  /** One was looked at. */
  seen: () => void;
}

export class Punctual {
  readonly #parts: PunctualParts;
  #stirredAt = 0;

  constructor(parts: PunctualParts) {
    this.#parts = parts;
  }

  /** Something happened to the world; it goes on until then, by virtual time. */
  stirred(until: number): void {
    this.#stirredAt = Math.max(this.#stirredAt, until);
  }

  fired(
    { fires }: FireArgs,
    answers: readonly FireAnswer[],
    { at, storeNow }: { at: number; storeNow: number },
  ): void {
    const { pollMs, jitters, broken, seen } = this.#parts;
    fires.forEach(({ scheduleId, decisions }, n) => {
      const jitterMs = jitters.get(scheduleId);
      if (answers[n] == null || jitterMs === undefined) return;
      for (const decision of decisions) {
        const isFired = decision.kind === "fire";
        if (!isFired && decision.reason !== "misfire" && decision.reason !== "unattended") continue;
        const dueAt = isFired ? decision.scheduledFor : decision.to;
        const lateMs = storeNow - dueAt;
        if (at - lateMs - SETTLES_MS < this.#stirredAt) continue;
        seen();
        const mostMs = jitterMs + pollMs + SLACK_MS;
        if (isFired && lateMs <= mostMs) continue;
        const became = isFired ? `fired ${lateMs} ms late` : `was given up: ${decision.reason}`;
        broken(`${scheduleId}@${dueAt} ${became}, and nothing was in its way`, at);
      }
    });
  }
}
