/** Places of a new line; doubled whenever they are all taken. A power of two. */
const LEAST_PLACES = 16;

/**
 * A queue, first in first out, in a ring of places. An array would be replaced by another one now
 * and then: those that are dropped have outlived the young generation of the heap, and until the
 * old one is swept everything that stands in them does so, too. For the same reason a place is
 * emptied when it is left.
 */
export class Line<T> {
  #places: (T | undefined)[] = new Array(LEAST_PLACES).fill(undefined);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** undefined: it is empty. */
  get first(): T | undefined {
    return this.#places[this.#head];
  }

  add(item: T): void {
    if (this.#length === this.#places.length) this.#grow();
    this.#places[(this.#head + this.#length) & (this.#places.length - 1)] = item;
    this.#length += 1;
  }

  /** Takes the first one out; undefined: it is empty. */
  take(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#places[this.#head];
    this.#places[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#places.length - 1);
    this.#length -= 1;
    return item;
  }

  /** Takes all out. */
  takeAll(): T[] {
    const items: T[] = [];
    while (this.#length > 0) items.push(this.take()!);
    return items;
  }

  #grow(): void {
    const length = this.#length;
    const items = this.takeAll();
    this.#places = items.concat(new Array(length).fill(undefined));
    this.#head = 0;
    this.#length = length;
  }
}
