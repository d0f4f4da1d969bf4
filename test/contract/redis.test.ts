/**
 * The contract, kept by the Redis store on redis-server, as a user who may do what
 * protocol/rights.json lists and nothing else; and the list is what that run took, no more and no
 * less. (On Valkey it is kept as a user who may do all.)
 */
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import type { Wake } from "../../src/store/contract.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { PASSWORD, USER } from "../support/least-rights.js";
import { QUICK } from "../support/quick-clock.js";
import { PREFIX, serverForThisFile, TEST_CLOCK, worldOn } from "../support/redis-world.js";
import { RightsRun } from "../support/rights-run.js";
import { until } from "../support/until.js";
import { examine } from "./suite.js";
import { HOUR_MS, NO_SCHEDULES, stubborn, TASK } from "./words.js";

const server = serverForThisFile({ kind: "redis-server" });

let admin: Redis;
let rights: RightsRun;

beforeAll(async () => {
  const { host, port } = server();
  admin = new Redis({ host, port, protocol: 2 });
  await admin.ping();
  const nodes = [{ server: server(), admin }];
  rights = await RightsRun.begin("single", nodes, { prefix: PREFIX, more: [TEST_CLOCK.right] });
});

afterAll(() => {
  rights?.close();
  admin?.disconnect();
});

function target() {
  const { host, port } = server();
  return { host, port, username: USER, password: PASSWORD };
}

examine(
  "Redis, for a user with the least rights",
  async () => {
    const parts = { redis: target(), shards: 1, of: () => admin, servers: [admin] };
    const world = await worldOn(parts, async () => {});
    // Everybody but those who watch.
    return { ...world, cut: () => rights.cut() };
  },
  { persistent: true, connection: true, frozenClock: false },
);

test("a subscription without PING lasts, is proved end to end, and brings jobs", async () => {
  const store = createRedisStore({
    ...{ redis: target(), prefix: PREFIX },
    ...{ identity: systemChance.identity(), chance: systemChance, clock: QUICK },
  });
  await store.open();
  const wakes: Wake[] = [];
  store.onWake((wake) => wakes.push(wake));
  await until("a proof of arrival", async () => (await rights.sent()).has("publish"), 20_000);
  // Each new subscription begins with one look.
  expect(wakes.splice(0)).toEqual([{ kind: "look" }]);
  await store.look({ taskIds: [TASK], ...NO_SCHEDULES, sleepMs: HOUR_MS });
  await store.push({ jobs: [stubborn()], timeoutMs: 10_000 });
  expect((await until("a job that is handed over", () => wakes[0])).kind).toBe("handed");
  await store.close();
});

test("the published rights are those that the run took, no more and no less", async () => {
  const { took, listed } = await rights.end({ without: [TEST_CLOCK.command] });
  expect(took).toEqual(listed);
});
