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
  /** Those that became jobs, as far as it was told at once. */
  readonly #made = new Set<string>();
  /** Those that somebody asked for, beside the rule. */
  readonly #triggered = new Set<string>();
  /** Those of schedules that were removed, whose jobs go on. */
  readonly #former = new Set<string>();
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
      if (kind === "fired") this.#made.add(name);
    });
  }

  /** Two of the same ms have the same name. */
  triggered(scheduleId: string, outcomes: readonly { scheduledFor: number }[]): void {
    for (const { scheduledFor } of outcomes) this.#triggered.add(`${scheduleId}@${scheduledFor}`);
  }

  /** Those of a past span that are fired now: no trigger, but the occurrences themselves. */
  filledIn(
    scheduleId: string,
    outcomes: readonly { scheduledFor: number; outcome: FireOutcome }[],
    at: number,
  ): void {
    for (const { scheduledFor, outcome } of outcomes) {
      const name = `${scheduleId}@${scheduledFor}`;
      if (outcome.kind !== "fired" || !outcome.job.created) continue;
      if (this.#made.has(name)) this.#broken(`${name} was filled in, and had fired`, at);
      this.#made.add(name);
    }
  }

  /** Another schedule of the same id has occurrences of its own. */
  removed(scheduleId: string): void {
    for (const names of [this.#decided, this.#made, this.#jobs]) {
      for (const name of [...names.keys()]) {
        if (!name.startsWith(`${scheduleId}@`)) continue;
        names.delete(name);
        this.#former.add(name);
      }
    }
  }

  /** A job of an occurrence is claimed. */
  claimed(number: string, { scheduleId, scheduledFor }: Occurrence, at: number): void {
    const name = `${scheduleId}@${scheduledFor}`;
    const first = this.#jobs.get(name);
    const isOneOfMany = this.#triggered.has(name) || this.#former.has(name);
    if (first !== undefined && first !== number && !isOneOfMany)
      this.#broken(`${name} is two jobs`, at);
    this.#jobs.set(name, number);
  }
}
