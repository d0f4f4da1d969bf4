/**
 * Notices that a socket makes no progress: commands are in flight and no answer comes at all.
 * A half-open connection never says so itself.
 */
import type { Clock, Timer } from "../../clock.js";
import { SECOND_LOOK_MS } from "./second-look.js";

/** A command in flight for longer than this without any answer: the socket is dead. */
const STALL_MS = 2_500;

export class Watchdog {
  readonly #clock: Clock;
  readonly #bite: (silentMs: number) => void;
  #inFlight = 0;
  #timer: Timer | null = null;
  #progressAt = 0;
  #answeredAt: number | null = null;

  constructor(clock: Clock, bite: (silentMs: number) => void) {
    this.#clock = clock;
    this.#bite = bite;
  }

  /** A command was sent; says how many are in flight now. */
  begin(): number {
    this.#inFlight += 1;
    if (this.#inFlight === 1) this.#progressAt = this.#clock.monotonic();
    if (this.#timer === null) this.#wait(STALL_MS, false);
    return this.#inFlight;
  }

  /** An answer came; says how many are in flight now. */
  end(): number {
    this.#inFlight -= 1;
    this.heard();
    return this.#inFlight;
  }

  heard(): void {
    this.#progressAt = this.#clock.monotonic();
    this.#answeredAt = this.#progressAt;
  }

  /** The socket is gone: what was in flight is nobody's concern here any more. */
  reset(): void {
    this.#inFlight = 0;
    this.#timer?.cancel();
    this.#timer = null;
  }

  sinceAnswerMs(): number | null {
    return this.#answeredAt === null ? null : this.#clock.monotonic() - this.#answeredAt;
  }

  /**
   * One timer at a time; it looks at the progress when it fires instead of being set per command.
   */
  #wait(ms: number, lastLook: boolean): void {
    this.#timer = this.#clock.after(ms, () => this.#check(lastLook), { keepAlive: false });
  }

  #check(lastLook: boolean): void {
    this.#timer = null;
    if (this.#inFlight === 0) return;
    const silentMs = this.#clock.monotonic() - this.#progressAt;
    if (silentMs < STALL_MS) this.#wait(STALL_MS - silentMs + 1, false);
    else if (lastLook) this.#bite(silentMs);
    else this.#wait(SECOND_LOOK_MS, true);
  }
}
