/**
 * Schedules that move between shards, when something comes late: a parcel that the version before
 * has left, or a program that stood still after it had asked the other shards.
 */
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.js";
import type { Verb } from "../../src/store/redis/scripts.js";
import type { Shard } from "../../src/store/redis/shard.js";
import { HOUR_MS, schedule } from "../contract/words.js";
import type { World } from "../contract/world.js";
import { PREFIX, redisWorld, serverForThisFile } from "../support/redis-world.js";
import * as moves from "./moves-kit.js";
import { MINUTE_MS, SHARDS, shardsOf, stopAt, taskIn, tasksOf } from "./moves-kit.js";

const server = serverForThisFile({ kind: "redis-server" });
const [OLD, NEW, THIRD] = [taskIn(1), taskIn(2), taskIn(3)];

let world: World;
let store: Store;
const lossies: Store[] = [];

beforeEach(async () => {
  world = await redisWorld(server(), SHARDS);
  store = await world.open();
  expect(await write(store, OLD)).toBe("added");
});

afterEach(async () => {
  await Promise.all([store, ...lossies.splice(0)].map((one) => one.close()));
  await world.close();
});

async function write(by: Store, taskId: string): Promise<string | undefined> {
  return (await moves.write(world, by, { taskId }))?.outcome;
}

/** What a shard keeps beside its jobs and schedules. */
async function notesOf(shard: number): Promise<[field: string, text: string][]> {
  const { host, port } = server();
  const client = new Redis({ host, port });
  const notes = await client.hgetall(`${PREFIX}{${shard}}:meta`);
  client.disconnect();
  return Object.entries(notes);
}

const tasks = () => tasksOf(store);

/** Somebody who has asked the other shards, and stands still until told to go on. */
async function slow(taskId: string): Promise<() => Promise<string | undefined>> {
  const one = await world.open();
  const act = () => write(one, taskId);
  const goOn = await stopAt(world, one, { verb: "register", act });
  return () => goOn().finally(() => one.close());
}

/** One of whose scripts some do not arrive. */
async function lossy(isLost: (shard: Shard, verb: Verb) => boolean): Promise<Store> {
  const one = await world.open();
  lossies.push(one);
  for (const shard of await shardsOf(one)) {
    const run = shard.run.bind(shard);
    shard.run = async (verb, call) => {
      if (isLost(shard, verb)) throw shard.unreachable();
      return await run(verb, call);
    };
    if (isLost(shard, "remove")) Object.defineProperty(shard, "isThere", { value: false });
  }
  return one;
}

/** It has moved, but its old shard does not know, and was away when it was removed. */
async function removedElsewhere(isLost: (shard: Shard, verb: Verb) => boolean): Promise<void> {
  expect(await write(await lossy((_, verb) => verb === "parcel"), NEW)).toBe("changed");
  const remover = await lossy((shard, verb) => shard.index === 1 || isLost(shard, verb));
  await remover.remove({ scheduleId: "s", revision: null });
  expect(await tasks()).toEqual([]);
  await world.advance(MINUTE_MS);
}

/** Given from its old shard, and left there; written as a version before has. */
async function oldParcel(form = (givenAt: string) => givenAt): Promise<void> {
  const [givenAt] = (await (
    await shardsOf(store)
  )[1]!.run("give", {
    args: ["0", "2", "s"],
  })) as string[];
  const { host, port } = server();
  const client = new Redis({ host, port });
  await client.hset(`${PREFIX}{1}:schedules`, "X", `{"s":${form(givenAt ?? "")}}`);
  client.disconnect();
}

/** Of versions before, the older one first. */
const FORMS: ((givenAt: string) => string)[] = [(at) => at, (at) => `[${at},"2",0]`];

test.each(FORMS)("a parcel of a version before is put back by whoever tends", async (form) => {
  await oldParcel(form);
  await world.advance(MINUTE_MS);
  await store.tend({ urgent: false });
  expect(await tasks()).toEqual([OLD]);
});

test.each([OLD, NEW])("it goes where it is registered, half a minute later: %s", async (to) => {
  await oldParcel();
  await expect(write(store, to)).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
  await world.advance(MINUTE_MS / 2);
  expect(await write(store, to)).toBe(to === OLD ? "unchanged" : "changed");
  expect(await tasks()).toEqual([to]);
});

