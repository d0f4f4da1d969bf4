/**
 * Two that move one schedule and die leave two parcels of it, and whoever stands still while it
 * moves asks too late: it never comes alive twice, and what comes back is the newest.
 */
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.js";
import { registerOnShard, tendOnShard } from "../../src/store/redis/schedules.js";
import type { Verb } from "../../src/store/redis/scripts.js";
import { HOUR_MS, KEEP, schedule } from "../contract/words.js";
import type { World } from "../contract/world.js";
import { PREFIX, redisWorld, serverForThisFile } from "../support/redis-world.js";
import * as moves from "./moves-kit.js";
import {
  deafTo,
  MINUTE_MS,
  mortalStore,
  SHARDS,
  shardsOf,
  stopAt,
  taskIn,
  tasksOf,
} from "./moves-kit.js";

const server = serverForThisFile({ kind: "redis-server" });
const [OLD, NEW, THIRD] = [taskIn(1), taskIn(2), taskIn(3)];

let world: World;
let store: Store;
const made: Store[] = [];

beforeEach(async () => {
  world = await redisWorld(server(), SHARDS);
  store = await world.open();
});

afterEach(async () => {
  await Promise.all([store, ...made.splice(0)].map((one) => one.close()));
  await world.close();
});

async function write(by: Store, taskId: string): Promise<string | undefined> {
  return (await moves.write(world, by, { taskId }))?.outcome;
}

function mortal(...verbs: Verb[]): Store {
  const one = mortalStore(server(), verbs);
  made.push(one);
  return one;
}

/** Registers it for that task, and stands still before that script until told to go on. */
async function slow(
  taskId: string,
  stop: { verb: Verb; shard?: number },
  one = mortal(),
): Promise<() => Promise<string | undefined>> {
  return await stopAt(world, one, { ...stop, act: () => write(one, taskId) });
}

async function fires(instant: number): Promise<void> {
  await store.trigger({ scheduleId: "s", instants: [instant], overlap: null, keep: KEEP });
}

/** Where it is alive, and how much it remembers. */
async function known(): Promise<[string[], number]> {
  const detail = await store.schedule({ scheduleId: "s" });
  return [await tasksOf(store), detail?.ledger.length ?? 0];
}

async function tendLater(): Promise<void> {
  await world.advance(MINUTE_MS);
  await store.tend({ urgent: false });
}

/** Two have died: of OLD's shard there is the older parcel, of NEW's one that remembers more. */
async function twoParcels(): Promise<void> {
  expect(await write(store, OLD)).toBe("added");
  expect(await write(mortal("parcel"), NEW)).toBe("changed");
  await fires(1);
  const dies = write(mortal("register", "parcel"), THIRD);
  await expect(dies).rejects.toThrow(/gone before register/);
  expect(await known()).toEqual([[], 0]);
}

test("of two parcels the newer one comes back, and the older one is forgotten", async () => {
  await twoParcels();
  await tendLater();
  expect(await known()).toEqual([[NEW], 1]);
  await tendLater();
  expect(await known()).toEqual([[NEW], 1]);
  expect(await store.remove({ scheduleId: "s", revision: null })).toBe("removed");
  await tendLater();
  expect(await known()).toEqual([[], 0]);
});

test("nor does the older one while somebody has been given the newer one", async () => {
  expect(await write(store, OLD)).toBe("added");
  expect(await write(mortal("parcel"), NEW)).toBe("changed");
  await fires(1);
  await world.advance(MINUTE_MS);
  const goOn = await slow(OLD, { verb: "register" });
  await store.tend({ urgent: false });
  expect(await known()).toEqual([[], 0]);
  const isAway = { code: "STORE_UNREACHABLE" };
  await expect(write(store, THIRD)).rejects.toMatchObject(isAway);
  // Its own shard's parcel is on its way to the third one now.
  await expect(goOn()).rejects.toMatchObject(isAway);
  expect(await known()).toEqual([[NEW], 1]);
  await tendLater();
  await tendLater();
  expect(await known()).toEqual([[NEW], 1]);
});

test.each([
  ["a third shard", THIRD],
  ["the newer one's", NEW],
  ["the older one's", OLD],
])("whoever registers it next goes on from the newer one: %s", async (_, taskId) => {
  await twoParcels();
  await world.advance(MINUTE_MS / 2);
  expect(await write(store, taskId)).toBe(taskId === NEW ? "unchanged" : "changed");
  expect(await known()).toEqual([[taskId], 1]);
  await tendLater();
  expect(await known()).toEqual([[taskId], 1]);
});

test("what comes in where a parcel of it is leaves nothing of that", async () => {
  await twoParcels();
  await world.advance(MINUTE_MS / 2);
  expect(await write(store, OLD)).toBe("changed");
  const { host, port } = server();
  const client = new Redis({ host, port });
  const fields = await client.hkeys(`${PREFIX}{1}:schedules`);
  client.disconnect();
  expect(fields.toSorted()).toEqual(["ds", "fs", "ss"]);
});

