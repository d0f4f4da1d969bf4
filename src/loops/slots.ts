/**
 * The places in which jobs run: per bound task how many are taken, how many are asked for, and
 * whether the store may have more for it. Decides what the next claim names, and in which order:
 *  1. never more than `concurrency` of a task, running and asked for together
 *  2. whoever was named first this time is named last the next time
 */
import type { Claim } from "../store/contract.js";

/** What the slots need to know of a bound task. */
export interface SlotTask {
  taskId: string;
  concurrency: number;
}

/** A claim under way. */
export interface Asked extends Claim {
  /** How often the task had been offered when the claim was made. */
  offers: number;
}

interface Place {
  taskId: string;
  concurrency: number;
  running: number;
  asked: number;
  /** The store may have jobs of this task that were not asked for yet. */
  busy: boolean;
  /** Counts offers, so that one made during a claim is not forgotten at its answer. */
  offers: number;
}

export class Slots {
  readonly #places = new Map<string, Place>();
  /** The same places; rotated, for fairness. */
  readonly #order: Place[] = [];

  constructor(tasks: Iterable<SlotTask>) {
    for (const { taskId, concurrency } of tasks) {
      const place = { taskId, concurrency, running: 0, asked: 0, busy: false, offers: 0 };
      this.#places.set(taskId, place);
      this.#order.push(place);
    }
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
      if (!place.busy && freeOf(place) > 0) ids.push(place.taskId);
    }
    return ids;
  }

  /** True when a claim would name something. */
  hasClaims(): boolean {
    return this.#order.some((place) => place.busy && freeOf(place) > 0);
  }

  /** What to claim now; the answer goes to `answered` or `givenUp`. */
  ask(limits: { jobs: number; tasks: number }): Asked[] {
    const asked: Asked[] = [];
    let jobsLeft = limits.jobs;
    for (const place of this.#order) {
      const limit = Math.min(freeOf(place), jobsLeft);
      if (!place.busy || limit === 0) continue;
      place.asked += limit;
      jobsLeft -= limit;
      asked.push({ taskId: place.taskId, limit, offers: place.offers });
      if (asked.length === limits.tasks || jobsLeft === 0) break;
    }
    this.#rotate(asked);
    return asked;
  }

  /** A claim was answered; tasks that are not in `more` have nothing left, unless offered since. */
  answered(asked: readonly Asked[], more: readonly string[]): void {
    for (const claim of asked) {
      const place = this.#release(claim);
      if (!more.includes(claim.taskId) && place.offers === claim.offers) place.busy = false;
    }
  }

  /** A claim had no answer: its tasks stay busy. */
  givenUp(asked: readonly Asked[]): void {
    for (const claim of asked) this.#release(claim);
  }

  begin(taskId: string): void {
    this.#place(taskId).running += 1;
  }

  end(taskId: string): void {
    const place = this.#place(taskId);
    // A full task is not looked for, so nobody knows whether it has more.
    if (freeOf(place) <= 0) place.busy = true;
    place.running -= 1;
  }

  #release(claim: Asked): Place {
    const place = this.#place(claim.taskId);
    place.asked -= claim.limit;
    return place;
  }

  #rotate(asked: readonly Asked[]): void {
    const named = new Set(asked.map((claim) => claim.taskId));
    const last = this.#order.filter((place) => named.has(place.taskId));
    const first = this.#order.filter((place) => !named.has(place.taskId));
    const leader = last.shift();
    this.#order.splice(0, this.#order.length, ...first, ...last);
    if (leader !== undefined) this.#order.push(leader);
  }

  #place(taskId: string): Place {
    const place = this.#places.get(taskId);
    if (place === undefined) throw new Error(`slots: task "${taskId}" is not bound here`);
    return place;
  }
}

function freeOf(place: Place): number {
  return place.concurrency - place.running - place.asked;
}
