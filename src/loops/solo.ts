/**
 * A job that must run alone has a whole scheduler for itself, whichever shard it comes from. The
 * pumps of all shards agree here:
 *  1. told to drain, none of them claims until nothing runs and no call is under way; meanwhile
 *     the one that was told asks now and then whether it still has to: others may have been faster
 *  2. then the one that was told asks for the job, and nobody claims beside that call
 *  3. nobody claims while the job runs
 */
import type { Clock } from "../clock.js";
import type { WorkArgs } from "../store/contract.js";
import type { Attempt } from "./attempt.js";
import { type DelayMs, UNTIL_WOKEN } from "./loop.js";

/** While it drains it asks again after so many ms, or this part of a lease. */
const [ASK_AGAIN_MS, ASKS_PER_LEASE] = [1_000, 8];

export type Says = Required<Pick<WorkArgs, "idle" | "free">>;

/** A pump, as the others see it. */
export interface Soloist {
  /** Something runs or waits to, or a call is under way. */
  readonly occupied: boolean;
  /** It may be able to claim now. */
  stir(): void;
}

export class Solo {
  readonly #clock: Clock;
  readonly #pumps: Soloist[] = [];
  /** A job runs that must run alone. */
  #alone: Attempt | null = null;
  /** A call in flight may answer with a job that must run alone: no other claim goes out. */
  #isAsking = false;
  /** Who was told to drain, until when running handlers are waited for, and when it asks again. */
  #drain: { by: Soloist; until: number; askAt: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join(pump: Soloist): void {
    this.#pumps.push(pump);
  }

  /** True: what is handed over goes back, since it would run beside such a job, or before one. */
  get isReserved(): boolean {
    return this.#isAsking || this.#alone !== null || this.#isDraining();
  }

  mayClaim(pump: Soloist): boolean {
    return !this.#isAsking && this.#alone === null && !this.#mustDrain(pump);
  }

  /**
   * What its next claim says. Idle, it may be given a job that must run alone, and the other pumps
   * wait for its answer: so only once asked to drain.
   */
  saysOf(pump: Soloist): Says {
    const free = !this.#isOccupied();
    return { idle: free && this.#drain?.by === pump, free };
  }

  /** How long to wait for what runs, if nothing happens before. */
  delayMs(pump: Soloist): DelayMs {
    if (!this.#mustDrain(pump) || this.#drain === null) return UNTIL_WOKEN;
    const { by, until, askAt } = this.#drain;
    return Math.max(1, (by === pump ? Math.min(until, askAt) : until) - this.#clock.monotonic());
  }

  /** A claim was answered: to drain, or not. A reservation that is not used lapses. */
  answered(pump: Soloist, { drain, leaseMs }: { drain: boolean; leaseMs: number }): void {
    if (drain) {
      const now = this.#clock.monotonic();
      const askAt = now + Math.min(ASK_AGAIN_MS, leaseMs / ASKS_PER_LEASE);
      this.#drain = { by: pump, until: now + leaseMs, askAt };
    } else if (this.#drain?.by === pump) {
      this.#drain = null;
      this.#stirOthers(pump);
    }
  }

  asks(): void {
    this.#isAsking = true;
  }

  asked(pump: Soloist): void {
    this.#isAsking = false;
    this.#stirOthers(pump);
  }

  begins(attempt: Attempt | undefined): void {
    this.#alone = attempt ?? null;
  }

  /** One that ran, alone or not. */
  ended(attempt: Attempt, pump: Soloist): void {
    if (this.#alone !== attempt) return;
    this.#alone = null;
    this.#stirOthers(pump);
  }

  /** It may be what a draining one waits for. */
  emptied(pump: Soloist): void {
    if (this.#drain !== null && this.#drain.by !== pump && !pump.occupied) this.#drain.by.stir();
  }

  #mustDrain(pump: Soloist): boolean {
    if (!this.#isDraining() || this.#drain === null) return false;
    if (this.#drain.by !== pump) return true;
    return this.#isOccupied() && this.#clock.monotonic() < this.#drain.askAt;
  }

  #isDraining(): boolean {
    return this.#drain !== null && this.#clock.monotonic() < this.#drain.until;
  }

  #isOccupied(): boolean {
    return this.#pumps.some((pump) => pump.occupied);
  }

  #stirOthers(pump: Soloist): void {
    for (const other of this.#pumps) if (other !== pump) other.stir();
  }
}
