/**
 * Runs claimed jobs: as many of a task at once as its concurrency, the others wait in line.
 *  1. whoever has waited for `LONGEST_WAIT_MS`, behind handlers slower than they used to be, is
 *     handed back; not who has a free slot and waits only for the event loop: a claim would give
 *     it the same slot again; and where the event loop stood still meanwhile, as for a collection
 *     of garbage, and slots are free: a moment later, once, since what stands ready is gone by
 *     then if handlers are as short as ever
 *  2. retry-off jobs wait for a slot only behind handlers that are very short
 *  3. short handlers run one after the other for a bounded time; then the event loop has its turn
 *  4. once stopped, what has not begun is handed back
 */
import type { Clock } from "../clock.js";
import type { SettleOutcome } from "../store/contract.js";
import { type Attempt, type AttemptOwner, type AttemptParts, HAND_BACK } from "./attempt.js";
import type { Capacity } from "./capacity.js";
import { TAKEN } from "./deputy/taken.js";
import type { Leases } from "./leases.js";
import { AIM_MS, LONGEST_WAIT_MS } from "./pace.js";
import type { Place } from "./place.js";

export interface RunnerParts {
  clock: Clock;
  places: () => Iterable<Place>;
  leases: Pick<Leases, "mayBegin">;
  /** Told of each handler that has ended. */
  capacity: Pick<Capacity, "ended">;
  /** What attempts need. */
  attempts: AttemptParts;
  /** Told of each attempt that has ended, or will not begin. */
  owner: AttemptOwner;
}

/** So long may handlers follow one another before timers and sockets have their turn, ms. */
const LONGEST_TURN_MS = 0.5;

/** A timer that is so late, ms, was held up by more than turns of handlers and whole ms. */
const STALL_MS = 3;

/** Until a claim that is under way will have been answered, ms. */
const SOON_MS = 1;

