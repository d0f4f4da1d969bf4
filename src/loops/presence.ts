/**
 * For how long this scheduler has reached the store without a gap. Only who was there for as long
 * as a registration lasts can tell that others are gone: after an outage, or a start, those that
 * live may not have come back yet.
 */
export class Presence {
  readonly #leaseMs: number;
  /** The first look after the last gap, and the last look; store's clock, epoch ms. */
  #since: number | null = null;
  #lookedAt = 0;
  /** Looks further apart than this are no longer in a row. */
  #gapMs = 0;

  /** `leaseMs`: for so long a registration lasts after a look. */
  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** A look was answered; it was planned to be at most `sleepMs` after the one before. */
  noteLook(now: number, sleepMs: number): void {
    this.#gapMs = Math.max((this.#leaseMs * 2) / 3, 2 * sleepMs);
    if (!this.#isNear(now)) this.#since = now;
    this.#lookedAt = now;
  }

  /** Whoever lives had the time to be back by now. */
  canJudge(now: number): boolean {
    return this.#since !== null && this.#isNear(now) && now - this.#since >= this.#leaseMs;
  }

  #isNear(now: number): boolean {
    return now >= this.#lookedAt && now - this.#lookedAt <= this.#gapMs;
  }
}
