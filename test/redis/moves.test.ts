/**
 * Claims about a schedule on its way to a task of another shard, when whoever moves it dies: that
 * is a store of which nothing more arrives from some script on.
 */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RegisterAnswer, Store } from "../../src/store/contract.js";
import { registerOnShard, scheduleOnShard } from "../../src/store/redis/schedules.js";
import type { Verb } from "../../src/store/redis/scripts.js";
import type { Shard } from "../../src/store/redis/shard.js";
import { HOUR_MS, KEEP, schedule } from "../contract/words.js";
import type { World } from "../contract/world.js";
import { redisWorld, serverForThisFile } from "../support/redis-world.js";
import * as moves from "./moves-kit.js";
import { deafTo, MINUTE_MS, mortalStore, SHARDS, shardsOf, taskIn } from "./moves-kit.js";

const server = serverForThisFile({ kind: "redis-server" });
const [OLD, NEW, THIRD] = [taskIn(1), taskIn(2), taskIn(3)];

let world: World;
let store: Store;
const mortals: Store[] = [];

beforeEach(async () => {
  world = await redisWorld(server(), SHARDS);
  store = await world.open();
  expect((await write(store, OLD))?.outcome).toBe("added");
  const instants = [1];
  await store.trigger({ scheduleId: "s", instants, overlap: null, keep: KEEP });
});

afterEach(async () => {
  await Promise.all([store, ...mortals.splice(0)].map((one) => one.close()));
  await world.close();
});

function write(by: Store, taskId: string, digest = taskId): Promise<RegisterAnswer | undefined> {
  return moves.write(world, by, { taskId, digest });
}

/** One that dies before the first of these scripts. */
function mortal(...verbs: Verb[]): Store {
  const one = mortalStore(server(), verbs);
  mortals.push(one);
  return one;
}

async function shardAt(index: number): Promise<Shard> {
  return (await shardsOf(store))[index]!;
}

/** Its task and the length of its ledger, in each shard where it is known. */
async function known(): Promise<[string, number][]> {
  const page = await store.schedules({ taskId: null, limit: 10, cursor: null });
  const detail = await store.schedule({ scheduleId: "s" });
  return page.schedules.map(({ taskId }) => [taskId, detail?.ledger.length ?? 0]);
}

async function tendLater(): Promise<void> {
  await world.advance(MINUTE_MS);
  await store.tend({ urgent: false });
}

test("given and not taken in, it is put back where it was", async () => {
  const before = await store.schedule({ scheduleId: "s" });
  await expect(write(mortal("register", "parcel"), NEW)).rejects.toThrow(/gone before register/);
  expect(await known()).toEqual([]);
  await store.tend({ urgent: false });
  expect(await known()).toEqual([]);
  await tendLater();
  expect(await known()).toEqual([[OLD, 1]]);
  const after = await store.schedule({ scheduleId: "s" });
  expect(after).toEqual({ ...before, now: after?.now });
  await world.advance(HOUR_MS);
  const fireable = { taskIds: [OLD], scheduleIds: [] };
  const look = { taskIds: [], fireable, registration: null, sleepMs: 10 };
  expect((await store.look(look)).schedules.map(({ scheduleId }) => scheduleId)).toEqual(["s"]);
});

test("given and not taken in, it is given to whoever registers it next", async () => {
  await expect(write(mortal("register", "parcel"), NEW)).rejects.toThrow(/gone before register/);
  expect((await write(store, NEW))?.outcome).toBe("changed");
  expect(await known()).toEqual([[NEW, 1]]);
  await tendLater();
  expect(await known()).toEqual([[NEW, 1]]);
});

test("given and not taken in, it is there for its old task, too", async () => {
  await expect(write(mortal("register", "parcel"), NEW)).rejects.toThrow(/gone before register/);
  await world.advance(MINUTE_MS / 2);
  expect((await write(store, OLD))?.outcome).toBe("unchanged");
  expect(await known()).toEqual([[OLD, 1]]);
  await tendLater();
  expect(await known()).toEqual([[OLD, 1]]);
});

test("taken in, it is not put back, whoever was to tell that it has arrived", async () => {
  expect((await write(mortal("parcel"), NEW))?.outcome).toBe("changed");
  expect(await known()).toEqual([[NEW, 1]]);
  await tendLater();
  expect(await known()).toEqual([[NEW, 1]]);
  // And back: nothing of the old parcel is left.
  expect((await write(store, OLD))?.outcome).toBe("changed");
  await tendLater();
  expect(await known()).toEqual([[OLD, 1]]);
});

