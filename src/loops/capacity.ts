/**
 * How many jobs this process ends while its event loop is busy. Handlers that compute end one after
 * another, however many of them may run at once, and those of all tasks share one event loop: what
 * is claimed ahead beyond that waits for too long. Handlers that wait for something do not.
 */
import type { Clock } from "../clock.js";

/** What has been claimed ahead is to last for no longer, ms: less than it may wait. */
const AIM_MS = 8;

/** How long to look before something is learned, ms. */
const WINDOW_MS = 5;

/** From this share of the time on, the event loop is what holds jobs up. */
const BUSY_SHARE = 0.9;

/** Whenever it was not, so many more are tried, in all and each ms. */
const GROWTH = 1.25;
const GROWTH_PER_MS = 1;

/** Nothing ends more a ms: it is no limit any more. */
const MOST_PER_MS = 1_000;

/** The weight of the latest call in the mean. */
const WEIGHT = 1 / 4;

export class Capacity {
  readonly #clock: Pick<Clock, "monotonic" | "busyMs">;
  /** Jobs that can end each ms; nothing is known at first. */
  #perMs = Number.POSITIVE_INFINITY;
  #ended = 0;
  #since: number;
  #busySince: number;
  /** How long claims take, in the mean. */
  #callMs = 0;
  readonly #holders: (() => number)[] = [];

  constructor(clock: Pick<Clock, "monotonic" | "busyMs">) {
    this.#clock = clock;
    this.#since = clock.monotonic();
    this.#busySince = clock.busyMs();
  }

  /** `held` tells how many jobs of a shard are claimed and have not begun, or are asked for. */
  join(held: () => number): void {
    this.#holders.push(held);
  }

  /** A handler has ended. */
  ended(): void {
    this.#ended += 1;
  }

  /** A claim took so long. */
  called(tookMs: number): void {
    this.#callMs += (tookMs - this.#callMs) * WEIGHT;
  }

  /**
   * How many jobs may be claimed ahead now, of all tasks and shards: in halves, so that the store
   * works on one meanwhile, or a good part; Infinity: the event loop is no limit.
   */
  room(): number {
    const most = this.#most();
    if (most === Number.POSITIVE_INFINITY) return most;
    // Those with a free slot wait for the same event loop.
    let held = 0;
    for (const holder of this.#holders) held += holder();
    const room = Math.min(most - held, most / 2);
    return room < most / 4 ? 0 : Math.floor(room);
  }

  /** What may be held. What is on its way does not wait for the event loop yet. */
  #most(): number {
    const now = this.#clock.monotonic();
    const passedMs = now - this.#since;
    if (passedMs >= WINDOW_MS) {
      const busyMs = this.#clock.busyMs();
      if (this.#ended > 0) this.#learn(passedMs, busyMs - this.#busySince);
      this.#ended = 0;
      this.#since = now;
      this.#busySince = busyMs;
    }
    return this.#perMs * (AIM_MS + this.#callMs);
  }

  #learn(passedMs: number, busyMs: number): void {
    if (busyMs < BUSY_SHARE * passedMs) {
      const more = this.#perMs * GROWTH + GROWTH_PER_MS;
      this.#perMs = more > MOST_PER_MS ? Number.POSITIVE_INFINITY : more;
      return;
    }
    const perMs = this.#ended / passedMs;
    this.#perMs = Number.isFinite(this.#perMs) ? (this.#perMs + perMs) / 2 : perMs;
  }
}
