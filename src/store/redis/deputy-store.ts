/** What a deputy needs of Redis, on a connection of its own, made when it is first needed. */
import type { Chance } from "../../chance.js";
import type { Clock } from "../../clock.js";

import type { DeputyStore, HandBack, KeepRules, RenewArgs, Renewed, Settle } from "../contract.js";
import type { RedisTarget } from "./client.js";
import { decodeClaimed } from "./codec.js";
import { Gate } from "./gate.js";
import { homeOf } from "./home.js";
import { renewOnShard } from "./leases.js";
import type { Home } from "./session.js";
import { type Shard, TaskTable } from "./shard.js";
import { at, groupByShard, shardOfLease } from "./shards.js";
import { workOnShard } from "./work.js";

/**
 * All deputies of a thread have blocked loops at once, and little memory: what one lease comes back
 * with is as large as one claim may be. More than one, since a shard may be away.
 */
const handBacks = new Gate(4);

/** How long a call waits for the connection. */
const WAIT_MS = 5_000;

export interface RedisDeputyOptions {
  redis: RedisTarget;
  prefix: string;
  /** Its own: it is no scheduler, and is never woken. */
  identity: string;
  clock: Clock;
  chance: Chance;
  leaseMs: number;
  keep: KeepRules;
  /** Of the store: the first one may be away. */
  shards: number;
}

/** Loads what it needs; does not connect yet. */
export async function createRedisDeputyStore(options: RedisDeputyOptions): Promise<DeputyStore> {
  const { scripts } = await import("./scripts.js");
  const session = homeOf({
    ...{ ...options, shards: undefined, knownShards: options.shards },
    ...{ scripts: async () => scripts, onChange: () => {} },
  });
  await session.makeClient();
  return new RedisDeputyStore(options, session);
}

class RedisDeputyStore implements DeputyStore {
  readonly #options: RedisDeputyOptions;
  readonly #session: Home;
  /** Rises with close(). */
  #life = 0;

  constructor(options: RedisDeputyOptions, session: Home) {
    this.#options = options;
    this.#session = session;
  }

  async renew({ leases }: RenewArgs): Promise<Renewed> {
    const parts = await this.#onShards(leases, (shard, mine) => {
      const renewed = renewOnShard(shard, { leases: mine, progress: [] });
      return this.#session.shardCount === 1 ? renewed : this.#inTime(renewed);
    });
    return {
      lost: parts.flatMap((part) => part.lost),
      cancelled: parts.flatMap((part) => part.cancelled),
    };
  }

  /** What one shard does not say soon keeps nobody from renewing in the others again. */
  #inTime(renewed: Promise<Renewed>): Promise<Renewed> {
    const { clock, leaseMs } = this.#options;
    return new Promise((resolve, reject) => {
      const nothing = { lost: [], cancelled: [] };
      const timer = clock.after(leaseMs / 6, () => resolve(nothing), { keepAlive: false });
      renewed.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  async handBack(batches: readonly HandBack[]): Promise<void> {
    const life = this.#life;
    await this.#onShards(batches, async (shard, mine) => {
      for (const batch of mine) {
        await handBacks.through(async () => {
          if (life === this.#life) await this.#handBackLease(shard, batch);
        });
      }
    });
  }

  async #handBackLease(shard: Shard, batch: HandBack): Promise<void> {
    const { identity, leaseMs, keep } = this.#options;
    const settles = await settlesOf(shard, batch);
    if (settles.length === 0) return;
    await workOnShard(shard, { settles, claims: [], idle: false, leaseMs, keep, identity });
  }

  async close(): Promise<void> {
    this.#life += 1;
    this.#session.close();
  }

  async #onShards<Item extends { taskId: string; shard?: number }, Answer>(
    items: readonly Item[],
    call: (shard: Shard, items: Item[]) => Promise<Answer>,
  ): Promise<Answer[]> {
    const shards = await this.#session.shards(WAIT_MS);
    const groups = groupByShard(items, (item) => shardOfLease(item, shards.length));
    const calls = Array.from(groups, ([index, group]) =>
      call(
        at(shards, index),
        group.map(({ item }) => item),
      ),
    );
    return await Promise.all(calls);
  }
}

/** A job that was cancelled meanwhile ends here: its id and its schedule stand in its record. */
async function settlesOf(shard: Shard, batch: HandBack): Promise<Settle[]> {
  const { fence, taskId, numbers } = batch;
  const tasks = new TaskTable();
  const args = [fence, String(tasks.indexOf(taskId))];
  const call = { taskKeys: tasks.keys(shard), args: [...tasks.args(), ...args] };
  const [found = []] = (await shard.run("recall", call)) as string[][];
  const [joined = "", , ...records] = found;
  const wanted = new Set(numbers);
  return joined.split(" ").flatMap((number, nth): Settle[] => {
    if (!wanted.has(number)) return [];
    const record = records[nth] ?? "\n";
    const job = decodeClaimed({ shard: shard.index, number, record, counts: "" });
    const { occurrence, id, ownId } = job;
    const scheduleId = occurrence?.isTracked === true ? occurrence.scheduleId : null;
    const outcome = { kind: "handBack" } as const;
    return [{ fence, taskId, number, id: ownId ? id : null, scheduleId, outcome }];
  });
}
