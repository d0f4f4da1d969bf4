/** What stands in a bag; -1: it does not. The bag's own. */
export interface InBag {
  at: number;
}

/**
 * A collection without an order, for what comes and goes many times a second. A Map or a Set would
 * keep all that ever was in it until the old generation of the heap is swept: each time it makes
 * itself a new table, V8 lets the old one point to the new one, so that once one of these tables
 * has become old, all that follow do so, with what stands in them.
 */
export class Bag<T extends InBag> implements Iterable<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    item.at = this.#items.length;
    this.#items.push(item);
  }

  /** The last one takes its place. False: it was not there. */
  remove(item: T): boolean {
    const { at } = item;
    if (at === -1) return false;
    const last = this.#items.pop()!;
    item.at = -1;
    if (last === item) return true;
    this.#items[at] = last;
    last.at = at;
    return true;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }
}
