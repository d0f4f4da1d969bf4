/** Chance by seed: the same seed draws the same faults. */

export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to, not including, 1: mulberry32. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return Math.round(low + this.random() * (high - low));
  }

  pick<T>(list: readonly T[]): T {
    const item = list[Math.floor(this.random() * list.length)];
    if (item === undefined) throw new Error("there is nothing to pick from");
    return item;
  }

  /** Gives them in rounds, each in another order: all come once before any comes again. */
  deck<T>(list: readonly T[]): Deck<T> {
    let left: T[] = [];
    let rounds = 0;
    return {
      next: () => {
        if (left.length === 0) left = [...list];
        const [item] = left.splice(Math.floor(this.random() * left.length), 1);
        if (item === undefined) throw new Error("there is nothing to draw from");
        if (left.length === 0) rounds += 1;
        return item;
      },
      isThrough: () => rounds > 0,
    };
  }
}

export interface Deck<T> {
  next: () => T;
  /** True: each has come once. */
  isThrough: () => boolean;
}
