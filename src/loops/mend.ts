/** Mends the bound tasks in the background: one after the other, a bounded piece each round. */
import type { Store } from "../store/contract.js";

export class Mending {
  readonly #store: Store;
  readonly #taskIds: readonly string[];
  #next = 0;
  #place = "";

  constructor({ store, taskIds }: { store: Store; taskIds: readonly string[] }) {
    this.#store = store;
    this.#taskIds = taskIds;
  }

  async step(): Promise<void> {
    const taskId = this.#taskIds[this.#next];
    if (taskId === undefined) return;
    const from = this.#place;
    // If it fails, because its shard is away, the next one has its turn.
    this.#place = "";
    try {
      this.#place = (await this.#store.mend({ taskId, urgent: false, place: from })).place;
    } finally {
      if (this.#place === "") this.#next = (this.#next + 1) % this.#taskIds.length;
    }
  }
}
