/**
 * The account of rules: what fires has an instant of a rule that is there. Which of several that
 * programs have registered is in force, is not judged here; of run-time schedules it is the last
 * that the server was told, until it was told to remove it.
 */
import type { Fire, FireOutcome, RegisterAnswer, RegisterArgs } from "../../src/store/contract.js";
import type { RegisterOptions } from "../../src/types.js";
import { firesBy, firesByText } from "./rules.js";

const IN_FORCE: ReadonlySet<string> = new Set(["added", "changed", "unchanged"]);

export class InForce {
  readonly #code: ReadonlyMap<string, readonly RegisterOptions[]>;
  readonly #broken: (what: string, at: number) => void;
  readonly #runtime = new Map<string, string>();

  constructor(
    code: ReadonlyMap<string, readonly RegisterOptions[]>,
    broken: (what: string, at: number) => void,
  ) {
    this.#code = code;
    this.#broken = broken;
  }

  /** Run-time schedules that are there, with the texts of their rules. */
  get runtime(): ReadonlyMap<string, string> {
    return this.#runtime;
  }

  registered({ registration, schedules }: RegisterArgs, answers: readonly RegisterAnswer[]): void {
    if (registration !== null) return;
    schedules.forEach(({ scheduleId, definition }, n) => {
      if (!this.#code.has(scheduleId) && IN_FORCE.has(answers[n]?.outcome ?? ""))
        this.#runtime.set(scheduleId, definition);
    });
  }

  removed(scheduleId: string): void {
    this.#runtime.delete(scheduleId);
  }

  fired({ scheduleId, decisions }: Fire, outcomes: readonly FireOutcome[], at: number): void {
    decisions.forEach((decision, n) => {
      const isMade = outcomes[n]?.kind === "fired" || outcomes[n]?.kind === "buffered";
      if (decision.kind !== "fire" || !isMade) return;
      const { scheduledFor } = decision;
      const why = this.#mustNot(scheduleId, scheduledFor);
      if (why !== null) this.#broken(`${scheduleId}@${scheduledFor} fired, and ${why}`, at);
    });
  }

  #mustNot(scheduleId: string, scheduledFor: number): string | null {
    const versions = this.#code.get(scheduleId);
    if (versions !== undefined) {
      return versions.some((rule) => firesBy(rule, scheduledFor)) ? null : "no version has it";
    }
    const definition = this.#runtime.get(scheduleId);
    if (definition === undefined) return "there is no such schedule";
    return firesByText(definition, scheduledFor) ? null : `its rule is ${definition}`;
  }
}
