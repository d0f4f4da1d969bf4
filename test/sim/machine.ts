/**
 * One simulated process: its clocks, its timers, and what arrives at it. While it is frozen
 * nothing happens in it, and everything that fell due happens when it thaws; when it crashes, all
 * of that is gone.
 */
import type { Clock, Timer } from "../../src/clock.js";
import type { Planned, Timeline } from "./timeline.js";

export interface MachineParts {
  timeline: Timeline;
  name: string;
  /** Which worker it is; null: none of those that faults strike. */
  worker: number | null;
  /** Epoch ms at the beginning of the world, by the right clock. */
  epoch: number;
  /** How far its wall clock is off, ms. */
  skewMs: number;
}

/** After all that has a rank of its own. */
const HELD_RANK = 1;

const SHORTEST_MS = 0.001;

/** Within one turn: what was asked for last comes last. */
const TURN_RANK = -1;

export class Machine {
  readonly name: string;
  readonly worker: number | null;
  readonly clock: Clock;
  readonly #timeline: Timeline;
  #isDead = false;
  #frozenUntil = Number.NEGATIVE_INFINITY;
  readonly #held: Planned[] = [];
  #timers = 0;

  constructor(parts: MachineParts) {
    const { timeline, epoch, skewMs } = parts;
    this.name = parts.name;
    this.worker = parts.worker;
    this.#timeline = timeline;
    const now = (): number => epoch + skewMs + timeline.now;
    this.clock = {
      now: () => Math.floor(now()),
      nowExact: now,
      monotonic: () => timeline.now,
      busyMs: () => 0,
      after: (ms, run) => this.#after(ms, run),
      endOfTurn: (run) => this.arrives(timeline.now, run, TURN_RANK),
    };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isFrozen(): boolean {
    return this.#timeline.now < this.#frozenUntil;
  }

  /** Timers that have neither fired nor been cancelled. */
  get timers(): number {
    return this.#timers;
  }

  /** Something reaches the process at `at`, or when it can take notice of it. */
  arrives(at: number, run: () => void, rank?: number): Planned {
    const event: Planned = this.#timeline.at(
      at,
      () => {
        if (this.#isDead) return;
        if (this.isFrozen) this.#held.push(event);
        else run();
      },
      rank,
    );
    return event;
  }

  freeze(ms: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#timeline.now + ms);
    this.#timeline.in(ms, () => {
      if (!this.isFrozen) this.thaw();
    });
  }

  /** What fell due meanwhile happens now, in the order in which it did. */
  thaw(): void {
    this.#frozenUntil = Number.NEGATIVE_INFINITY;
    this.#held.splice(0).forEach((event, n) => {
      if (!event.isCancelled) this.#timeline.at(this.#timeline.now, event.run, HELD_RANK + n);
    });
  }

  crash(): void {
    this.#isDead = true;
  }

  #after(ms: number, run: () => void): Timer {
    this.#timeline.touched(`${this.name}: a timer`);
    this.#timers += 1;
    let isOpen = true;
    const close = (): boolean => {
      if (!isOpen) return false;
      isOpen = false;
      this.#timers -= 1;
      return true;
    };
    // What is too small to be added to the time would never be over.
    const waitMs = ms > 0 ? Math.max(ms, SHORTEST_MS) : 0;
    const event = this.arrives(this.#timeline.now + waitMs, () => {
      if (close()) run();
    });
    return {
      cancel() {
        event.isCancelled = true;
        close();
      },
    };
  }
}
