/**
 * Keeps the held leases: renews them every third of their length, sends the progress of their
 * jobs along, and tells attempts whose lease was lost or whose job was cancelled.
 */
import type { Clock } from "../clock.js";
import type { Emitter } from "../core/events.js";
import type { Renewed, Store } from "../store/contract.js";
import type { Attempt } from "./attempt.js";
import type { Leases, Progress } from "./leases.js";
import { type DelayMs, UNTIL_WOKEN } from "./loop.js";

export interface RenewParts {
  store: Store;
  clock: Clock;
  emitter: Emitter;
  leases: Leases;
}

/** Progress is sent at most this often. */
const PROGRESS_EVERY_MS = 1_000;

/** Renewed three times per length, a lease outlives two renewals that fail. */
const RENEWALS_PER_LEASE = 3;

export class Renew {
  readonly #parts: RenewParts;
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: RenewParts) {
    this.#parts = parts;
  }

  /** How long from now until leases or progress want a renewal. */
  delayMs(): DelayMs {
    const { leases, clock } = this.#parts;
    const everyMs = leases.shortestMs() / RENEWALS_PER_LEASE;
    if (everyMs === Number.POSITIVE_INFINITY) return UNTIL_WOKEN;
    if (!leases.hasProgress) return everyMs;
    const sinceMs = clock.monotonic() - this.#renewedAt;
    return Math.min(everyMs, Math.max(0, PROGRESS_EVERY_MS - sinceMs));
  }

  async step(): Promise<DelayMs> {
    const { leases, store, clock } = this.#parts;
    if (leases.size === 0) return UNTIL_WOKEN;
    const progress = leases.takeProgress();
    this.#renewedAt = clock.monotonic();
    try {
      const args = { leases: leases.refs(), progress: Array.from(progress, progressOf) };
      const renewed = await store.renew(args);
      leases.confirm(args.leases);
      this.#tell(renewed);
    } catch (error) {
      leases.putBack(progress);
      throw error;
    }
    return this.delayMs();
  }

  #tell(renewed: Renewed): void {
    const { leases } = this.#parts;
    for (const attempt of leases.attemptsOf(renewed.lost)) {
      // One that has ended is being settled; the answer to that says what became of it.
      if (!attempt.ended) this.#lose(attempt);
    }
    const cancelled = new Set(renewed.cancelled.map(keyOf));
    for (const attempt of leases.attemptsOf(renewed.cancelled)) {
      if (cancelled.has(keyOf(attempt))) attempt.cancel();
    }
  }

  #lose(attempt: Attempt): void {
    this.#parts.leases.release(attempt);
    attempt.lose();
    emitLost(this.#parts.emitter, attempt);
  }
}

function keyOf({ taskId, number }: { taskId: string; number: string }): string {
  return `${number} ${taskId}`;
}

function progressOf([attempt, value]: [Attempt, string]): Progress {
  const { taskId, fence, job, lease } = attempt;
  const shard = lease?.ref.shard;
  const said = { taskId, fence, number: job.number, value };
  return shard === undefined ? said : { ...said, shard };
}

export function emitLost(emitter: Emitter, attempt: Attempt): void {
  emitter.emit("lease:lost", {
    jobId: attempt.job.id,
    taskId: attempt.taskId,
    attempt: attempt.tryNumber,
    fence: Number(attempt.fence),
  });
}
