/**
 * The times of a day that an expression names; kept by hour, minute and second, since they may
 * be 86,400.
 */

/** Seconds of a day are counted from 0; sets are given as a flag for each value. */
export class DayTimes {
  readonly #hour: ValueSet;
  readonly #minute: ValueSet;
  readonly #second: ValueSet;
  readonly #first: number;

  constructor(sets: {
    hour: readonly boolean[];
    minute: readonly boolean[];
    second: readonly boolean[];
  }) {
    this.#hour = new ValueSet(sets.hour);
    this.#minute = new ValueSet(sets.minute);
    this.#second = new ValueSet(sets.second);
    this.#first = this.#at(this.#hour.first, this.#minute.first, this.#second.first);
  }

  /** The first time of any day. */
  get first(): number {
    return this.#first;
  }

  /** The first time of the day at or after `from`; null: none is left. */
  firstFrom(from: number): number | null {
    const hour = Math.floor(from / 3_600);
    const minute = Math.floor((from % 3_600) / 60);
    if (this.#hour.has(hour)) {
      if (this.#minute.has(minute)) {
        const second = this.#second.firstFrom(from % 60);
        if (second !== null) return this.#at(hour, minute, second);
      }
      const nextMinute = this.#minute.firstFrom(minute + 1);
      if (nextMinute !== null) return this.#at(hour, nextMinute, this.#second.first);
    }
    const nextHour = this.#hour.firstFrom(hour + 1);
    if (nextHour === null) return null;
    return this.#at(nextHour, this.#minute.first, this.#second.first);
  }

  /** How many times of the day are before `end`. */
  countBefore(end: number): number {
    const hour = Math.floor(end / 3_600);
    const minute = Math.floor((end % 3_600) / 60);
    let count = this.#hour.countBelow(hour) * this.#minute.size * this.#second.size;
    if (!this.#hour.has(hour)) return count;
    count += this.#minute.countBelow(minute) * this.#second.size;
    if (this.#minute.has(minute)) count += this.#second.countBelow(end % 60);
    return count;
  }

  #at(hour: number, minute: number, second: number): number {
    return hour * 3_600 + minute * 60 + second;
  }
}

/** Small numbers, with the answers to all questions ready. */
class ValueSet {
  /** For each value: the first member at or after it, or -1. */
  readonly #next: number[];
  /** For each value: how many members are below it. */
  readonly #below: number[] = [0];

  constructor(flags: readonly boolean[]) {
    this.#next = new Array(flags.length + 1).fill(-1);
    for (let value = flags.length - 1; value >= 0; value--) {
      this.#next[value] = flags[value] ? value : this.#next[value + 1]!;
    }
    for (const [value, flag] of flags.entries()) {
      this.#below.push(this.#below[value]! + (flag ? 1 : 0));
    }
  }

  get size(): number {
    return this.#below.at(-1)!;
  }

  get first(): number {
    return this.#next[0]!;
  }

  has(value: number): boolean {
    return this.#next[value] === value;
  }

  firstFrom(value: number): number | null {
    const next = this.#next[value] ?? -1;
    return next === -1 ? null : next;
  }

  countBelow(value: number): number {
    return this.#below[Math.min(value, this.#below.length - 1)]!;
  }
}
