/**
 * How many jobs this process ends while its event loop is busy. Handlers that compute end one after
 * another, however many of them may run at once, and those of all tasks share one event loop: what
 * is claimed ahead beyond that waits for too long. Handlers that wait for something do not.
 */
import type { Clock } from "../clock.js";

/** What is claimed ahead is to last for no longer, ms: less than it may wait. */
const AIM_MS = 8;

/** How long to look before something is learned, ms. */
const WINDOW_MS = 5;

/** From this share of the time on, the event loop is what holds jobs up. */
const BUSY_SHARE = 0.9;

/** Whenever it was not, so many more are tried, in all and each ms. */
const GROWTH = 1.25;
const GROWTH_PER_MS = 1;

export class Capacity {
  readonly #clock: Pick<Clock, "monotonic" | "busyMs">;
  /** Jobs that can end each ms; nothing is known at first. */
  #perMs = Number.POSITIVE_INFINITY;
  #ended = 0;
  #since: number;
  #busySince: number;

  constructor(clock: Pick<Clock, "monotonic" | "busyMs">) {
    this.#clock = clock;
    this.#since = clock.monotonic();
    this.#busySince = clock.busyMs();
  }

  /** A handler has ended. */
  ended(): void {
    this.#ended += 1;
  }

  /** How many jobs may be claimed ahead, of all tasks; Infinity: the event loop is no limit. */
  ahead(): number {
    const now = this.#clock.monotonic();
    const passedMs = now - this.#since;
    if (passedMs >= WINDOW_MS) {
      const busyMs = this.#clock.busyMs();
      if (this.#ended > 0) this.#learn(passedMs, busyMs - this.#busySince);
      this.#ended = 0;
      this.#since = now;
      this.#busySince = busyMs;
    }
    return this.#perMs * AIM_MS;
  }

  #learn(passedMs: number, busyMs: number): void {
    if (busyMs < BUSY_SHARE * passedMs) {
      this.#perMs = this.#perMs * GROWTH + GROWTH_PER_MS;
      return;
    }
    const perMs = this.#ended / passedMs;
    this.#perMs = Number.isFinite(this.#perMs) ? (this.#perMs + perMs) / 2 : perMs;
  }
}
