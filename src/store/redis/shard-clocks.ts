/**
 * What the clocks of the shards say, as far as looks have told. A fence is given by its shard's
 * clock: so it says how old the message is that brought it.
 */

/**
 * A hand-over that took longer may be taken back before it can be confirmed: half of the time that
 * its lease lasts unconfirmed.
 */
const LATE_MS = 1_000;

interface Told {
  now: number;
  at: number;
}

export class ShardClocks {
  readonly #told = new Map<number, Told>();

  /** `at`: when the look was sent that has brought it, by the monotonic clock: rather too late. */
  note(shard: number, { now, at }: Told): void {
    this.#told.set(shard, { now, at });
  }

  /** True: it was handed over so long ago that it may be somebody else's by now. */
  isLate({ fence, shard = 0 }: { fence: string; shard?: number }, at: number): boolean {
    const told = this.#told.get(shard);
    if (told === undefined) return false;
    return told.now + (at - told.at) - Number(fence) / 1_000 > LATE_MS;
  }
}
