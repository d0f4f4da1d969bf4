/** Claims about hand-overs that are heard late, as behind an event loop that was blocked. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Wake } from "../../src/store/contract.js";
import { ShardClocks } from "../../src/store/redis/shard-clocks.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { job, NO_SCHEDULES, storeOn } from "./store-kit.js";

let server: TestServer;
let direct: Redis;
beforeAll(async () => {
  server = await startServer();
  direct = new Redis({ host: server.host, port: server.port });
});
afterAll(async () => {
  direct?.disconnect();
  await server?.stop();
});

test("by its fence a hand-over is known to be late", async () => {
  const store = storeOn(server);
  const wakes: Wake[] = [];
  store.onWake((wake) => wakes.push(wake));
  await store.open();
  await until("the subscription", () => wakes.shift());
  await store.look({ taskIds: ["a"], ...NO_SCHEDULES, sleepMs: 1_000 });
  const [channel = ""] = (await direct.call("PUBSUB", "CHANNELS", "*wake:*")) as string[];
  const [seconds = 0, micros = 0] = (await direct.time()).map(Number);
  const now = seconds * 1_000_000 + micros;
  const ages = { none: 0, short: 500_000, long: 1_600_000, ahead: -3_600_000_000 };
  for (const age of Object.values(ages)) {
    await direct.publish(channel, `h${now - age} ${now - age} 1:a{"r":0}\n`);
  }
  const all = await until("all four", () => (wakes.length === 4 ? wakes : null));
  expect(all.map((wake) => wake.kind === "handed" && wake.isLate)).toEqual([
    ...[false, false, true, false],
  ]);
  await store.close();
});

test("a store that is being closed hears of all that it is handed", async () => {
  const pusher = storeOn(server);
  await pusher.open();
  const again = { attempts: 0, waitMs: 1, backoff: "fixed" } as const;
  const rules = { retry: again, priority: 0, timeoutMs: null };
  let handed = 0;
  for (let round = 0; round < 40; round += 1) {
    const taskId = `closing${round}`;
    const store = storeOn(server);
    const wakes: Wake[] = [];
    store.onWake((wake) => wakes.push(wake));
    await store.open();
    await until("the subscription", () => wakes.shift());
    await store.look({ taskIds: [taskId], ...NO_SCHEDULES, sleepMs: 1_000 });
    const pushed = pusher.push({ jobs: [job(taskId, { rules })], timeoutMs: 5_000 });
    await Promise.all([pushed, store.close()]);
    const { running } = await pusher.counts({ taskId });
    expect(wakes.filter(({ kind }) => kind === "handed")).toHaveLength(running);
    handed += running;
  }
  expect(handed).toBeGreaterThan(0);
  await pusher.close();
});

test("what is not known of a shard's clock makes nothing late", () => {
  const clocks = new ShardClocks();
  const batch = { fence: "0001000000000000", taskId: "a" };
  expect(clocks.isLate(batch, 5_000_000)).toBe(false);
  clocks.note(0, { now: 1_000_000_000, at: 1_000 });
  expect(clocks.isLate(batch, 2_000)).toBe(false);
  expect(clocks.isLate(batch, 2_001)).toBe(true);
});
