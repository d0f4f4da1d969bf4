/**
 * How long the handlers of one task take, and so how many claimed jobs may stand ready behind them
 * (prefetch). Pure; forgets what is long ago.
 */

/** A claimed job that has not begun after this long is handed back, ms. */
export const LONGEST_WAIT_MS = 10;

/** What stands ready is to last for this long, ms: half of what it may, since handlers vary. */
export const AIM_MS = 5;

/** Slower handlers gain nothing: a round trip is short beside them. */
const SHORT_MS = 10;

/** Retry-off jobs that are claimed when their process dies are dead: few may stand ready. */
const VERY_SHORT_MS = 1;

/**
 * Two calls on their way, and work for here meanwhile; more would only be held for longer.
 * Of retry-off jobs fewer: those that a dying process has claimed are dead.
 */
const MOST_AHEAD = 600;
const MOST_AHEAD_ONCE = 400;

/**
 * Nothing is known before so many have ended: twice as many each time that what was known did not
 * hold, so that a busy event loop is not made busier; as few as before when it has held for long.
 */
const LEAST_SEEN = 8;
const MOST_SEEN = 4_096;
const HELD_FOR = 4;

/** The weight of the latest duration in the mean. */
const WEIGHT = 1 / 8;

export class Pace {
  #meanMs = 0;
  #seen = 0;
  #least = LEAST_SEEN;

  /** A handler has ended after so long. */
  note(durationMs: number): void {
    this.#seen += 1;
    if (this.#seen > this.#least * HELD_FOR) this.#least = LEAST_SEEN;
    const weight = this.#seen < LEAST_SEEN ? 1 / this.#seen : WEIGHT;
    this.#meanMs += (durationMs - this.#meanMs) * weight;
  }

  /** A job had to wait too long: what was known does not hold any more. */
  forget(): void {
    this.#seen = 0;
    this.#meanMs = 0;
    this.#least = Math.min(this.#least * 2, MOST_SEEN);
  }

  /** True: retry-off jobs may stand ready, too. */
  get isVeryShort(): boolean {
    return this.#seen >= this.#least && this.#meanMs < VERY_SHORT_MS;
  }

  /** How many jobs may stand ready behind `concurrency` handlers. */
  ahead(concurrency: number, isRetryOff: boolean): number {
    if (this.#seen < this.#least || this.#meanMs > SHORT_MS) return 0;
    if (isRetryOff && !this.isVeryShort) return 0;
    const most = isRetryOff ? MOST_AHEAD_ONCE : MOST_AHEAD;
    if (concurrency * AIM_MS >= most * this.#meanMs) return most;
    return Math.floor((concurrency * AIM_MS) / this.#meanMs);
  }
}