test.each([
  ["by who moved it", () => store],
  ["by who tends", () => mortal("parcel")],
])("known to have arrived (%s), it is forgotten where it was", async (_, mover) => {
  expect((await write(mover(), NEW))?.outcome).toBe("changed");
  await tendLater();
  // As whoever finds nobody to keep it removes it: only where it is.
  const detail = await store.schedule({ scheduleId: "s" });
  expect(await store.remove({ scheduleId: "s", revision: detail!.revision })).toBe("removed");
  await tendLater();
  expect(await known()).toEqual([]);
});

/** Somebody who was given it for NEW, and is slow: takes it in when told to. */
async function givenForNew(): Promise<() => Promise<RegisterAnswer[]>> {
  const until = (await world.now()) + MINUTE_MS / 2;
  const call = { args: ["0", "2", "s"] };
  const [, [, , , , ...fields] = []] = (await (await shardAt(1)).run("give", call)) as string[][];
  const written = schedule({ scheduleId: "s", taskId: NEW, firstAt: until + HOUR_MS });
  const schedules = [{ ...written, digest: NEW }];
  const parcels = [{ scheduleId: "s", wasAlive: true, fields }];
  const home = await shardAt(2);
  return () =>
    registerOnShard(home, { registration: null, schedules }, { allAsked: true, until, parcels });
}

test.each([OLD, THIRD])(
  "on its way to one shard, it does not go to another one: %s",
  async (to) => {
    const takeIn = await givenForNew();
    const isRefused = { code: "STORE_UNREACHABLE", message: expect.stringMatching(/on its way/) };
    await expect(write(store, to)).rejects.toMatchObject(isRefused);
    expect(await takeIn()).toMatchObject([{ outcome: "changed" }]);
    expect(await known()).toEqual([[NEW, 1]]);
    await tendLater();
    expect(await known()).toEqual([[NEW, 1]]);
  },
);

test("half a minute later it goes there, and who was given it before is refused", async () => {
  const takeIn = await givenForNew();
  await world.advance(MINUTE_MS / 2 + 1);
  expect((await write(store, THIRD))?.outcome).toBe("changed");
  await expect(takeIn()).rejects.toMatchObject({ code: "STORE_REFUSED" });
  expect(await known()).toEqual([[THIRD, 1]]);
});

test("two are given it for one shard: it is not put back while one of them may come", async () => {
  const takeIn = await givenForNew();
  const shard = await shardAt(1);
  const [givenAt = ""] = (await shard.run("give", { args: ["0", "2", "s"] })) as string[];
  expect(await shard.run("parcel", { args: ["back", "s", givenAt] })).toBe(0);
  expect(await known()).toEqual([]);
  expect(await takeIn()).toMatchObject([{ outcome: "changed" }]);
  await tendLater();
  expect(await known()).toEqual([[NEW, 1]]);
});

test("who comes too late is refused: it may have been put back", async () => {
  const shard = await shardAt(2);
  const parcels = [
    { scheduleId: "s", wasAlive: true, fields: Array.from({ length: 8 }, () => "") },
  ];
  const until = (await world.now()) - 1;
  const schedules = [schedule({ scheduleId: "s", taskId: NEW })];
  const late = registerOnShard(
    shard,
    { registration: null, schedules },
    { allAsked: true, until, parcels },
  );
  const message = expect.stringContaining("came too late");
  await expect(late).rejects.toMatchObject({ code: "STORE_REFUSED", message });
  expect(await known()).toEqual([[OLD, 1]]);
});

test("given again meanwhile, it is not settled by who was told of the first time", async () => {
  const shard = await shardAt(1);
  const [firstAt = ""] = (await shard.run("give", { args: ["0", "2", "s"] })) as string[];
  await world.advance(MINUTE_MS);
  const [againAt = ""] = (await shard.run("give", { args: ["0", "2", "s"] })) as string[];
  for (const fate of ["arrived", "back"]) {
    expect(await shard.run("parcel", { args: [fate, "s", firstAt] })).toBe(0);
  }
  expect(await known()).toEqual([]);
  expect(await shard.run("parcel", { args: ["back", "s", againAt] })).toBe(1);
  expect(await known()).toEqual([[OLD, 1]]);
});

