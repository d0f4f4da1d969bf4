/**
 * Pushes of more than one script takes, of which one part is stored and the other refused: nobody
 * is told that what is stored is not.
 */
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import { createScheduler } from "../../src/index.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { serverForThisFile } from "../support/redis-world.js";
import { job, storeOn } from "./store-kit.js";

const server = serverForThisFile({ kind: "redis-server" });
const MIB = 1024 * 1024;
const SMALL = "x".repeat(MIB / 2);
/** With a small one, more than a script takes. */
const LARGE = "x".repeat(4 * MIB - 100);
let client: Redis;
const endings: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  const { host, port } = server();
  client = new Redis({ host, port });
  endings.push(async () => client.disconnect());
  await client.flushall();
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** From now on what is small is stored, and what is large is refused. */
async function fillUp(): Promise<void> {
  const [, used] = /used_memory:(\d+)/.exec(await client.info("memory")) ?? [];
  await client.config("SET", "maxmemory", String(Number(used) + 2 * MIB));
  endings.push(() => client.config("SET", "maxmemory", "0"));
}

test("of a list, each item is told what became of it", async () => {
  const { host, port } = server();
  const options = { redisConfig: { host, port }, redisPrefix: "_test:", logger: false } as const;
  const scheduler = createScheduler({ ...options, payloadLimit: 4 * MIB });
  endings.push(() => scheduler.stop());
  scheduler.on("error", () => {});
  await scheduler.push("a");
  await fillUp();
  const answers = await scheduler.pushMany("a", [{ data: SMALL }, { data: LARGE }]);
  expect(answers).toMatchObject([{ created: true }, { error: { code: "STORE_REFUSED" } }]);
  expect(await client.hlen("_test:{0}:t:a:jobs")).toBe(2);
});

test("of one call to the store, what was stored in part is unknown", async () => {
  const { host, port } = server();
  const store = storeOn({ host, port });
  endings.push(() => store.close());
  await store.open();
  const pushed = async (payloads: readonly string[]) => {
    const jobs = payloads.map((payload) => job("a", { payload: JSON.stringify(payload) }));
    return await store.push({ jobs, timeoutMs: 5_000 }).catch((error: unknown) => error);
  };
  await pushed([""]);
  for (const [k, payloads] of [
    [SMALL, LARGE],
    [LARGE, SMALL],
  ].entries()) {
    await fillUp();
    expect(await pushed(payloads)).toMatchObject({ code: "STORE_NO_ANSWER" });
    expect(await client.hlen("_test:{0}:t:a:jobs")).toBe(2 + k);
  }
  await client.config("SET", "maxmemory", "1");
  expect(await pushed([SMALL, LARGE])).toMatchObject({ code: "STORE_REFUSED" });
});

test("a push that is one call is told what that says, in a store of many shards too", async () => {
  const { host, port } = server();
  const own = { clock: systemClock, chance: systemChance, identity: systemChance.identity() };
  const store = createRedisStore({ ...own, redis: { host, port }, prefix: "_test:", shards: 4 });
  endings.push(() => store.close());
  await store.open();
  await client.set(`_test:{${shardOfTask("bad", 4)}}:t:bad:jobs`, "somebody else's");
  const pushed = store.push({ jobs: [job("bad")], timeoutMs: 5_000 });
  await expect(pushed).rejects.toMatchObject({ code: "STORE_FAILED" });
});
