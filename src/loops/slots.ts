/**
 * The places of all bound tasks. Decides what the next claim names, and in which order:
 *  1. never more of a task than `concurrency` and what may stand ready behind, see `pace.ts`
 *  2. whoever was named first this time is named last the next time
 *  3. where handlers are not short, a burst is shared with schedulers that sleep
 */
import type { Clock } from "../clock.js";
import type { Claim, WorkAnswer } from "../store/contract.js";
import type { Capacity } from "./capacity.js";
import { LEAST_ASKED, Place } from "./place.js";
import type { Share } from "./share.js";

/** What the slots need to know of a bound task. */
export interface SlotTask {
  taskId: string;
  concurrency: number;
}

type ClaimAnswer = Pick<WorkAnswer, "more" | "left" | "drain">;

export interface SlotsParts {
  clock: Clock;
  /** Of the process. */
  capacity: Pick<Capacity, "join" | "room" | "called">;
  /** Told when a place may ask for jobs again. */
  onRoom: () => void;
}

/** A claim under way. */
export interface Asked extends Claim {
  fair: boolean;
  place: Place;
  /** How often the task had been offered when the claim was made. */
  offers: number;
}

export class Slots {
  readonly #parts: SlotsParts;
  readonly #places = new Map<string, Place>();
  /** The same places; rotated, for fairness. */
  readonly #order: Place[] = [];
  #shared = false;

  constructor(tasks: Iterable<SlotTask>, parts: SlotsParts) {
    this.#parts = parts;
    for (const task of tasks) this.#add(task);
    parts.capacity.join(() => this.#held());
  }

  /** The task has places in other shards, too. */
  share(task: SlotTask, share: Share): Place {
    const place = this.#places.get(task.taskId) ?? this.#add(task);
    if (place.share !== share) share.join(place);
    place.share = share;
    this.#shared = true;
    return place;
  }

  /** True: a task here has places elsewhere, which wait for what is asked for here. */
  get isShared(): boolean {
    return this.#shared;
  }

  /** Whether the store answers in time. */
  late(isLate: boolean): void {
    for (const place of this.#order) {
      if (place.share === null || place.isLate === isLate) continue;
      place.isLate = isLate;
      place.share.changed();
    }
  }

  has(taskId: string): boolean {
    return this.#places.has(taskId);
  }

  /** In no order that means anything. */
  places(): Iterable<Place> {
    return this.#order;
  }

  place(taskId: string): Place {
    const place = this.#places.get(taskId);
    if (place === undefined) throw new Error(`slots: task "${taskId}" is not bound here`);
    return place;
  }

  /** The store may have jobs of this task. False: the task is not bound here. */
  offer(taskId: string): boolean {
    const place = this.#places.get(taskId);
    if (place === undefined) return false;
    place.busy = true;
    place.offers += 1;
    return true;
  }

  offerAll(): void {
    for (const place of this.#order) this.offer(place.taskId);
  }

  /** Tasks that could take a job but are not known to have one: those to look for. */
  idleTaskIds(): string[] {
    const ids: string[] = [];
    for (const place of this.#places.values()) {
      if (place.isIdle) ids.push(place.taskId);
    }
    return ids;
  }

  /** True when a claim would name something. */
  hasClaims(): boolean {
    for (const place of this.#order) if (place.busy && place.wanted() > 0) return true;
    return false;
  }

  /** True when there are slots for which nothing is on its way, and there may be jobs for them. */
  isStarving(): boolean {
    for (const place of this.#order) if (place.busy && place.free > 0) return true;
    return false;
  }

  /** What to claim now; the answer goes to `answered` or `givenUp`. */
  ask(limits: { jobs: number; tasks: number }): Asked[] {
    const asked: Asked[] = [];
    const ahead: number[] = [];
    const room = this.#parts.capacity.room();
    let jobsLeft = limits.jobs;
    let meant = 0;
    for (const place of this.#order) {
      const wanted = wantedOf(place, room);
      if (wanted === 0) continue;
      const limit = Math.min(Math.max(place.free, 0), wanted, jobsLeft);
      jobsLeft -= limit;
      asked.push({ taskId: place.taskId, limit, fair: false, place, offers: place.offers });
      ahead.push(wanted - limit);
      // Enough for each, since every task of a claim has its price; the others have their turn.
      meant += Math.max(limit, Math.min(wanted, LEAST_ASKED));
      if (asked.length === limits.tasks || jobsLeft === 0 || meant >= limits.jobs) break;
    }
    // What is to stand ready comes after the free slots of all; an equal share for each.
    jobsLeft = Math.min(jobsLeft, room);
    asked.forEach((claim, index) => {
      const share = Math.ceil(jobsLeft / (asked.length - index));
      const more = Math.min(ahead[index]!, share);
      claim.limit += more;
      claim.fair = claim.place.isFair(claim.limit);
      claim.place.asked += claim.limit;
      jobsLeft -= more;
    });
    const claims = asked.filter((claim) => claim.limit > 0);
    // Only then: whoever gets nothing keeps its turn.
    for (const { place } of claims) place.share?.served(place);
    if (this.#order.length > 1) this.#rotate(claims);
    return claims;
  }

  /**
   * A claim was answered after so long; tasks that are not in `more` have nothing left, unless
   * offered since.
   */
  answered(asked: readonly Asked[], answer: ClaimAnswer, tookMs: number): void {
    const { more, left, drain } = answer;
    this.#parts.capacity.called(tookMs);
    for (const { place, limit, taskId, offers } of asked) {
      place.asked -= limit;
      if (place.manner === "all") place.manner = "part";
      if (left.includes(taskId)) place.rest(this.#parts.clock);
      if (!drain && !more.includes(taskId) && place.offers === offers) place.busy = false;
      place.share?.changed();
    }
  }

  /** A claim had no answer: its tasks stay busy. */
  givenUp(asked: readonly Asked[]): void {
    for (const { place, limit } of asked) {
      place.asked -= limit;
      place.share?.changed();
    }
  }

  /** Jobs that wait to begin, or are asked for. */
  #held(): number {
    let held = 0;
    for (const { waiting, asked } of this.#order) held += waiting.length + asked;
    return held;
  }

  #add(task: SlotTask): Place {
    const place = new Place(task);
    place.onRoom = this.#parts.onRoom;
    this.#places.set(task.taskId, place);
    this.#order.push(place);
    return place;
  }

  #rotate(asked: readonly Asked[]): void {
    const named = new Set(asked.map((claim) => claim.place));
    const last = this.#order.filter((place) => named.has(place));
    const first = this.#order.filter((place) => !named.has(place));
    const leader = last.shift();
    this.#order.splice(0, this.#order.length, ...first, ...last);
    if (leader !== undefined) this.#order.push(leader);
  }
}

/** `room`: what may be claimed ahead of all; 0: only for free slots. */
function wantedOf(place: Place, room: number): number {
  if (!place.busy) return 0;
  return room > 0 ? place.wanted() : Math.min(place.wanted(), Math.max(0, place.free));
}
