/**
 * Mends the bound tasks in the background:
 *  1. a bounded piece of a few of them each round, in turn
 *  2. where something was lost there is mostly more: goes on there until a piece finds nothing
 *  3. all of them from their beginnings, as far as each finds something, when there is doubt
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
  /** To be looked at from their beginnings. */
  #doubtful: string[] = [];
  /** In it something was found just now. */
  #hurt: string | null = null;

  constructor({ store, taskIds }: { store: Store; taskIds: readonly string[] }) {
    this.#store = store;
    this.#taskIds = taskIds;
  }

  /** Something may have been left half done: each task has a piece that does not wait its turn. */
  doubt(): void {
    this.#doubtful = [...this.#taskIds];
  }

  /** True: something was found, or is in doubt, and the next step should come soon. */
  async step(): Promise<boolean> {
    const urgent = this.#hurt ?? this.#nextDoubtful();
    if (urgent !== undefined) {
      return (await this.#mend(urgent, { urgent: true })) || this.#doubtful.length > 0;
    }
    const round = Math.min(TASKS_A_ROUND, this.#taskIds.length);
    for (let k = 0; k < round; k += 1) {
      const taskId = this.#taskIds[this.#next]!;
      // If it fails, because its shard is away, the next one has its turn.
      this.#next = (this.#next + 1) % this.#taskIds.length;
      if (await this.#mend(taskId, { urgent: false })) return true;
    }
    return false;
  }

  #nextDoubtful(): string | undefined {
    const taskId = this.#doubtful.shift();
    if (taskId !== undefined) this.#places.delete(taskId);
    return taskId;
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