test("nor put back by him when it may have arrived with the second, or by the second", async () => {
  const shard = await shardAt(1);
  const give = async () => ((await shard.run("give", { args: ["0", "2", "s"] })) as string[])[0]!;
  const back = (at: string, since = "") => shard.run("parcel", { args: ["back", "s", at, since] });
  const firstAt = await give();
  await world.advance(MINUTE_MS / 3);
  const secondAt = await give();
  // Too late for both: what the second one has done is not known.
  await world.advance(MINUTE_MS);
  expect(await back(firstAt)).toBe(0);
  expect(await back(secondAt)).toBe(1);
  expect(await known()).toEqual([[OLD, 1]]);
  const thirdAt = await give();
  await world.advance(MINUTE_MS / 3);
  const fourthAt = await give();
  await world.advance(MINUTE_MS);
  // All others were asked, but at a time at which the third one could come with it still.
  expect(await back(fourthAt, fourthAt)).toBe(0);
  expect(await back(fourthAt, String(Number(thirdAt) + MINUTE_MS / 2))).toBe(1);
});

test("not found where it may be elsewhere, nothing is written", async () => {
  const schedules = [schedule({ scheduleId: "s", taskId: NEW })];
  const call = { registration: null, schedules };
  const given = { allAsked: false, until: 0, parcels: [] };
  const answers = await registerOnShard(await shardAt(2), call, given);
  expect(answers).toMatchObject([{ outcome: "away" }]);
  expect(await known()).toEqual([[OLD, 1]]);
});

test("a refused registration leaves it where it was, at once", async () => {
  await expect(write(mortal("register"), NEW)).rejects.toThrow(/gone before register/);
  expect(await known()).toEqual([[OLD, 1]]);
});

test("removed on its way, it does not come back", async () => {
  await expect(write(mortal("register", "parcel"), NEW)).rejects.toThrow(/gone before register/);
  expect(await store.remove({ scheduleId: "s", revision: null })).toBe("removed");
  await tendLater();
  expect(await known()).toEqual([]);
});

test("taken in and due there, its parcel does not come alive beside it", async () => {
  expect((await write(mortal("parcel"), NEW))?.outcome).toBe("changed");
  await world.advance(HOUR_MS);
  expect((await write(store, NEW, "another"))?.outcome).toBe("due");
  expect(await known()).toEqual([[NEW, 1]]);
  expect((await write(store, THIRD))?.outcome).toBe("due");
  expect(await known()).toEqual([[NEW, 1]]);
});

test("taken in, it moves on as it is there, not as its parcel is", async () => {
  expect((await write(mortal("parcel"), NEW))?.outcome).toBe("changed");
  await store.trigger({ scheduleId: "s", instants: [2], overlap: null, keep: KEEP });
  const before = await store.schedule({ scheduleId: "s" });
  expect((await write(store, THIRD))?.outcome).toBe("changed");
  const after = await store.schedule({ scheduleId: "s" });
  expect(after).toMatchObject({ taskId: THIRD, ledger: before?.ledger });
  await tendLater();
  expect(await known()).toHaveLength(1);
});

test("given and not taken in, it is at home again when it may not be registered", async () => {
  await expect(write(mortal("register", "parcel"), NEW)).rejects.toThrow(/gone before register/);
  await world.advance(HOUR_MS);
  expect((await write(store, NEW))?.outcome).toBe("due");
  expect(await known()).toEqual([[OLD, 1]]);
  expect(await scheduleOnShard(await shardAt(1), "s")).toMatchObject({ taskId: OLD });
});

test("removed while its old shard did not hear of it, it does not come back there", async () => {
  expect((await write(mortal("parcel"), NEW))?.outcome).toBe("changed");
  const deaf = mortal();
  await deafTo(deaf, 1);
  expect(await deaf.remove({ scheduleId: "s", revision: null })).toBe("removed");
  expect(await known()).toEqual([]);
  await tendLater();
  await world.advance(HOUR_MS);
  await store.tend({ urgent: false });
  expect(await known()).toEqual([]);
  // A schedule of that name that is made later is another one, and moves like any.
  expect((await write(store, OLD, "later"))?.outcome).toBe("added");
  await expect(write(mortal("register", "parcel"), NEW)).rejects.toThrow(/gone before register/);
  await tendLater();
  expect(await known()).toEqual([[OLD, 0]]);
});

test("removed where it is, nothing is left of its parcel", async () => {
  expect((await write(mortal("parcel"), NEW))?.outcome).toBe("changed");
  // One that has not seen where it is asks the shards in their order.
  const other = await world.open();
  mortals.push(other);
  expect(await other.remove({ scheduleId: "s", revision: null })).toBe("removed");
  await tendLater();
  expect(await known()).toEqual([]);
});
