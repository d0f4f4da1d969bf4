/**
 * What the server knows of this scheduler's sleep: for which tasks it may be woken. So a look names
 * only the tasks for which it is not known to sleep, and an idle one names none.
 */

import type { WorkAnswer, WorkArgs } from "../contract.js";

/** Told again after this long at the latest: a lost message must not make a task deaf for long. */
const REFRESH_MS = 60_000;

export class Sleep {
  /** When each task was last registered, by the monotonic clock. */
  readonly #since = new Map<string, number>();
  /** Every task that was ever registered. */
  readonly #ever = new Set<string>();
  #endings = 0;

  /** Rises with each end of a sleep. */
  get endings(): number {
    return this.#endings;
  }

  /** Every task for which the server may believe that this scheduler sleeps. */
  everRegistered(): Iterable<string> {
    return this.#ever;
  }

  get hasRegistered(): boolean {
    return this.#ever.size > 0;
  }

  /** Those for which the server has to be told. */
  missing(taskIds: readonly string[], now: number): string[] {
    return taskIds.filter((taskId) => {
      const since = this.#since.get(taskId);
      return since === undefined || now - since >= REFRESH_MS;
    });
  }

  /** The server was told. A sleep that ended while it was on its way is not believed. */
  registered(taskIds: readonly string[], at: { now: number; endings: number }): void {
    for (const taskId of taskIds) {
      this.#ever.add(taskId);
      if (at.endings === this.#endings) this.#since.set(taskId, at.now);
    }
  }

  /** Woken for it, or awake for it by a claim: the server has forgotten it. */
  ended(taskId: string): void {
    this.#endings += 1;
    this.#since.delete(taskId);
  }

  /** The server has forgotten it for what it claimed, and for what others are woken for now. */
  worked({ settles }: Pick<WorkArgs, "settles">, { batches }: Pick<WorkAnswer, "batches">): void {
    for (const { taskId } of batches) this.ended(taskId);
    for (const { outcome, taskId } of settles) {
      if (outcome.kind === "handBack") this.ended(taskId);
    }
  }

  /** Nothing is sure any more. */
  endedAll(): void {
    this.#endings += 1;
    this.#since.clear();
  }
}
