/**
 * The occurrences from a cursor on, as a plan sees them: the cursor is one whatever the rule says,
 * and those in excluded spans are told apart. Counted, not visited.
 */
import type { ScheduleRule } from "./definition.js";
import { countOccurrences, nextOccurrence } from "./timing.js";

export class DueRow {
  readonly #rule: ScheduleRule;
  readonly #cursorAt: number;

  constructor(rule: ScheduleRule, cursorAt: number) {
    this.#rule = rule;
    this.#cursorAt = cursorAt;
  }

  /** The first at or after `from`; null: none. */
  firstFrom(from: number): number | null {
    if (from <= this.#cursorAt) return this.#cursorAt;
    return nextOccurrence(this.#rule, from - 1);
  }

  /** How many from `from` up to, not including, `to`. */
  count(from: number, to: number): number {
    const cursorAt = this.#cursorAt;
    if (cursorAt >= to) return 0;
    const after = countOccurrences(this.#rule, Math.max(from, cursorAt + 1), to);
    return after + (from <= cursorAt ? 1 : 0);
  }

  /** How many of those lie in excluded spans. */
  countExcluded(from: number, to: number): number {
    let count = 0;
    for (const [begin, end] of this.#rule.exclude ?? []) {
      const [first, last] = [Math.max(from, begin), Math.min(to, end)];
      if (first < last) count += this.count(first, last);
    }
    return count;
  }

  /** How many of those do not. */
  countPlain(from: number, to: number): number {
    return this.count(from, to) - this.countExcluded(from, to);
  }

  /** The first plain one of the last `count` before `end`; from `earliest` there are as many. */
  firstOfLast(count: number, earliest: number, end: number): number {
    const enoughFrom = this.#latestWith(count, {
      countFrom: (from) => this.countPlain(from, end),
      earliest,
      end,
    });
    return this.firstFrom(enoughFrom)!;
  }

  /** The last one before `end`, of whatever is counted; there must be one from the cursor on. */
  lastBefore(end: number, countFrom: (from: number) => number): number {
    const from = this.#latestWith(1, { countFrom, earliest: this.#cursorAt, end });
    return this.firstFrom(from)!;
  }

  /** The latest instant from which on there are still `count` before `end`. */
  #latestWith(
    count: number,
    at: { countFrom: (from: number) => number; earliest: number; end: number },
  ): number {
    const { countFrom, earliest, end } = at;
    // Back in doubling strides, since the wanted ones are near the end: counting a year is dearer.
    let stride = 1_000 * count;
    while (end - stride > earliest && countFrom(end - stride) < count) stride *= 2;
    let enough = Math.max(earliest, end - stride);
    let tooFew = end;
    while (tooFew - enough > 1) {
      const middle = Math.floor((enough + tooFew) / 2);
      if (countFrom(middle) >= count) enough = middle;
      else tooFew = middle;
    }
    return enough;
  }
}