test("who tends and asks one shard late, after it has left there, puts nothing back", async () => {
  expect(await write(store, OLD)).toBe("added");
  expect(await write(mortal("parcel"), NEW)).toBe("changed");
  await world.advance(MINUTE_MS);
  // It has asked the third shard, where nothing is yet.
  const tender = mortal();
  const tend = () => tender.tend({ urgent: false });
  const goOn = await stopAt(world, tender, { verb: "gone", shard: 2, act: tend });
  const mover = mortal();
  await deafTo(mover, 1);
  expect(await write(mover, THIRD)).toBe("changed");
  await goOn();
  expect(await tasksOf(store)).toEqual([THIRD]);
});

test("who asks one shard late, after it has left there, asks all once more", async () => {
  expect(await write(store, OLD)).toBe("added");
  const goOn = await slow(THIRD, { verb: "give", shard: 1 });
  expect(await write(store, NEW)).toBe("changed");
  await fires(1);
  expect(await goOn()).toBe("changed");
  expect(await known()).toEqual([[THIRD], 1]);
});

test("what is given alive is asked for once", async () => {
  expect(await write(store, OLD)).toBe("added");
  expect(await write(store, NEW)).toBe("changed");
  let asked = 0;
  for (const shard of await shardsOf(store)) {
    const run = shard.run.bind(shard);
    shard.run = async (verb, call) => {
      if (verb === "give") asked += 1;
      return await run(verb, call);
    };
  }
  expect(await write(store, THIRD)).toBe("changed");
  expect(asked).toBe(SHARDS);
});

test("alive beside a newer parcel, as the version before leaves it, it goes on", async () => {
  await twoParcels();
  await world.advance(MINUTE_MS);
  const old = (await shardsOf(store))[1]!;
  const { parcels } = await tendOnShard(old, { urgent: false });
  expect(await old.run("parcel", { args: ["back", "s", parcels[0]!.givenAt] })).toBe(1);
  await fires(2);
  await fires(3);
  expect(await write(store, THIRD)).toBe("changed");
  expect(await known()).toEqual([[THIRD], 2]);
});

test("so does who is given a parcel that has just arrived elsewhere", async () => {
  expect(await write(store, OLD)).toBe("added");
  const first = await slow(NEW, { verb: "register" }, mortal("parcel"));
  await world.advance(MINUTE_MS / 3);
  const second = await slow(THIRD, { verb: "give", shard: 1 });
  expect(await first()).toBe("changed");
  await fires(1);
  await world.advance(MINUTE_MS / 3);
  expect(await second()).toBe("changed");
  expect(await known()).toEqual([[THIRD], 1]);
});

test("what may have arrived since the other shards were asked is not put back", async () => {
  expect(await write(store, OLD)).toBe("added");
  const first = await slow(NEW, { verb: "register" }, mortal("parcel"));
  await world.advance(MINUTE_MS / 3);
  const second = await slow(OLD, { verb: "register" });
  expect(await first()).toBe("changed");
  await world.advance(MINUTE_MS / 3);
  await expect(second()).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
  expect(await tasksOf(store)).toEqual([NEW]);
});

/** As whoever has asked the other shards before it was there. */
async function add(taskId: string, digest = taskId, set?: string): Promise<string | undefined> {
  const firstAt = (await world.now()) + HOUR_MS;
  const schedules = [{ ...schedule({ scheduleId: "s", taskId, firstAt }), digest }];
  const registration = set === undefined ? null : { set, leaseMs: 2 * MINUTE_MS };
  const home = (await shardsOf(store))[moves.shardOf(taskId)]!;
  return (await registerOnShard(home, { registration, schedules }))[0]?.outcome;
}

test("alive in two shards, as when two register it at once, the newer one stays", async () => {
  expect(await add(NEW)).toBe("added");
  expect(await add(OLD)).toBe("added");
  expect(await add(OLD, "changed")).toBe("changed");
  expect(await tasksOf(store)).toEqual([OLD, NEW]);
  await tendLater();
  expect(await tasksOf(store)).toEqual([OLD]);
  await tendLater();
  expect(await tasksOf(store)).toEqual([OLD]);
  expect(await add(NEW)).toBe("added");
  expect(await add(NEW, "changed")).toBe("changed");
  await tendLater();
  // As new as each other: one of them, and always the same.
  expect(await tasksOf(store)).toEqual([NEW]);
});

test("what a live scheduler registers is parted once that has gone", async () => {
  expect(await add(OLD, OLD, "old")).toBe("added");
  expect(await add(NEW, NEW, "new")).toBe("added");
  await tendLater();
  expect(await tasksOf(store)).toEqual([OLD, NEW]);
  await world.advance(MINUTE_MS);
  expect(await add(NEW, NEW, "new")).toBe("unchanged");
  await tendLater();
  await tendLater();
  expect(await tasksOf(store)).toEqual([NEW]);
});
