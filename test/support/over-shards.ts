/**
 * A store of several shards as one: a scheduler has loops for each shard, of which each call names
 * its own; the contract's tests ask for all tasks at once. Work and looks go to all shards that
 * have something to do, and the answers come together again.
 */
import { shardOfTask } from "../../src/core/shard.js";
import type { Look, LookArgs, Store, WorkAnswer, WorkArgs } from "../../src/store/contract.js";
import { together } from "../../src/store/redis/look.js";

export function overShards(store: Store): Store {
  const all = new OverShards(store);
  const isPlain = ({ shard }: { shard?: number }) => shard !== undefined || store.shards === 1;
  const own: Partial<Store> = {
    work: (args) => (isPlain(args) ? store.work(args) : all.work(args)),
    look: (args) => (isPlain(args) ? store.look(args) : all.look(args)),
  };
  return new Proxy(store, {
    get: (target, name) => {
      const value = own[name as keyof Store] ?? Reflect.get(target, name, target);
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });
}

class OverShards {
  readonly #store: Store;
  /** The shard that asked last for an idle scheduler. */
  #drainedBy: number | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  async work(args: WorkArgs): Promise<WorkAnswer> {
    const answer: WorkAnswer = { settled: [], batches: [], more: [], left: [], drain: false };
    const asks = this.#shardsOf([...args.settles, ...args.claims]);
    if (asks.length === 0) return answer;
    const ask = async (shard: number, claims: WorkArgs["claims"]): Promise<void> => {
      const places = args.settles.flatMap((settle, k) => (this.#isIn(settle, shard) ? [k] : []));
      const settles = places.map((k) => args.settles[k]!);
      const given = await this.#store.work({ ...args, settles, claims, shard });
      places.forEach((place, k) => {
        answer.settled[place] = given.settled[k]!;
      });
      answer.batches.push(...given.batches);
      answer.more.push(...given.more);
      answer.left.push(...given.left);
      answer.drain ||= given.drain;
      if (given.drain) this.#drainedBy = shard;
    };
    const claimsOf = (shard: number) => args.claims.filter((claim) => this.#isIn(claim, shard));
    if (args.idle) {
      // One that must run alone comes alone.
      asks.sort((a, b) => Number(b === this.#drainedBy) - Number(a === this.#drainedBy));
      for (const shard of asks) {
        const isGiven = answer.batches.length > 0;
        if (isGiven) answer.more.push(...claimsOf(shard).map(({ taskId }) => taskId));
        await ask(shard, isGiven ? [] : claimsOf(shard));
      }
      if (!answer.drain) this.#drainedBy = null;
    } else await Promise.all(asks.map((shard) => ask(shard, claimsOf(shard))));
    const order = args.claims.map(({ taskId }) => taskId);
    answer.batches.sort((a, b) => order.indexOf(a.taskId) - order.indexOf(b.taskId));
    return answer;
  }

  async look(args: LookArgs): Promise<Look> {
    const { taskIds, fireable, sleepMs } = args;
    const looks = await Promise.all(
      Array.from({ length: this.#store.shards }, (_, shard) =>
        this.#store.look({
          ...args,
          shard,
          taskIds: taskIds.filter((taskId) => this.#isIn({ taskId }, shard)),
          fireable: {
            taskIds: fireable.taskIds.filter((taskId) => this.#isIn({ taskId }, shard)),
            scheduleIds: fireable.scheduleIds,
          },
        }),
      ),
    );
    const registrations = looks.reduce((sum, look) => sum + look.registrations, 0);
    return together(looks, { longestMs: sleepMs, registrations });
  }

  #isIn({ taskId }: { taskId: string }, shard: number): boolean {
    return shardOfTask(taskId, this.#store.shards) === shard;
  }

  #shardsOf(items: readonly { taskId: string }[]): number[] {
    return [...new Set(items.map(({ taskId }) => shardOfTask(taskId, this.#store.shards)))];
  }
}
