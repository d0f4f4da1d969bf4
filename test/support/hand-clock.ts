/**
 * A clock whose time stands until a test moves it. Timers and turns of the event loop stay real,
 * so that a store's own waiting (for a lock, for an answer) goes on while the hands stand still.
 */
import { type Clock, systemClock } from "../../src/clock.js";

export interface HandClock extends Clock {
  /** Time passes: both the wall clock and the stopwatch move. */
  advance(ms: number): void;
  /** Somebody sets the wall clock: the stopwatch does not notice. */
  jump(ms: number): void;
}

/** 2026-01-01T00:00:00Z; any instant would do. */
const BEGINNING_AT = 1_767_225_600_000;

export function createHandClock(startAt: number = BEGINNING_AT): HandClock {
  let now = startAt;
  let passedMs = 0;
  return {
    now: () => now,
    nowExact: () => now,
    monotonic: () => systemClock.monotonic() + passedMs,
    busyMs: () => 0,
    after: (ms, run, options) => systemClock.after(ms, run, options),
    endOfTurn: (run) => systemClock.endOfTurn(run),
    advance(ms) {
      now += ms;
      passedMs += ms;
    },
    jump(ms) {
      now += ms;
    },
  };
}
