/**
 * Claims about jobs that are due later, as Redis keeps them: their numbers are packed where they
 * stand twice, whatever the numbers are, and data that spell them are lifted.
 */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.js";
import type { World } from "../contract/world.js";
import { packedName } from "../support/packed.js";
import { PREFIX, redisWorld } from "../support/redis-world.js";
import { startServer, type TestServer } from "../support/servers.js";
import { drain, job, KEEP } from "./store-kit.js";

const SHARD = `${PREFIX}{0}:`;
const LATER = `${SHARD}t:a:later`;
const DUE = `${SHARD}t:a:due`;
const HOUR_MS = 3_600_000;

let server: TestServer;
let direct: Redis;
let world: World;
let store: Store;

beforeAll(async () => {
  server = await startServer();
  direct = new Redis({ host: server.host, port: server.port });
}, 30_000);
beforeEach(async () => {
  world = await redisWorld(server);
  store = await world.open();
});
afterEach(async () => {
  await store.close();
  await world.close();
});
afterAll(async () => {
  direct?.disconnect();
  await server?.stop();
});

/** All of one instant, so that their order is that of their numbers; their ids. */
async function pushLater(names: readonly string[], at: number): Promise<string[]> {
  const jobs = names.map((name) => job("a", { payload: `"${name}"`, due: { at } }));
  const answers = await store.push({ jobs, timeoutMs: 5_000 });
  expect(answers.map(({ state }) => state)).toEqual(names.map(() => "scheduled"));
  return answers.map(({ id }) => id);
}

/** Ids of all pages, one job a page. */
async function listed(): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await store.list({ taskId: "a", state: "scheduled", cursor, limit: 1 });
    ids.push(...page.jobs.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== null);
  return ids;
}

/** The last number that was given is this one. */
async function numbersFrom(last: number): Promise<void> {
  await direct.hset(`${SHARD}meta`, "number", last);
}

/** The first number of all that is packed, the last one, and where a byte rolls over. */
const FIRST = 1_750_000_000_000_000;
const LAST = FIRST + 254 * 2 ** 40 - 1;

test("whatever their numbers are, they are found, listed and claimed in order", async () => {
  // Before any number that is given here, so that numbers rise from there.
  await world.jump(1_600_000_000_000 - (await world.now()));
  const at = (await world.now()) + HOUR_MS;
  const starts = [FIRST - 3, FIRST + 2 ** 40 - 2, FIRST + 2 ** 47 - 2, LAST - 3, 9e15];
  const names: string[] = [];
  const ids: string[] = [];
  for (const start of starts) {
    await numbersFrom(start);
    const some = [1, 2, 3, 4].map((n) => `${start + n}`);
    names.push(...some);
    ids.push(...(await pushLater(some, at)));
  }
  expect(ids).toEqual(names.map((name) => `0-${name}`));
  expect(await listed()).toEqual(ids);
  for (const id of ids) {
    expect(await store.get({ taskId: "a", id })).toMatchObject({ state: "scheduled", dueAt: at });
  }
  const gone = ids.filter((_, k) => k % 4 === 3);
  for (const id of gone) {
    const cancelled = await store.cancel({ taskId: "a", id, keep: KEEP });
    expect(cancelled).toEqual({ state: "cancelled", changed: true });
  }
  await world.advance(HOUR_MS);
  const left = names.filter((_, k) => k % 4 !== 3);
  expect(await drain(store, "a")).toEqual(left.map((name) => `"${name}"`));
  expect(await direct.exists(LATER, DUE)).toBe(0);
});

test("a name of theirs takes six bytes", async () => {
  const [id = ""] = await pushLater(["x"], (await world.now()) + HOUR_MS);
  const name = packedName(id.slice("0-".length));
  expect(name).toHaveLength(6);
  expect(await direct.hkeysBuffer(LATER)).toEqual([name]);
  expect(await direct.zrangeBuffer(DUE, "0", "-1")).toEqual([name]);
});

test("data of layout 3, which spells them, are lifted", async () => {
  const at = (await world.now()) + HOUR_MS;
  const names = Array.from({ length: 500 }, (_, n) => `${n}`);
  const ids = await pushLater(names, at);
  const records = await direct.hvals(LATER);
  const number = (k: number) => ids[k]?.slice("0-".length) ?? "";
  await direct.del(LATER, DUE);
  for (const k of ids.keys()) {
    const record = records.find((text) => text.endsWith(`"${k}"`)) ?? "";
    await direct.hset(LATER, number(k), record);
    await direct.zadd(DUE, at, number(k));
  }
  await direct.hset(`${SHARD}layout`, "version", "3");
  await (await world.open()).close();
  expect(await direct.hget(`${SHARD}layout`, "version")).toBe("5");
  expect(await direct.hlen(LATER)).toBe(500);
  expect(await direct.zcard(DUE)).toBe(500);
  expect(await store.get({ taskId: "a", id: ids[7] ?? "" })).toMatchObject({ dueAt: at });
  await world.advance(HOUR_MS);
  expect(await drain(store, "a")).toEqual(names.map((name) => `"${name}"`));
});
