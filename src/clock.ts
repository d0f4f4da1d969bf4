/**
 * Time: the only file that asks what time it is or sets a timer.
 * Everything else is given a `Clock`; tests give one that they move by hand.
 */

export interface Timer {
  /** The timer will not fire any more; harmless when it has. */
  cancel(): void;
}

export interface TimerOptions {
  keepAlive?: boolean;
  isPrecise?: boolean;
}

export interface Clock {
  /** Whole epoch ms, to be stored; may jump. */
  now(): number;
  /** The same instant with its fraction of a ms: what is due after a whole wait is never early. */
  nowExact(): number;
  /** Ms since some instant, to be measured; never jumps. */
  monotonic(): number;
  /** The same without the time in which the event loop of this thread had nothing to do. */
  busyMs(): number;
  /**
   * Calls `run` once after `ms`. `keepAlive: false` lets the process exit before. `isPrecise`: not
   * a ms later, as timers are, which costs up to two ms of CPU.
   */
  after(ms: number, run: () => void, options?: TimerOptions): Timer;
  /** Calls `run` once when this turn of the event loop has ended. */
  endOfTurn(run: () => void): void;
}

/** setTimeout takes a 32-bit number of ms; beyond it, it would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Epoch ms minus the monotonic clock, as last measured. */
let offsetMs = 0;

/** The wall clock has whole ms only; the fraction is the monotonic clock's, bent to agree. */
function nowExact(): number {
  const wall = Date.now();
  const passed = performance.now();
  const guess = passed + offsetMs;
  if (guess < wall) offsetMs = wall - passed;
  else if (guess >= wall + 1) offsetMs = wall + 0.999 - passed;
  return passed + offsetMs;
}

/** A timer has whole ms and rounds up: this one rings early, and turns until the time has come. */
function precisely(ms: number, run: () => void): Timer {
  const at = performance.now() + ms;
  let isCancelled = false;
  const turn = (): void => {
    if (isCancelled) return;
    if (performance.now() >= at) run();
    else setImmediate(turn);
  };
  const handle = setTimeout(turn, Math.max(0, Math.floor(ms) - 1));
  return {
    cancel() {
      isCancelled = true;
      clearTimeout(handle);
    },
  };
}

export const systemClock: Clock = {
  now: () => Date.now(),
  nowExact,
  monotonic: () => performance.now(),
  busyMs: () => performance.eventLoopUtilization().active,
  after(ms, run, options) {
    if (options?.isPrecise === true && ms < LONGEST_TIMER_MS) return precisely(ms, run);
    const handle = setTimeout(run, Math.min(Math.max(0, Math.ceil(ms)), LONGEST_TIMER_MS));
    if (options?.keepAlive === false) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  endOfTurn: (run) => void setImmediate(run),
};

/** Resolves after `ms`. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
