/**
 * The leases that this scheduler holds, each with the attempts made under it.
 * A lease is held until all its attempts are settled or lost; while any is held, renew.ts renews.
 */
import type { LeaseRef, RenewArgs } from "../store/contract.js";
import type { Attempt } from "./attempt.js";

interface HeldLease {
  ref: LeaseRef;
  leaseMs: number;
  /** By job number. */
  attempts: Map<string, Attempt>;
}

export type Progress = RenewArgs["progress"][number];

export class Leases {
  /** A fence is unique for its task, not for the whole store: see `keyOf`. */
  readonly #leases = new Map<string, HeldLease>();
  /** What handlers said last and the store has not heard yet. */
  #progress = new Map<Attempt, string>();

  get size(): number {
    return this.#leases.size;
  }

  get hasProgress(): boolean {
    return this.#progress.size > 0;
  }

  hold(ref: LeaseRef, args: { leaseMs: number; attempts: readonly Attempt[] }): void {
    const attempts = new Map(args.attempts.map((attempt) => [attempt.job.number, attempt]));
    const { fence, taskId } = ref;
    this.#leases.set(keyOf(ref), { ref: { fence, taskId }, leaseMs: args.leaseMs, attempts });
  }

  /** The attempt is settled or lost. */
  release(attempt: Attempt): void {
    this.#progress.delete(attempt);
    const key = keyOf(attempt);
    const lease = this.#leases.get(key);
    lease?.attempts.delete(attempt.job.number);
    if (lease?.attempts.size === 0) this.#leases.delete(key);
  }

  refs(): LeaseRef[] {
    return Array.from(this.#leases.values(), (lease) => lease.ref);
  }

  /** The shortest length of the held leases, ms; Infinity when none is held. */
  shortestMs(): number {
    let shortestMs = Number.POSITIVE_INFINITY;
    for (const lease of this.#leases.values()) shortestMs = Math.min(shortestMs, lease.leaseMs);
    return shortestMs;
  }

  find(job: LeaseRef & { number: string }): Attempt | undefined {
    return this.#leases.get(keyOf(job))?.attempts.get(job.number);
  }

  attemptsOf(ref: LeaseRef): Attempt[] {
    return [...(this.#leases.get(keyOf(ref))?.attempts.values() ?? [])];
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
}

function keyOf(ref: LeaseRef): string {
  return `${ref.fence} ${ref.taskId}`;
}
