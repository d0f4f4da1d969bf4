/**
 * A clock that stands still until a test moves it. Timers fire in the order of their instants
 * while time is moved past them, and what they set off gets its turns of the event loop.
 */
import { type Clock, systemClock, type Timer } from "../clock.js";

/** A `Clock` that only a test moves. */
export interface TestClock extends Clock {
  /** Lets `ms` pass: every timer that falls due fires at its own instant, one after the other. */
  advance(ms: number): Promise<void>;
  /** Somebody sets the wall clock; nothing that is measured notices. */
  jump(ms: number): void;
  /** Lets everything that is under way go on until nothing more comes of it. */
  settle(): Promise<void>;
}

interface Waiting {
  at: number;
  run: () => void;
}

/** 2026-01-01T00:00:00Z. */
const DEFAULT_START_AT = 1_767_225_600_000;

/** So many turns of the event loop without a new timer or end of turn, and all is still. */
const QUIET_TURNS = 4;

/** A chain of work that never becomes still is cut here. */
const MOST_TURNS = 10_000;

/** A clock that stands at `startAt`, epoch ms. */
export function createTestClock(startAt: number = DEFAULT_START_AT): TestClock {
  const waiting = new Set<Waiting>();
  let passedMs = 0;
  let jumpedMs = 0;
  let activity = 0;

  const nextDue = (until: number): Waiting | null => {
    let next: Waiting | null = null;
    for (const timer of waiting) {
      if (timer.at <= until && (next === null || timer.at < next.at)) next = timer;
    }
    return next;
  };

  const settle = async (): Promise<void> => {
    let quietTurns = 0;
    for (let turn = 0; turn < MOST_TURNS && quietTurns < QUIET_TURNS; turn += 1) {
      const before = activity;
      await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
      quietTurns = activity === before ? quietTurns + 1 : 0;
    }
  };

  return {
    now: () => Math.floor(startAt + passedMs + jumpedMs),
    nowExact: () => startAt + passedMs + jumpedMs,
    monotonic: () => passedMs,
    busyMs: () => 0,
    after(ms, run): Timer {
      activity += 1;
      const timer = { at: passedMs + Math.max(0, ms), run };
      waiting.add(timer);
      return { cancel: () => void waiting.delete(timer) };
    },
    endOfTurn(run) {
      activity += 1;
      systemClock.endOfTurn(run);
    },
    async advance(ms) {
      const end = passedMs + ms;
      await settle();
      for (let timer = nextDue(end); timer !== null; timer = nextDue(end)) {
        passedMs = Math.max(passedMs, timer.at);
        waiting.delete(timer);
        timer.run();
        await settle();
      }
      passedMs = end;
      await settle();
    },
    jump(ms) {
      jumpedMs += ms;
    },
    settle,
  };
}
