/** So many may stand in front of the first before what is left is moved. */
const MOST_TAKEN = 1_000;

/** A queue, first in first out: taking from the front of an array would move all the rest. */
export class Line<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** undefined: it is empty. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  add(item: T): void {
    this.#items.push(item);
  }

  /** Takes the first one out; undefined: it is empty. */
  take(): T | undefined {
    const item = this.#items[this.#head];
    this.#head += 1;
    if (this.#head >= this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= MOST_TAKEN && this.#head * 2 >= this.#items.length) {
      // One that is never empty would keep all that was ever in it.
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes all out. */
  takeAll(): T[] {
    const items = this.#items.slice(this.#head);
    this.#items = [];
    this.#head = 0;
    return items;
  }
}
