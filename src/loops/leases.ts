/**
 * The leases that this scheduler holds, each with the attempts made under it.
 * A lease is held until all its attempts are settled or lost; while any is held, renew.ts renews.
 */
import { Bag, type InBag } from "../core/bag.js";
import type { LeaseRef, RenewArgs, RenewRef } from "../store/contract.js";
import type { Attempt } from "./attempt.js";
import { type Deputy, NOWHERE } from "./deputy/deputy.js";

/** A lease that is held. */
export interface HeldLease extends InBag {
  readonly ref: LeaseRef;
  readonly leaseMs: number;
  readonly attempts: readonly Attempt[];
  /** How many of the attempts are not released. */
  open: number;
  /** True: it was handed over, and the store does not know yet that it has arrived. */
  unconfirmed: boolean;
  /** Where its deputy sees it. */
  place: number;
}

interface HoldArgs {
  leaseMs: number;
  attempts: readonly Attempt[];
  unconfirmed?: boolean;
}

export type Progress = RenewArgs["progress"][number];

export class Leases {
  /** null: nobody renews while the event loop is blocked. */
  readonly #deputy: Deputy | null;
  readonly #leases = new Bag<HeldLease>();
  /** Of the leases, those that are unconfirmed. */
  #unconfirmed = 0;
  /** What handlers said last and the store has not heard yet. */
  #progress = new Map<Attempt, string>();

  constructor(deputy: Deputy | null = null) {
    this.#deputy = deputy;
  }

  get size(): number {
    return this.#leases.size;
  }

  get hasProgress(): boolean {
    return this.#progress.size > 0;
  }

  /** True: the store does not know of a lease that was handed over, and no settle will tell it. */
  get hasUnconfirmed(): boolean {
    if (this.#unconfirmed === 0) return false;
    for (const { unconfirmed, attempts } of this.#leases) {
      if (unconfirmed && attempts.some((attempt) => !attempt.ended)) return true;
    }
    return false;
  }

  hold(ref: LeaseRef, args: HoldArgs): void {
    const { leaseMs, attempts, unconfirmed = false } = args;
    const { fence, taskId, shard } = ref;
    const open = attempts.length;
    const held = { leaseMs, attempts, open, unconfirmed, place: NOWHERE, at: -1 };
    const own = shard === undefined ? { fence, taskId } : { fence, taskId, shard };
    const lease: HeldLease = { ref: own, ...held };
    let nth = 0;
    for (const attempt of attempts) {
      attempt.lease = lease;
      attempt.nth = nth;
      nth += 1;
    }
    if (this.#deputy !== null) lease.place = this.#deputy.hold(lease);
    this.#leases.add(lease);
    if (unconfirmed) this.#unconfirmed += 1;
  }

  has(ref: LeaseRef): boolean {
    return this.#find(ref) !== undefined;
  }

  /** Asked right before it begins. False: the deputy hands it back, since the loop was blocked. */
  mayBegin({ lease, nth }: Attempt): boolean {
    return this.#deputy === null || lease === null || this.#deputy.mayBegin(lease.place, nth);
  }

  /** These were renewed. */
  confirm(refs: readonly RenewRef[]): void {
    if (this.#unconfirmed === 0) return;
    const told = new Set(refs.filter((ref) => ref.confirmMs !== undefined).map(keyOf));
    for (const lease of this.#leases) {
      if (!lease.unconfirmed || !told.has(keyOf(lease.ref))) continue;
      lease.unconfirmed = false;
      this.#unconfirmed -= 1;
    }
  }

  /** The attempt is settled or lost. */
  release(attempt: Attempt): void {
    if (this.#progress.size > 0) this.#progress.delete(attempt);
    const { lease } = attempt;
    if (lease === null) return;
    attempt.lease = null;
    lease.open -= 1;
    if (lease.open > 0) return;
    this.#leases.remove(lease);
    this.#deputy?.release(lease.place);
    if (lease.unconfirmed) this.#unconfirmed -= 1;
  }

  refs(): RenewRef[] {
    return Array.from(this.#leases, ({ ref, unconfirmed, leaseMs }) =>
      unconfirmed ? { ...ref, confirmMs: leaseMs } : ref,
    );
  }

  /** The shortest length of the held leases, ms; Infinity when none is held. */
  shortestMs(): number {
    let shortestMs = Number.POSITIVE_INFINITY;
    for (const lease of this.#leases) shortestMs = Math.min(shortestMs, lease.leaseMs);
    return shortestMs;
  }

  find(job: LeaseRef & { number: string }): Attempt | undefined {
    return this.attemptsOf([job]).find((attempt) => attempt.job.number === job.number);
  }

  /** Those under these leases that are neither settled nor lost. */
  attemptsOf(refs: readonly LeaseRef[]): Attempt[] {
    if (refs.length === 0) return [];
    const asked = new Set(refs.map(keyOf));
    return Array.from(this.#leases).flatMap((lease) =>
      asked.has(keyOf(lease.ref)) ? openOf(lease) : [],
    );
  }

  all(): Attempt[] {
    return Array.from(this.#leases).flatMap(openOf);
  }

  noteProgress(attempt: Attempt, text: string): void {
    this.#progress.set(attempt, text);
  }

  /** What is to be sent with a renewal; `putBack` if it was not. */
  takeProgress(): Map<Attempt, string> {
    const taken = this.#progress;
    this.#progress = new Map();
    return taken;
  }

  putBack(progress: ReadonlyMap<Attempt, string>): void {
    for (const [attempt, text] of progress) {
      if (!this.#progress.has(attempt) && !attempt.ended) this.#progress.set(attempt, text);
    }
  }

  #find({ fence, taskId }: LeaseRef): HeldLease | undefined {
    for (const lease of this.#leases) {
      if (lease.ref.fence === fence && lease.ref.taskId === taskId) return lease;
    }
    return undefined;
  }
}

function openOf({ attempts }: HeldLease): Attempt[] {
  return attempts.filter((attempt) => attempt.lease !== null);
}

/** A fence is unique for its task, not for the whole store. */
function keyOf(ref: LeaseRef): string {
  return `${ref.fence} ${ref.taskId}`;
}
