/**
 * How a task is spread, when its home has forgotten it: who knows it, where jobs are found that
 * were pushed meanwhile, and what is told when somebody has fixed another number.
 */
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { placeOfId, shardsOfTask } from "../../src/core/shard.js";
import type { PushAnswer, Spreads, Store } from "../../src/store/contract.js";
import type { Home } from "../../src/store/redis/session.js";
import type { World } from "../contract/world.js";
import { PREFIX, redisWorld, serverForThisFile } from "../support/redis-world.js";
import { job, KEEP, LEASE_MS } from "./store-kit.js";

const SHARDS = 16;
const OVER = 4;
const TASK = "hot";
const PLACES = shardsOfTask(TASK, { shards: SHARDS, over: OVER });
const IDS = Array.from({ length: 40 }, (_, n) => `order-${n}`);

const server = serverForThisFile({ kind: "redis-server" });
let world: World;
let store: Store;
let client: Redis;

beforeEach(async () => {
  world = await redisWorld(server(), SHARDS);
  store = await world.open();
  client = new Redis({ host: server().host, port: server().port });
});

afterEach(async () => {
  client.disconnect();
  await world.close();
});

function spreadsOf(one: Store): Spreads {
  if (one.spreads === undefined) throw new Error("the store has one shard");
  return one.spreads;
}

async function fix(one: Store, over: number | null = OVER) {
  return (await spreadsOf(one).fix([{ taskId: TASK, over }]))[0];
}

function push(one: Store, ids: readonly (string | null)[]): Promise<PushAnswer[]> {
  const jobs = ids.map((id) => job(TASK, { id, payload: JSON.stringify(id) }));
  return one.push({ jobs, timeoutMs: 5_000 });
}

function shardOfId(id: string): number {
  return PLACES[placeOfId(id, OVER)] as number;
}

async function claim(one: Store, shard: number, limit = 100) {
  const claims = [{ taskId: TASK, limit }];
  const args = { settles: [], claims, idle: false, leaseMs: LEASE_MS, keep: KEEP, shard };
  return (await one.work(args)).batches;
}

test("an id that was pushed while nobody knew of it is found in the home", async () => {
  const unaware = await world.open();
  await fix(store);
  const home = PLACES[0] as number;
  const [meta, field] = [`${PREFIX}{${home}}:meta`, `spread ${TASK}`];
  await client.hdel(meta, field);
  const strays = IDS.filter((id) => shardOfId(id) !== home);
  expect((await push(unaware, strays)).every(({ created }) => created)).toBe(true);
  await client.hset(meta, field, String(OVER));
  const other = await world.open();
  for (const id of strays) {
    expect(await other.get({ taskId: TASK, id })).toMatchObject({ id, state: "ready" });
    expect(await other.cancel({ taskId: TASK, id, keep: KEEP })).toMatchObject({ changed: true });
    expect(await other.redrive({ taskId: TASK, id })).toMatchObject({ id, redriven: true });
  }
  const batches = await claim(other, home);
  expect(batches.flatMap(({ jobs }) => jobs)).toHaveLength(strays.length);
});

test("an assigned id names its shard: a home that is away is not asked for it", async () => {
  await fix(store);
  const other = PLACES[1] as number;
  const { session } = store as unknown as { session: Home };
  const home = (await session.shards(1_000))[PLACES[0] as number];
  home!.run = () => Promise.reject(new Error("the home is away"));
  const ref = { taskId: TASK, id: `${other}-1234567890123456` };
  expect(await store.get(ref)).toBeNull();
  expect(await store.cancel({ ...ref, keep: KEEP })).toBeNull();
  await expect(store.get({ ...ref, id: "mine" })).rejects.toThrow("the home is away");
});

test("who knew another number than the one in force is told so", async () => {
  await fix(store);
  await client.hdel(`${PREFIX}{${PLACES[0]}}:meta`, `spread ${TASK}`);
  expect(await fix(await world.open(), 8)).toMatchObject({ outcome: "agreed" });
  expect(await fix(store, null)).toEqual({ taskId: TASK, over: 8, outcome: "other", before: OVER });
  expect(await fix(store, null)).toMatchObject({ over: 8, outcome: "agreed" });
});

test("all other shards note what is fixed", async () => {
  await fix(store);
  const all = Array.from({ length: SHARDS }, (_, shard) => shard);
  const fields = all.map((k) => client.hget(`${PREFIX}{${k}}:meta`, `spreads ${PLACES[0]}`));
  const noted = await Promise.all(fields);
  const isHome = (shard: number) => shard === PLACES[0];
  expect(noted).toEqual(all.map((k) => (isHome(k) ? null : `{"${TASK}":"${OVER}"}`)));
});
