/**
 * Runs a step again and again: sleeps for as long as the step says, wakes early, backs off when
 * it fails, stops cleanly. Every loop of a scheduler is this one with a step of its own.
 */
import type { Chance } from "../chance.js";
import type { Clock, Timer } from "../clock.js";

/** How long a step wants to be left alone, ms. */
export type DelayMs = number;

export const AT_ONCE: DelayMs = 0;
export const UNTIL_WOKEN: DelayMs = Number.POSITIVE_INFINITY;

export type Step = () => Promise<DelayMs>;

export interface LoopParts {
  /** Named in error reports. */
  name: string;
  step: Step;
  clock: Clock;
  chance: Chance;
  onError: (error: unknown, loopName: string) => void;
  /** True: the next sleep must not end later than planned, not even by a ms. */
  isPrecise?: () => boolean;
  /** The longest wait after failures in a row, ms. */
  longestBackoffMs?: number;
}

/** Fewer failures in a row are a hiccup. */
const MANY_FAILURES = 4;
const FIRST_BACKOFF_MS = 50;

/** Short, so that work goes on well within 5 s of the store's return. */
export const LONGEST_BACKOFF_MS = 1_000;

/** The wait after `failures` failures in a row: doubling, bounded, 50 to 100 % of it. */
export function backoffMs(args: { failures: number; longestMs: number; random: number }): DelayMs {
  const exponent = Math.min(args.failures - 1, 30);
  const fullMs = Math.min(FIRST_BACKOFF_MS * 2 ** exponent, args.longestMs);
  return Math.ceil(fullMs * (0.5 + args.random / 2));
}

type Phase = "stopped" | "sleeping" | "running" | "backingOff";

export class Loop {
  readonly #parts: LoopParts;
  #phase: Phase = "stopped";
  #stopping = false;
  #failures = 0;
  #lastError: unknown = null;
  /** When a run was asked for during the running one, by the monotonic clock. */
  #askedAt: number = UNTIL_WOKEN;
  #timer: Timer | null = null;
  /** When the next run is due by the monotonic clock; Infinity: when woken. */
  #runAt: number = UNTIL_WOKEN;
  #current: Promise<void> = Promise.resolve();
  /** Rises with each run and each sleep, so that an end of turn that was overtaken does nothing. */
  #turn = 0;

  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  /** How long ago the step was to begin and has not ended, ms; 0 when all is as planned. */
  get overdueMs(): number {
    if (this.#phase === "stopped") return 0;
    return Math.max(0, this.#parts.clock.monotonic() - this.#runAt);
  }

  /** What its last steps failed with, if these are too many for a hiccup; null: they are not. */
  get failsWith(): unknown {
    return this.#failures >= MANY_FAILURES ? this.#lastError : null;
  }

  /** Runs the step after `delayMs`, then as it asks for. */
  start(delayMs: DelayMs = AT_ONCE): void {
    if (this.#phase !== "stopped" || this.#stopping) return;
    this.#failures = 0;
    if (delayMs === AT_ONCE) this.#run();
    else this.#sleep("sleeping", delayMs);
  }

  /** Runs the step at once, or once more after the running one; a back-off is not cut short. */
  wake(): void {
    this.wakeWithin(AT_ONCE);
  }

  /** Runs the step in `delayMs` at the latest; a back-off is not cut short. */
  wakeWithin(delayMs: DelayMs): void {
    const at = this.#parts.clock.monotonic() + delayMs;
    if (this.#phase === "running") this.#askedAt = Math.min(this.#askedAt, at);
    else if (this.#phase !== "sleeping") return;
    else if (delayMs <= 0) this.#run();
    else if (at < this.#runAt) this.#sleep("sleeping", delayMs);
  }

  /** What made the step fail is over: runs it at once, even out of a back-off. */
  recover(): void {
    this.#failures = 0;
    this.insist();
  }

  /** Runs the step at once, even out of a back-off, which is no shorter if it fails again. */
  insist(): void {
    if (this.#phase === "backingOff") this.#run();
    else this.wake();
  }

  /** Resolves when the running step, if any, has ended; none begins after this call. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#phase !== "running") this.#phase = "stopped";
    await this.#current;
    this.#stopping = false;
  }

  #run(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#turn += 1;
    this.#runAt = Math.min(this.#runAt, this.#parts.clock.monotonic());
    this.#phase = "running";
    this.#askedAt = UNTIL_WOKEN;
    this.#current = this.#runOnce();
  }

  /** Never rejects. */
  async #runOnce(): Promise<void> {
    let delayMs: DelayMs;
    let next: Phase = "sleeping";
    try {
      delayMs = await this.#parts.step();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#lastError = error;
      delayMs = backoffMs({
        failures: this.#failures,
        longestMs: this.#parts.longestBackoffMs ?? LONGEST_BACKOFF_MS,
        random: this.#parts.chance.random(),
      });
      next = "backingOff";
      this.#parts.onError(error, this.#parts.name);
    }
    if (this.#stopping) {
      this.#phase = "stopped";
      return;
    }
    const askedMs = this.#askedAt - this.#parts.clock.monotonic();
    this.#sleep(next, next === "sleeping" ? Math.min(delayMs, askedMs) : delayMs);
  }

  #sleep(phase: "sleeping" | "backingOff", delayMs: DelayMs): void {
    const { clock } = this.#parts;
    this.#timer?.cancel();
    this.#timer = null;
    this.#phase = phase;
    this.#runAt = clock.monotonic() + delayMs;
    this.#turn += 1;
    const turn = this.#turn;
    const runIfAsleep = (): void => {
      const asleep = this.#phase === "sleeping" || this.#phase === "backingOff";
      if (asleep && turn === this.#turn) this.#run();
    };
    if (delayMs <= 0) clock.endOfTurn(runIfAsleep);
    else if (delayMs !== UNTIL_WOKEN) {
      const isPrecise = this.#parts.isPrecise?.() ?? false;
      this.#timer = clock.after(delayMs, runIfAsleep, { isPrecise });
    }
  }
}
