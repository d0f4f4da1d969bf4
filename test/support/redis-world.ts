/**
 * Worlds on a real Redis or Valkey server: one server for a test file, emptied for each test. The
 * scripts are the build that adds the ms of a test key to the server's clock.
 */
import { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import type { Store } from "../../src/store/contract.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import type { World } from "../contract/world.js";
import { type ServerOptions, startServer, type TestServer } from "./servers.js";

export const PREFIX = "contract:";
const SHARD = `${PREFIX}{0}:`;
const OFFSET_KEY = `${SHARD}test:offset`;

/** Keys that hold no job, by name after the shard's tag; a session goes by itself after a while. */
const PERMANENT =
  /^(layout|meta|schedules|cursors|firing|keepers|test:offset|t:.*:(stats|sleepers))$/s;
const SESSION = /^session:[0-9a-v]{20}$/;
const OF_SHARD = /^(leases|lease|cancels|moments|progress)$/;
const TASK_NAMES =
  "jobs|later|due|ready|prio|alone|claimed|tries|errors|ids|idends|ended|dead|cancelled|completed";
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

export async function redisWorld(server: TestServer): Promise<World> {
  const { host, port } = server;
  const client = new Redis({ host, port });
  client.on("error", () => {});
  await client.flushall();
  return {
    open: () => openStore(server),
    now: () => now(client),
    // Due times are rounded up to whole ms: one more, so that a whole wait is over in any case.
    advance: async (ms) => void (await client.incrby(OFFSET_KEY, ms + 1)),
    jump: async (ms) => void (await client.incrby(OFFSET_KEY, ms)),
    inspect: () => inspect(client),
    inspectDrained: () => inspectDrained(client),
    hold: async () =>
      void (await client.hset(`${SHARD}meta`, "holdTil", (await now(client)) + 5_000)),
    cut: async () => void (await client.call("CLIENT", "KILL", "SKIPME", "yes")),
    breakIndex: async () => void (await client.del(`${SHARD}cursors`, `${SHARD}firing`)),
    loseJob: async ({ taskId, number }) => {
      for (const key of ["jobs", "later"]) await client.hdel(`${SHARD}t:${taskId}:${key}`, number);
    },
    empty: async () => void (await client.flushall()),
    close: async () => client.disconnect(),
  };
}

async function openStore({ host, port }: TestServer): Promise<Store> {
  const store = createRedisStore({
    redis: { host, port },
    prefix: PREFIX,
    identity: systemChance.identity(),
    clock: systemClock,
    chance: systemChance,
    testClock: true,
  });
  await store.open();
  return store;
}

/** Rounded up, so that no answer of the store is ever later than a `now()` asked for after it. */
async function now(client: Redis): Promise<number> {
  const [[seconds, micros], offset] = await Promise.all([client.time(), client.get(OFFSET_KEY)]);
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000) + Number(offset ?? 0);
}

async function keys(client: Redis): Promise<string[]> {
  const found: string[] = [];
  for await (const page of client.scanStream({ count: 1_000 })) found.push(...(page as string[]));
  return [...new Set(found)].sort();
}

/** Every key is one of a shard, a session or a task: never one of a job. */
async function inspect(client: Redis): Promise<void> {
  const strange: string[] = [];
  for (const key of await keys(client)) {
    const name = key.slice(SHARD.length);
    const known = [PERMANENT, SESSION, OF_SHARD, OF_TASK].some((pattern) => pattern.test(name));
    if (!key.startsWith(SHARD) || !known) strange.push(key);
  }
  if (strange.length > 0) throw new Error(`keys that do not belong: ${strange.join(", ")}`);
}

async function inspectDrained(client: Redis): Promise<void> {
  const leaked: string[] = [];
  for (const key of await keys(client)) {
    const name = key.slice(SHARD.length);
    if (key.startsWith(SHARD) && PERMANENT.test(name)) continue;
    if (SESSION.test(name) && (await client.pttl(key)) > 0) continue;
    leaked.push(`${key} (${await client.type(key)})`);
  }
  if (leaked.length > 0) throw new Error(`keys left though no job is: ${leaked.join(", ")}`);
}
