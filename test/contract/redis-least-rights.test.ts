/**
 * The contract, kept by the Redis store as a user that may do what protocol/PROTOCOL.md lists and
 * nothing else; and the list is what the server saw during that run, no more and no less.
 */
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { type Clock, systemClock } from "../../src/clock.js";
import type { Wake } from "../../src/store/contract.js";
import { CLIENT_COMMANDS, SCRIPT_COMMANDS } from "../../src/store/redis/rights.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { listed, listedAsOptional, listedForClients } from "../redis/store-kit.js";
import {
  aclWords,
  PASSWORD,
  type RightsMonitor,
  refusedTo,
  USER,
  watchRights,
} from "../support/least-rights.js";
import { PREFIX, serverForThisFile, worldOn } from "../support/redis-world.js";
import { until } from "../support/until.js";
import { examine } from "./suite.js";
import { HOUR_MS, NO_SCHEDULES, stubborn, TASK } from "./words.js";

const server = serverForThisFile({ kind: "redis-server" });

let admin: Redis;
let monitor: RightsMonitor;

const QUICKER = 20;

/** The clock of these tests is moved by a key that nothing else reads. */
const TEST_CLOCK = "(+get ~*test:offset)";

beforeAll(async () => {
  const { host, port } = server();
  admin = new Redis({ host, port, protocol: 2 });
  await admin.ping();
  const rights = aclWords([...listedForClients(), ...listed()], PREFIX);
  await admin.call("ACL", "SETUSER", USER, "on", `>${PASSWORD}`, ...rights, TEST_CLOCK);
  monitor = await watchRights(server(), admin);
});

afterAll(() => {
  monitor?.close();
  admin?.disconnect();
});

examine(
  "Redis for a user with the least rights",
  async () => {
    const { host, port } = server();
    const redis = { host, port, username: USER, password: PASSWORD };
    const parts = { redis, shards: 1, of: () => admin, servers: [admin] };
    const world = await worldOn(parts, async () => {});
    // Everybody but those who watch.
    return { ...world, cut: async () => void (await admin.call("CLIENT", "KILL", "USER", USER)) };
  },
  { persistent: true, connection: true, frozenClock: false },
  { whole: process.env.CONTRACT === "whole" },
);

/** Seconds pass in an instant for whoever has this clock. */
const QUICK: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * QUICKER,
  after: (ms, run, options) => systemClock.after(ms / QUICKER, run, options),
};

test("its subscription lasts without PING, is proved end to end, and brings jobs", async () => {
  const { host, port } = server();
  const store = createRedisStore({
    ...{ redis: { host, port, username: USER, password: PASSWORD }, prefix: PREFIX },
    ...{ identity: systemChance.identity(), chance: systemChance, clock: QUICK },
  });
  await store.open();
  const wakes: Wake[] = [];
  store.onWake((wake) => wakes.push(wake));
  await until("a proof of arrival", async () => (await monitor.seen()).sent.has("PUBLISH"), 10_000);
  // Each new subscription begins with one look.
  expect(wakes.splice(0)).toEqual([{ kind: "look" }]);
  await store.look({ taskIds: [TASK], ...NO_SCHEDULES, sleepMs: HOUR_MS });
  await store.push({ jobs: [stubborn()], timeoutMs: 10_000 });
  expect((await until("a job that is handed over", () => wakes[0])).kind).toBe("handed");
  await store.close();
});

test("the published rights are those that the run took, no more and no less", async () => {
  const { sent, inScripts } = await monitor.seen();
  // Of the clock of these tests.
  inScripts.delete("GET");
  expect([...inScripts].sort()).toEqual(listed());
  expect([...sent].sort()).toEqual(listedForClients());
});

test("doctor() looks for these rights, and for no others", () => {
  const names = (samples: readonly string[]) =>
    samples.map((sample) => /^(SCRIPT|PUBSUB) \w+|^\w+/.exec(sample)?.[0] ?? sample).sort();
  expect(names(SCRIPT_COMMANDS)).toEqual(listed());
  expect(names(CLIENT_COMMANDS)).toEqual(listedForClients());
});

test("what it was refused is what the document says it can do without", async () => {
  const refused = listedAsOptional().map((name) => name.toLowerCase().replace(" ", "|"));
  expect(await refusedTo(admin)).toEqual(refused);
});
