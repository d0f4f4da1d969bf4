/**
 * Virtual time: a queue of events in the order of their instants, chance deciding among equals.
 * After each event all promises that it settled have run on, and nothing of the library may
 * happen between two events.
 */
import type { Dice } from "./dice.js";

export interface Planned {
  at: number;
  /** Decides among events of one instant. */
  rank: number;
  order: number;
  run: () => void;
  isCancelled: boolean;
}

export class Timeline {
  /** Ms since the beginning of the world. */
  now = 0;
  /** How many events have happened. */
  events = 0;
  /** What was thrown out of events, or happened between them. */
  readonly faults: string[] = [];
  readonly #dice: Dice;
  readonly #heap: Planned[] = [];
  #order = 0;
  #isInside = false;
  /** Called after each event. */
  afterEvent: () => void = () => {};

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  get waiting(): number {
    return this.#heap.length;
  }

  /** Plans an event; `rank` is drawn unless it is given. */
  at(at: number, run: () => void, rank: number = this.#dice.random()): Planned {
    this.#order += 1;
    const order = this.#order;
    const planned = { at: Math.max(at, this.now), rank, order, run, isCancelled: false };
    push(this.#heap, planned);
    return planned;
  }

  in(ms: number, run: () => void): Planned {
    return this.at(this.now + ms, run);
  }

  /** The library asks for something: that must be part of an event. */
  touched(what: string): void {
    if (!this.#isInside) this.faults.push(`${what} between two events`);
  }

  /** Lets time pass until `until`, or until `isOver` says so after an event. */
  async run(until: number, isOver: () => boolean = () => false): Promise<void> {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > until || isOver()) break;
      pop(this.#heap);
      if (next.isCancelled) continue;
      this.now = next.at;
      await this.#happen(next.run);
    }
    if (!isOver()) this.now = Math.max(this.now, until);
  }

  /** Something that the world does by itself, now. */
  async #happen(run: () => void): Promise<void> {
    this.events += 1;
    this.#isInside = true;
    try {
      run();
    } catch (error) {
      this.faults.push(`an event threw ${error instanceof Error ? error.stack : String(error)}`);
    }
    await drained();
    this.afterEvent();
    this.#isInside = false;
  }
}

/** Resolves when no promise has anything left to do: Node runs them all before it goes on. */
export function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(a: Planned, b: Planned): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.rank === b.rank ? a.order < b.order : a.rank < b.rank;
}

function push(heap: Planned[], planned: Planned): void {
  let at = heap.length;
  heap.push(planned);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(planned, heap[parent] as Planned)) break;
    heap[at] = heap[parent] as Planned;
    at = parent;
  }
  heap[at] = planned;
}

function pop(heap: Planned[]): void {
  const last = heap.pop() as Planned;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    const right = child + 1;
    if (right < heap.length && isBefore(heap[right] as Planned, heap[child] as Planned)) {
      child = right;
    }
    if (!isBefore(heap[child] as Planned, last)) break;
    heap[at] = heap[child] as Planned;
    at = child;
  }
  heap[at] = last;
}
