/** The account of occurrences: each fires once, none before its instant. */
import type { Occurrence } from "../../src/core/job.js";
import type { Fire, FireOutcome } from "../../src/store/contract.js";

interface When {
  at: number;
  storeNow: number;
}

export class Occurrences {
  readonly #broken: (what: string, at: number) => void;
  /** Those that fired or wait. */
  readonly #decided = new Set<string>();
  /** Those that somebody asked for, beside the rule. */
  readonly #triggered = new Set<string>();
  /** The job of each. */
  readonly #jobs = new Map<string, string>();

  constructor(broken: (what: string, at: number) => void) {
    this.#broken = broken;
  }

  fired(
    { scheduleId, decisions }: Fire,
    outcomes: readonly FireOutcome[],
    { at, storeNow }: When,
  ): void {
    decisions.forEach((decision, n) => {
      const kind = outcomes[n]?.kind;
      if (decision.kind !== "fire" || (kind !== "fired" && kind !== "buffered")) return;
      const { scheduledFor } = decision;
      const name = `${scheduleId}@${scheduledFor}`;
      if (this.#decided.has(name)) this.#broken(`${name} fired twice`, at);
      if (scheduledFor > storeNow) this.#broken(`${name} fired before its instant`, at);
      this.#decided.add(name);
    });
  }

  /** Two of the same ms have the same name. */
  triggered(scheduleId: string, outcomes: readonly { scheduledFor: number }[]): void {
    for (const { scheduledFor } of outcomes) this.#triggered.add(`${scheduleId}@${scheduledFor}`);
  }

  /** A job of an occurrence is claimed. */
  claimed(number: string, { scheduleId, scheduledFor }: Occurrence, at: number): void {
    const name = `${scheduleId}@${scheduledFor}`;
    const first = this.#jobs.get(name);
    if (first !== undefined && first !== number && !this.#triggered.has(name))
      this.#broken(`${name} is two jobs`, at);
    this.#jobs.set(name, number);
  }
}
