/**
 * To which shard each push goes, so that a call is for one of them.
 *  1. a job of a task that lives in one goes there; one with an id of its caller's where that says
 *  2. all others of one call go together, and those of the next call to the next shard: so that
 *     spreading makes no more calls than there were
 */
import type { Chance } from "../chance.js";
import { placeOfId, shardOfTask, shardsOfTask } from "../core/shard.js";
import type { Store } from "../store/contract.js";

export interface Routed {
  taskId: string;
  /** Its caller's. */
  id: string | null;
}

export class Routes {
  readonly #store: Store;
  readonly #chance: Pick<Chance, "random">;
  /** Of each spread task: whose turn it is. */
  readonly #turns = new Map<string, number>();
  #used = new Set<string>();

  constructor({ store, chance }: { store: Store; chance: Pick<Chance, "random"> }) {
    this.#store = store;
    this.#chance = chance;
  }

  /** By shard, in the order in which they came; a task's next call goes to its next shard. */
  groups<Item extends Routed>(items: readonly Item[]): { shard: number; items: Item[] }[] {
    const groups = new Map<number, { shard: number; items: Item[] }>();
    for (const item of items) {
      const shard = this.#shardOf(item);
      const group = groups.get(shard);
      if (group === undefined) groups.set(shard, { shard, items: [item] });
      else group.items.push(item);
    }
    for (const taskId of this.#used) this.#turns.set(taskId, this.#turnOf(taskId) + 1);
    this.#used.clear();
    return [...groups.values()];
  }

  /** Jobs of one list that need calls of their own, by their places; null: all go together. */
  apart(jobs: readonly Routed[]): number[][] | null {
    const over = this.#overOf(jobs[0]?.taskId ?? "");
    if (over === 1 || jobs.every(({ id }) => id === null)) return null;
    const groups = new Map<number, number[]>();
    jobs.forEach(({ id }, k) => {
      const place = id === null ? -1 : placeOfId(id, over);
      groups.set(place, [...(groups.get(place) ?? []), k]);
    });
    return [...groups.values()];
  }

  #shardOf({ taskId, id }: Routed): number {
    const { shards } = this.#store;
    const over = this.#overOf(taskId);
    if (over === 1) return shardOfTask(taskId, shards);
    const places = shardsOfTask(taskId, { shards, over });
    if (id !== null) return places[placeOfId(id, over)] ?? 0;
    this.#used.add(taskId);
    return places[this.#turnOf(taskId) % over] ?? 0;
  }

  #turnOf(taskId: string): number {
    let turn = this.#turns.get(taskId);
    if (turn === undefined) {
      // Many processes that push once each begin everywhere.
      turn = Math.floor(this.#chance.random() * 1_000);
      this.#turns.set(taskId, turn);
    }
    return turn;
  }

  #overOf(taskId: string): number {
    return this.#store.spreads?.over(taskId) ?? 1;
  }
}
