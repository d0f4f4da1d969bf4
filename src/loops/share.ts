/**
 * The concurrency of a task that lives in several shards: one for all of its places.
 *  1. never more of its jobs run at once than that, wherever they are from
 *  2. each place may count on its part as long as there may be jobs for it; what others leave over
 *     goes to whoever has some. Where there are fewer slots than places, they take turns
 *  3. a place whose store does not answer keeps no slots from the others: what it has asked for
 *     counts for nothing until it comes
 *  4. of jobs that wait for a slot, the one that was claimed first begins first
 */
import type { Clock } from "../clock.js";
import type { Place } from "./place.js";

export class Share {
  readonly concurrency: number;
  readonly #clock: Pick<Clock, "endOfTurn">;
  readonly #places: Place[] = [];
  #turn = 0;
  #isTelling = false;

  constructor(concurrency: number, clock: Pick<Clock, "endOfTurn">) {
    this.concurrency = concurrency;
    this.#clock = clock;
  }

  join(place: Place): void {
    this.#places.push(place);
  }

  /** Slots in which no job runs. */
  get slots(): number {
    return this.concurrency - this.#places.reduce((sum, { running }) => sum + running, 0);
  }

  /** How many of so many jobs this place may have beyond those that it has; below 1: none. */
  roomFor(place: Place, capacity: number): number {
    const rivals = this.#places.filter((other) => other === place || isRival(other));
    const part = Math.max(1, Math.floor(capacity / rivals.length));
    let room = capacity;
    for (const other of this.#places) room -= heldBy(other);
    let before = 0;
    let others = 0;
    for (const rival of rivals) {
      if (rival === place) continue;
      const owed = Math.max(0, part - heldBy(rival));
      others += owed;
      if (rival.servedAt < place.servedAt) before += owed;
    }
    const own = Math.min(Math.max(0, part - heldBy(place)), room - before);
    return Math.max(own, room - others);
  }

  /** How many places compete for it, this one among them. */
  rivalsOf(place: Place): number {
    return this.#places.filter((other) => other === place || isRival(other)).length;
  }

  /** It has asked: others have their turn before it. */
  served(place: Place): void {
    this.#turn += 1;
    place.servedAt = this.#turn;
  }

  /** There may be room for others than before: their pumps are told at the end of the turn. */
  changed(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#clock.endOfTurn(() => {
      this.#isTelling = false;
      for (const place of this.#places) if (place.busy) place.onRoom();
    });
  }

  /** Lets jobs that wait begin, as far as there are slots. */
  fill(): void {
    while (this.slots > 0) {
      const next = this.#oldest();
      if (next === null) return;
      const before = next.waiting.length;
      next.onSlot();
      // It has to pause: its turn of the event loop was long enough.
      if (next.waiting.length === before) return;
    }
  }

  #oldest(): Place | null {
    let oldest: Place | null = null;
    let since = Number.POSITIVE_INFINITY;
    for (const place of this.#places) {
      const claimedAt = place.waiting.first?.claimedAt ?? Number.POSITIVE_INFINITY;
      if (claimedAt < since) [oldest, since] = [place, claimedAt];
    }
    return oldest;
  }
}

/** There may be jobs for it, and its store answers. */
function isRival({ busy, isLate }: Place): boolean {
  return busy && !isLate;
}

function heldBy({ running, waiting, asked, isLate }: Place): number {
  return running + waiting.length + (isLate ? 0 : asked);
}
