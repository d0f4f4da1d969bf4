/**
 * Worlds on a real Redis or Valkey server: one server for a test file, emptied for each test. The
 * scripts are the build that adds the ms of a test key to the server's clock.
 */
import { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import type { Store } from "../../src/store/contract.js";
import type { RedisTarget } from "../../src/store/redis/client.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { testScripts } from "../../src/store/redis/testing-scripts.js";
import type { World } from "../contract/world.js";
import { planted } from "./mutate.js";
import { overShards } from "./over-shards.js";
import { packedName } from "./packed.js";
import { type ServerOptions, startServer, type TestServer } from "./servers.js";

export const PREFIX = "contract:";
const IN_SHARD = new RegExp(`^${PREFIX}\\{(\\d+)\\}:(.*)$`, "s");

function tagOf(shard: number): string {
  return `${PREFIX}{${shard}}:`;
}

function offsetKey(shard = 0): string {
  return `${tagOf(shard)}test:offset`;
}

/** What the clock of these tests wants, and nothing else does: it reads a key. */
export const TEST_CLOCK = { right: "(+get ~*test:offset)", command: "get" };

/** Keys that hold no job, by name after the shard's tag; a session goes by itself after a while. */
const PERMANENT =
  /^(layout|meta|schedules|cursors|firing|keepers|test:offset|t:.*:(stats|sleepers))$/s;
const SESSION = /^session:[0-9a-v]{20}$/;
const OF_SHARD = /^(leases|lease|cancels|moments|progress)$/;
const TASK_NAMES =
  "jobs|bundles|later|due|ready|prio|alone|claimed|tries|errors|ids|idends|ended|dead|cancelled|" +
  "completed";
const OF_TASK = new RegExp(`^t:.*:(${TASK_NAMES})$`, "s");

/** A server for the tests of this file, started before the first and stopped after the last. */
export function serverForThisFile(options: ServerOptions): () => TestServer {
  let server: TestServer | undefined;
  beforeAll(async () => {
    server = await startServer(options);
  }, 30_000);
  afterAll(async () => await server?.stop());
  return () => {
    if (server === undefined) throw new Error("the server is started by beforeAll");
    return server;
  };
}

/** Where the keys of a world are. */
export interface WorldParts {
  redis: RedisTarget;
  shards: number;
  leastBundled?: number | undefined;
  /** The server that has a shard. */
  of: (shard: number) => Redis;
  /** All servers that have shards. */
  servers: readonly Redis[];
}

/** `leastBundled`: how many jobs that are pushed together become a bundle. */
export async function redisWorld(
  server: TestServer,
  shards = 1,
  leastBundled?: number,
): Promise<World> {
  const { host, port } = server;
  const client = new Redis({ host, port });
  client.on("error", () => {});
  const of = () => client;
  const parts = { redis: { host, port }, shards, of, servers: [client], leastBundled };
  return await worldOn(parts, async () => client.disconnect());
}

/** Emptied before it is used. */
export async function worldOn(parts: WorldParts, close: () => Promise<void>): Promise<World> {
  const { of, servers } = parts;
  const all = Array.from({ length: parts.shards }, (_, shard) => shard);
  const onEach = async (run: (client: Redis, shard: number) => Promise<unknown>) =>
    void (await Promise.all(all.map((shard) => run(of(shard), shard))));
  const empty = async () => void (await Promise.all(servers.map((client) => client.flushall())));
  await empty();
  return {
    open: () => openStore(parts),
    now: () => now(of(0)),
    // The store knows the µs of due times: one ms more, so that a whole wait is over in any case.
    advance: (ms) => onEach((client, shard) => client.incrby(offsetKey(shard), ms + 1)),
    jump: (ms) => onEach((client, shard) => client.incrby(offsetKey(shard), ms)),
    inspect: () => inspect(parts),
    inspectDrained: () => inspectDrained(parts),
    hold: () =>
      onEach(async (client, shard) => {
        await client.hset(`${tagOf(shard)}meta`, "holdTil", (await now(of(0))) + 5_000);
      }),
    cut: async () => {
      await Promise.all(servers.map((client) => client.call("CLIENT", "KILL", "SKIPME", "yes")));
    },
    breakIndex: () =>
      onEach((client, shard) => client.del(`${tagOf(shard)}cursors`, `${tagOf(shard)}firing`)),
    loseJob: ({ taskId, number }) => {
      const shard = shardOfTask(taskId, parts.shards);
      const key = (name: string) => `${tagOf(shard)}t:${taskId}:${name}`;
      const client = of(shard);
      const lost = [
        client.hdel(key("jobs"), number),
        client.hdel(key("later"), packedName(number)),
      ];
      return Promise.all(lost).then(() => {});
    },
    empty,
    ...(parts.shards === 1 ? {} : manyShards(parts.shards)),
    close,
  };
}

function manyShards(shards: number): Pick<World, "shards" | "shardOf"> {
  return { shards, shardOf: (taskId) => shardOfTask(taskId, shards) };
}

async function openStore({ redis, shards, leastBundled }: WorldParts): Promise<Store> {
  const store = createRedisStore({
    redis,
    prefix: PREFIX,
    identity: systemChance.identity(),
    clock: systemClock,
    chance: systemChance,
    scripts: planted(testScripts),
    shards,
    ...(leastBundled === undefined ? {} : { leastBundled }),
  });
  await store.open();
  return overShards(store);
}

/** Rounded up, so that no answer of the store is ever later than a `now()` asked for after it. */
async function now(client: Redis): Promise<number> {
  const [[seconds, micros], offset] = await Promise.all([client.time(), client.get(offsetKey())]);
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000) + Number(offset ?? 0);
}

interface Found {
  key: string;
  /** After the shard's tag; null: it has none. */
  name: string | null;
  client: Redis;
}

async function keys({ servers, shards }: WorldParts): Promise<Found[]> {
  const found = new Map<string, Found>();
  for (const client of servers) {
    for await (const page of client.scanStream({ count: 1_000 })) {
      for (const key of page as string[]) {
        const [, shard, name = null] = IN_SHARD.exec(key) ?? [];
        const known = Number(shard) < shards;
        found.set(key, { key, name: known ? name : null, client });
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Every key is one of a shard, a session or a task: never one of a job. */
async function inspect(parts: WorldParts): Promise<void> {
  const strange: string[] = [];
  for (const { key, name } of await keys(parts)) {
    const patterns = [PERMANENT, SESSION, OF_SHARD, OF_TASK];
    if (name === null || !patterns.some((one) => one.test(name))) strange.push(key);
  }
  if (strange.length > 0) throw new Error(`keys that do not belong: ${strange.join(", ")}`);
}

async function inspectDrained(parts: WorldParts): Promise<void> {
  const leaked: string[] = [];
  for (const { key, name, client } of await keys(parts)) {
    if (name !== null && PERMANENT.test(name)) continue;
    if (name !== null && SESSION.test(name) && (await client.pttl(key)) > 0) continue;
    leaked.push(`${key} (${await client.type(key)})`);
  }
  if (leaked.length > 0) throw new Error(`keys left though no job is: ${leaked.join(", ")}`);
}
