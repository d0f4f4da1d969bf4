/**
 * What the clocks of the shards say, as far as looks have told. A fence is given by its shard's
 * clock: so it says how old the message is that brought it.
 */
import { shardOfTask } from "./shards.js";

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
  #count = 1;

  /** `at`: when the look was sent that has brought it, by the monotonic clock: rather too late. */
  note(shard: number, { now, at, count }: Told & { count: number }): void {
    this.#told.set(shard, { now, at });
    this.#count = count;
  }

  /** True: it was handed over so long ago that it may be somebody else's by now. */
  isLate({ fence, taskId }: { fence: string; taskId: string }, at: number): boolean {
    const told = this.#told.get(shardOfTask(taskId, this.#count));
    if (told === undefined) return false;
    return told.now + (at - told.at) - Number(fence) / 1_000 > LATE_MS;
  }
}
