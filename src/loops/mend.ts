/**
 * Mends the bound tasks in the background:
 *  1. a bounded piece of some of them each round, in turn; those that have little share a call
 *  2. where something was lost there is mostly more: goes on there until a piece finds nothing
 *  3. all of them from their beginnings, as far as each finds something, when there is doubt
 */
import type { Store } from "../store/contract.js";

const TASKS_A_ROUND = 20;
const CALLS_A_ROUND = 4;

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
  /** How many of the next have calls of their own, so that one that fails stops no others. */
  #careful = 0;

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
      return (await this.#mend([urgent], { urgent: true })).found || this.#doubtful.length > 0;
    }
    let left = Math.min(TASKS_A_ROUND, this.#taskIds.length);
    for (let calls = 0; calls < CALLS_A_ROUND && left > 0; calls += 1) {
      const { found, seen } = await this.#mendNext(this.#careful > 0 ? 1 : left);
      if (found) return true;
      left -= seen;
    }
    return false;
  }

  /** In turn: where it fails, as a shard is away or a key is damaged, the next has its turn. */
  async #mendNext(most: number): Promise<{ found: boolean; seen: number }> {
    const from = this.#next;
    const count = this.#taskIds.length;
    this.#next = (from + 1) % count;
    const some = Array.from({ length: most }, (_, k) => this.#taskIds[(from + k) % count]!);
    const mended = await this.#mend(some, { urgent: false }).catch((error: unknown) => {
      this.#careful = most > 1 ? most : this.#careful - 1;
      throw error;
    });
    this.#careful = Math.max(0, this.#careful - 1);
    this.#next = (from + mended.seen) % count;
    return mended;
  }

  #nextDoubtful(): string | undefined {
    const taskId = this.#doubtful.shift();
    if (taskId !== undefined) this.#places.delete(taskId);
    return taskId;
  }

  async #mend(
    [taskId = "", ...next]: readonly string[],
    { urgent }: { urgent: boolean },
  ): Promise<{ found: boolean; seen: number }> {
    const from = this.#places.get(taskId) ?? "";
    this.#hurt = null;
    this.#places.delete(taskId);
    const { seen, place, mended } = await this.#store.mend({ taskId, urgent, place: from, next });
    const last = seen === 0 ? taskId : next[seen - 1]!;
    for (const passed of next.slice(0, seen)) this.#places.delete(passed);
    if (place !== "") this.#places.set(last, place);
    const found = place !== "" && Object.keys(mended).length > 0;
    if (found) this.#hurt = last;
    return { found, seen: seen + 1 };
  }
}