export class Runner implements AttemptOwner {
  readonly #parts: RunnerParts;
  #running = 0;
  #waiting = 0;
  #stopped = false;
  /** When handlers have to pause, by the monotonic clock; null: none has run in this turn. */
  #turnEndsAt: number | null = null;
  #isPaused = false;
  /** Jobs are being begun: one that ends at once must not begin the next inside of that. */
  #beginning = false;
  #patrolled = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#running;
  }

  /** True: something runs or waits to run. */
  get busy(): boolean {
    return this.#running > 0 || this.#waiting > 0;
  }

  /** Jobs have been claimed. */
  take(place: Place, attempts: readonly Attempt[]): void {
    if (this.#stopped) {
      this.refuse(attempts);
      return;
    }
    const now = this.#parts.clock.monotonic();
    let isRetryOff = false;
    for (const attempt of attempts) {
      attempt.claimedAt = now;
      isRetryOff ||= attempt.job.rules.retry === null;
      place.waiting.add(attempt);
    }
    place.isRetryOff = isRetryOff;
    place.onSlot = () => this.#beginSome(place);
    this.#waiting += attempts.length;
    this.#beginSome(place);
    if (place.waiting.length === 0) return;
    if (isRetryOff && !place.pace.isVeryShort) {
      this.#handBackSome(place, (attempt) => attempt.job.rules.retry === null);
    }
    this.#patrol(LONGEST_WAIT_MS);
  }

  /** These jobs do not begin here. */
  refuse(attempts: readonly Attempt[], outcome: SettleOutcome = HAND_BACK): void {
    for (const attempt of attempts) this.#handBack(attempt, outcome);
  }

  /** From now on nothing begins. */
  stop(): void {
    this.#stopped = true;
    for (const place of this.#parts.places()) {
      for (const attempt of this.#takeAll(place)) this.#handBack(attempt);
    }
  }

  /** `at`: now, by the monotonic clock, where it is known: a clock costs as much as an end. */
  #beginSome(place: Place, at: number | null = null): void {
    if (this.#beginning) return;
    this.#beginning = true;
    const { waiting } = place;
    let known = at;
    while (place.slots > 0 && waiting.length > 0) {
      const now = known ?? this.#parts.clock.monotonic();
      known = null;
      if (this.#mustPause(now)) break;
      const attempt = waiting.take()!;
      this.#waiting -= 1;
      if (attempt.lost || attempt.cancelled) this.#handBack(attempt);
      else if (!this.#parts.leases.mayBegin(attempt)) this.#handBack(attempt, TAKEN);
      else this.#begin(place, attempt, now);
    }
    this.#beginning = false;
  }

  #begin(place: Place, attempt: Attempt, now: number): void {
    attempt.place = place;
    place.running += 1;
    this.#running += 1;
    attempt.begin(this.#parts.attempts, this, now);
  }

  attemptEnded(attempt: Attempt, outcome: SettleOutcome | null): void {
    const place = attempt.place!;
    const { share } = place;
    // A full task is not looked for, so nobody knows whether it has more.
    if (share === null && place.free <= 0) place.busy = true;
    place.running -= 1;
    this.#running -= 1;
    place.pace.note(attempt.durationMs);
    this.#parts.capacity.ended();
    this.#parts.owner.attemptEnded(attempt, outcome);
    if (share !== null) {
      share.fill();
      share.changed();
    } else if (place.waiting.length > 0) {
      // Others than these may have ended by a slow listener, or after a validator.
      const isNow = outcome?.kind === "completed";
      this.#beginSome(place, isNow ? attempt.endedAt : null);
    }
  }

  #mustPause(now: number): boolean {
    if (this.#isPaused) return true;
    if (this.#turnEndsAt === null) {
      this.#turnEndsAt = now + LONGEST_TURN_MS;
      this.#parts.clock.endOfTurn(() => this.#nextTurn());
      return false;
    }
    this.#isPaused = now >= this.#turnEndsAt;
    return this.#isPaused;
  }

  #nextTurn(): void {
    this.#turnEndsAt = null;
    if (!this.#isPaused) return;
    this.#isPaused = false;
    for (const place of this.#parts.places()) {
      if (place.share !== null) place.share.fill();
      else if (place.waiting.length > 0) this.#beginSome(place);
    }
  }

  /** Looks after jobs that have waited too long, as long as any waits. */
  #patrol(inMs: number): void {
    if (this.#patrolled) return;
    this.#patrolled = true;
    const { clock, places } = this.#parts;
    const dueAt = clock.monotonic() + Math.ceil(inMs);
    clock.after(inMs, () => {
      this.#patrolled = false;
      const now = clock.monotonic();
      const isLate = now - dueAt >= STALL_MS;
      let nextMs = LONGEST_WAIT_MS;
      for (const place of places()) nextMs = Math.min(nextMs, this.#lookAfter(place, now, isLate));
      if (this.#waiting > 0) this.#patrol(Math.max(SOON_MS, nextMs));
    });
  }

  /** In how many ms to look again. `isLate`: the event loop stood still. */
  #lookAfter(place: Place, now: number, isLate: boolean): number {
    const leftMs = (place.waiting.first?.claimedAt ?? now) + LONGEST_WAIT_MS - now;
    if (leftMs > 0) {
      [place.isClogged, place.patientUntil] = [false, null];
      return leftMs;
    }
    const mayWait = isLate && place.slots > 0 && !place.isClogged;
    if (mayWait) place.patientUntil ??= now + AIM_MS;
    const patientMs = (place.patientUntil ?? now) - now;
    if (patientMs > 0) return patientMs;
    place.isClogged = this.#isStuck(place);
    return place.isClogged ? SOON_MS : LONGEST_WAIT_MS;
  }

  /**
   * Hands back all that wait for a slot, so that nobody overtakes those before. True: not yet,
   * since a claim is under way, and what it brings would be begun before them.
   */
  #isStuck(place: Place): boolean {
    if (place.waiting.length <= place.slots) return false;
    if (place.asked > 0) return true;
    if (this.#handBackSome(place, () => true)) place.pace.forget();
    return false;
  }

  /** Of those that wait for a slot. True: there were some. */
  #handBackSome(place: Place, isMeant: (attempt: Attempt) => boolean): boolean {
    let { slots } = place;
    const back: Attempt[] = [];
    for (const attempt of place.waiting.takeAll()) {
      slots -= 1;
      if (slots < 0 && isMeant(attempt)) back.push(attempt);
      else place.waiting.add(attempt);
    }
    this.#waiting -= back.length;
    for (const attempt of back) this.#handBack(attempt);
    return back.length > 0;
  }

  #takeAll(place: Place): Attempt[] {
    const attempts = place.waiting.takeAll();
    this.#waiting -= attempts.length;
    return attempts;
  }

  #handBack(attempt: Attempt, outcome: SettleOutcome = HAND_BACK): void {
    attempt.markEnded();
    this.#parts.owner.attemptEnded(attempt, attempt.lost ? null : outcome);
  }
}
