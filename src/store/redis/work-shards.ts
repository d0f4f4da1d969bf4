/**
 * work over several shards: side by side, one call to each that has something to settle or claim.
 *  1. what one shard has given is kept alive while another one is slow to answer
 *  2. a job that must run alone comes alone: an idle scheduler claims of one shard after the other
 */
import type { Clock, Timer } from "../../clock.js";
import type { Claim, ClaimedBatch, Settle, WorkAnswer, WorkArgs } from "../contract.js";
import { renewOnShard } from "./leases.js";
import type { Shard } from "./shard.js";
import { at, groupByShard, shardOfTask } from "./shards.js";
import { workOnShard } from "./work.js";

export interface Spread extends WorkArgs {
  identity: string;
  clock: Clock;
  /** The shard that asked last for an idle scheduler; null: none. */
  drainedBy: number | null;
}

interface Part {
  index: number;
  settles: readonly { item: Settle; place: number }[];
  claims: readonly Claim[];
}

export interface SpreadAnswer extends WorkAnswer {
  drainedBy: number | null;
}

export async function workOverShards(
  shards: readonly Shard[],
  args: Spread,
): Promise<SpreadAnswer> {
  const answer: SpreadAnswer = {
    settled: [],
    batches: [],
    more: [],
    drain: false,
    drainedBy: args.drainedBy,
  };
  const keeper = new Keeper(shards, args);
  const ask = async (part: Part): Promise<void> => {
    const given = await workOnShard(at(shards, part.index), {
      ...args,
      settles: part.settles.map(({ item }) => item),
      claims: part.claims,
    });
    part.settles.forEach(({ place }, k) => {
      answer.settled[place] = given.settled[k] ?? "lost";
    });
    answer.batches.push(...given.batches);
    answer.more.push(...given.more);
    answer.drain ||= given.drain;
    if (given.drain) answer.drainedBy = part.index;
    keeper.hold(given.batches);
  };
  const parts = partsOf(shards.length, args);
  try {
    if (args.idle) await oneAfterTheOther(parts, { ask, answer, first: args.drainedBy });
    else await Promise.all(parts.map(ask));
  } finally {
    keeper.end();
  }
  answer.batches = inOrderOfClaims(answer.batches, args.claims);
  return answer;
}

function partsOf(shards: number, { settles, claims }: WorkArgs): Part[] {
  const shardOf = (item: { taskId: string }) => shardOfTask(item.taskId, shards);
  const settlesOf = groupByShard(settles, shardOf);
  const claimsOf = groupByShard(claims, shardOf);
  return [...new Set([...settlesOf.keys(), ...claimsOf.keys()])].map((index) => ({
    index,
    settles: settlesOf.get(index) ?? [],
    claims: (claimsOf.get(index) ?? []).map(({ item }) => item),
  }));
}

/** Whoever was given something asks the next shards for nothing more. */
async function oneAfterTheOther(
  parts: readonly Part[],
  how: { ask: (part: Part) => Promise<void>; answer: SpreadAnswer; first: number | null },
): Promise<void> {
  const { ask, answer, first } = how;
  const order = [...parts].sort((a, b) => Number(b.index === first) - Number(a.index === first));
  for (const part of order) {
    const isGiven = answer.batches.length > 0;
    if (isGiven) answer.more.push(...part.claims.map(({ taskId }) => taskId));
    if (!isGiven || part.settles.length > 0) await ask(isGiven ? { ...part, claims: [] } : part);
  }
  // It has been used, or is of no use.
  if (!answer.drain) answer.drainedBy = null;
}

/** Fairness is the order of the claims. */
function inOrderOfClaims(batches: ClaimedBatch[], claims: readonly Claim[]): ClaimedBatch[] {
  const places = new Map(claims.map(({ taskId }, place) => [taskId, place]));
  const placeOf = (batch: ClaimedBatch): number => places.get(batch.taskId) ?? 0;
  return batches.sort((a, b) => placeOf(a) - placeOf(b));
}

/** Renews what was given already, as its owner would, who has not heard of it yet. */
class Keeper {
  readonly #shards: readonly Shard[];
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #held: ClaimedBatch[] = [];
  #timer: Timer | null = null;
  #ended = false;

  constructor(shards: readonly Shard[], args: Spread) {
    this.#shards = shards;
    this.#clock = args.clock;
    this.#everyMs = args.leaseMs / 3;
  }

  hold(batches: readonly ClaimedBatch[]): void {
    this.#held.push(...batches);
    if (this.#held.length > 0 && this.#timer === null) this.#later();
  }

  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  #later(): void {
    this.#timer = this.#clock.after(this.#everyMs, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const count = this.#shards.length;
    const groups = groupByShard(this.#held, ({ taskId }) => shardOfTask(taskId, count));
    // What cannot be renewed now is told its owner by the first renewal of its own.
    await Promise.allSettled(
      [...groups].map(([index, leases]) =>
        renewOnShard(at(this.#shards, index), {
          leases: leases.map(({ item: { fence, taskId } }) => ({ fence, taskId })),
          progress: [],
        }),
      ),
    );
    if (!this.#ended) this.#later();
  }
}
