/**
 * Parcels of schedules as the version before wrote them: only when each was given. During a rolling
 * deploy, or after one, whoever has died may have left one.
 */

import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.js";
import type { Home } from "../../src/store/redis/session.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { HOUR_MS, schedule } from "../contract/words.js";
import type { World } from "../contract/world.js";
import { PREFIX, redisWorld, serverForThisFile } from "../support/redis-world.js";

const SHARDS = 4;
const MINUTE_MS = 60_000;
const server = serverForThisFile({ kind: "redis-server" });
const taskIn = (shard: number): string =>
  Array.from({ length: 50 }, (_, n) => `t${n}`).find(
    (name) => shardOfTask(name, SHARDS) === shard,
  ) as string;
const [OLD, NEW] = [taskIn(1), taskIn(2)];

let world: World;
let store: Store;

beforeEach(async () => {
  world = await redisWorld(server(), SHARDS);
  store = await world.open();
  expect(await write(OLD)).toBe("added");
  const { session } = store as unknown as { session: Home };
  const shard = (await session.shards(1_000))[1];
  const [givenAt] = (await shard!.run("give", { args: ["0", "2", "s"] })) as string[];
  const { host, port } = server();
  const client = new Redis({ host, port });
  await client.hset(`${PREFIX}{1}:schedules`, "X", `{"s":${givenAt}}`);
  client.disconnect();
});

afterEach(async () => {
  await store.close();
  await world.close();
});

async function write(taskId: string): Promise<string | undefined> {
  const written = schedule({ scheduleId: "s", taskId, firstAt: (await world.now()) + HOUR_MS });
  const schedules = [{ ...written, digest: taskId }];
  return (await store.register({ registration: null, schedules }))[0]?.outcome;
}

async function tasks(): Promise<string[]> {
  const page = await store.schedules({ taskId: null, limit: 10, cursor: null });
  return page.schedules.map(({ taskId }) => taskId);
}

test("is put back by whoever tends", async () => {
  await world.advance(MINUTE_MS);
  await store.tend({ urgent: false });
  expect(await tasks()).toEqual([OLD]);
});

test.each([OLD, NEW])(
  "goes where it is registered, once nobody else may take it in: %s",
  async (to) => {
    await expect(write(to)).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
    await world.advance(MINUTE_MS / 2);
    expect(await write(to)).toBe(to === OLD ? "unchanged" : "changed");
    expect(await tasks()).toEqual([to]);
  },
);
