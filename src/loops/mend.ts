/**
 * Mends the bound tasks in the background:
 *  1. a bounded piece of a few of them each round, in turn
 *  2. where something was lost there is mostly more: goes on there until a piece finds nothing
 */
import type { Store } from "../store/contract.js";

/** Each is a call, also where there is nothing to do. */
const TASKS_A_ROUND = 4;

export class Mending {
  readonly #store: Store;
  readonly #taskIds: readonly string[];
  #next = 0;
  /** Where the next piece of a task begins; none: at the beginning. */
  readonly #places = new Map<string, string>();
  /** In it something was found just now. */
  #hurt: string | null = null;

  constructor({ store, taskIds }: { store: Store; taskIds: readonly string[] }) {
    this.#store = store;
    this.#taskIds = taskIds;
  }

  /** True: something was found, and the next step should come soon. */
  async step(): Promise<boolean> {
    if (this.#hurt !== null) return await this.#mend(this.#hurt, { urgent: true });
    const round = Math.min(TASKS_A_ROUND, this.#taskIds.length);
    for (let k = 0; k < round; k += 1) {
      const taskId = this.#taskIds[this.#next]!;
      // If it fails, because its shard is away, the next one has its turn.
      this.#next = (this.#next + 1) % this.#taskIds.length;
      if (await this.#mend(taskId, { urgent: false })) return true;
    }
    return false;
  }

  async #mend(taskId: string, { urgent }: { urgent: boolean }): Promise<boolean> {
    const from = this.#places.get(taskId) ?? "";
    this.#hurt = null;
    this.#places.delete(taskId);
    const { place, mended } = await this.#store.mend({ taskId, urgent, place: from });
    if (place === "") return false;
    this.#places.set(taskId, place);
    if (Object.keys(mended).length === 0) return false;
    this.#hurt = taskId;
    return true;
  }
}
