/**
 * Waits until the disks of a Cluster's primaries, and a replica of each where that is wanted, have
 * what was answered: a barrier for each primary, and only for those that have answered. Who has
 * answered is noted with the answer: whoever has the shard later may lack it.
 */
import type { Clock } from "../../clock.js";
import type { Durability } from "../../core/durability.js";
import { SchedulerError } from "../../core/errors.js";
import { Barrier } from "./barrier.js";
import { noAnswer } from "./replies.js";
import type { Home, Owner } from "./session.js";

/** How long a check waits to hear which primaries there are. */
const WAIT_MS = 5_000;

export interface BarriersParts {
  session: Home;
  clock: Clock;
  durability: Exclude<Durability, "store">;
  /** The key of a shard that is written to. */
  keyOf: (shard: number) => string;
}

export class Barriers {
  readonly #parts: BarriersParts;
  readonly #barriers = new Map<string, Barrier>();

  constructor(parts: BarriersParts) {
    this.#parts = parts;
  }

  /** Why the last question to one of them was not answered as hoped; null: all were. */
  get lastError(): string | null {
    for (const { lastError } of this.#barriers.values()) if (lastError !== null) return lastError;
    return null;
  }

  /** Rejects when a primary that is there cannot give the guarantee. */
  async check(): Promise<void> {
    const { session } = this.#parts;
    await session.shards(WAIT_MS);
    if (!session.connected) await session.connectNow();
    const owners = unique(session.owners());
    const checks = await Promise.allSettled(owners.map((owner) => this.#of(owner).check()));
    const failures = checks.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    const isRefusal = (error: unknown) =>
      error instanceof SchedulerError && error.code === "DURABILITY_UNAVAILABLE";
    const refusal = failures.find(isRefusal);
    // One that has just gone is asked when it is back.
    if (refusal !== undefined || failures.length === owners.length) throw refusal ?? failures[0];
  }

  /** `by`: who has answered; null: somebody who was gone in the same moment. */
  async wait(verb: string, timeoutMs: number, by: readonly (Owner | null)[]): Promise<void> {
    if (by.includes(null)) throw noAnswer(verb, this.#parts.session.address);
    await Promise.all(
      unique(by).map((owner) => this.#of(owner).wait(verb, timeoutMs, owner.runId)),
    );
  }

  close(): void {
    for (const barrier of this.#barriers.values()) barrier.close();
    this.#barriers.clear();
  }

  #of({ name, makeClient }: Owner): Barrier {
    let barrier = this.#barriers.get(name);
    if (barrier === undefined) {
      const { clock, durability } = this.#parts;
      const runId = () => this.#shardsOf(name)[0]?.owner.runId ?? null;
      barrier = new Barrier({ makeClient, clock, durability, runId, key: this.#keysOf(name) });
      this.#barriers.set(name, barrier);
    }
    return barrier;
  }

  /** In one of its shards after the other: one that moves takes no writes. */
  #keysOf(name: string): () => string {
    let turn = 0;
    return () => {
      const shards = this.#shardsOf(name);
      const one = shards[turn++ % shards.length];
      if (one === undefined) throw new Error(`${name} has no shard any more`);
      return this.#parts.keyOf(one.shard);
    };
  }

  #shardsOf(name: string): { shard: number; owner: Owner }[] {
    return this.#parts.session
      .owners()
      .flatMap((owner, shard) => (owner?.name === name ? [{ shard, owner }] : []));
  }
}

/** Each run of each server once. */
function unique(owners: readonly (Owner | null)[]): Owner[] {
  const found = new Map<string, Owner>();
  for (const owner of owners) if (owner !== null) found.set(`${owner.name} ${owner.runId}`, owner);
  return [...found.values()];
}