test("who stood still for long adds no second one to the shard that it has left", async () => {
  const goOn = await slow(OLD);
  expect(await write(store, NEW)).toBe("changed");
  await world.advance(MINUTE_MS);
  await expect(goOn()).rejects.toMatchObject({ code: "STORE_REFUSED" });
  expect(await tasks()).toEqual([NEW]);
});

test("nor does who stood still only while it left", async () => {
  const goOn = await slow(OLD);
  expect(await write(store, NEW)).toBe("changed");
  await expect(goOn()).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
  expect(await tasks()).toEqual([NEW]);
});

test("what was given is not taken in where it came and went meanwhile", async () => {
  const goOn = await slow(NEW);
  expect(await write(store, NEW)).toBe("changed");
  expect(await write(store, THIRD)).toBe("changed");
  await expect(goOn()).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
  expect(await tasks()).toEqual([THIRD]);
});

test("what was given is not taken in where it is on its way from", async () => {
  const first = await slow(NEW);
  expect(await write(store, NEW)).toBe("changed");
  const second = await slow(THIRD);
  await expect(first()).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
  expect(await second()).toBe("changed");
  expect(await tasks()).toEqual([THIRD]);
});

test("who asks after it has left may bring it back at once", async () => {
  expect(await write(store, NEW)).toBe("changed");
  await world.advance(2);
  expect(await write(store, OLD)).toBe("changed");
  expect(await tasks()).toEqual([OLD]);
});

test("a clock that goes back keeps it from nowhere", async () => {
  expect(await write(store, NEW)).toBe("changed");
  await world.jump(-HOUR_MS);
  expect(await write(store, OLD)).toBe("changed");
  expect(await tasks()).toEqual([OLD]);
});

test("what many have left behind is read one by one, and forgotten after a minute", async () => {
  const firstAt = (await world.now()) + HOUR_MS;
  const many = (taskId: string) =>
    Array.from({ length: 400 }, (_, n) => ({
      ...schedule({ scheduleId: `many-${n}`, taskId, firstAt }),
      digest: taskId,
    }));
  await store.register({ registration: null, schedules: many(OLD) });
  const moved = await store.register({ registration: null, schedules: many(NEW) });
  expect(moved.filter(({ outcome }) => outcome !== "changed")).toEqual([]);
  const left = (await notesOf(1)).filter(([field]) => field.startsWith("left "));
  expect(left).toHaveLength(400);
  // A script that reads a note reads all of it.
  expect((await notesOf(1)).filter(([, text]) => text.length > 100)).toEqual([]);

  await world.advance(MINUTE_MS);
  await store.tend({ urgent: false });
  expect(await write(store, NEW)).toBe("changed");
  await store.tend({ urgent: false });
  const still = (await notesOf(1)).filter(([field]) => field.startsWith("left"));
  expect(still.map(([field]) => field).sort()).toEqual([
    ...["left s", "leftAs 401", "leftFrom", "leftTo"],
  ]);
});

test.each([OLD, NEW, THIRD])(
  "removed while its old shard was away, it begins anew: %s",
  async (to) => {
    await removedElsewhere(() => false);
    expect(await write(store, to)).toBe("added");
    await world.advance(MINUTE_MS);
    await store.tend({ urgent: false });
    expect(await tasks()).toEqual([to]);
  },
);

test("removed, it is so though some of those that are to note it do not answer", async () => {
  await removedElsewhere((shard, verb) => shard.index === 3 && verb === "gone");
  await store.tend({ urgent: false });
  expect(await tasks()).toEqual([]);
});

test("removed, but noted by nobody, it is not called not done", async () => {
  const removed = removedElsewhere((_, verb) => verb === "gone");
  await expect(removed).rejects.toMatchObject({ code: "STORE_NO_ANSWER" });
});

test("due on its way, it comes home though others go on asking for it", async () => {
  await world.advance(HOUR_MS - 1_000);
  const dead = await lossy((_, verb) => verb === "register");
  await expect(write(dead, NEW)).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
  await world.advance(2_000);
  const other = await lossy(() => false);
  const outcomes: unknown[] = [];
  // One of them may be faster: what it was given counts as long as its fate is not known.
  for (let s = 0; s < 40; s += 1) {
    outcomes.push(...(await Promise.all([write(store, NEW), write(other, NEW)])));
    if (s < 25) expect(await tasks()).toEqual([]);
    await world.advance(1_000);
  }
  expect(new Set(outcomes)).toEqual(new Set(["due"]));
  expect(await tasks()).toEqual([OLD]);
});
