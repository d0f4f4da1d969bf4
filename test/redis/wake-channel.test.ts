/** Claims about the connection that wake-ups arrive on: lost or deaf, it is replaced. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { type Clock, systemClock } from "../../src/clock.js";
import type { Store, Wake } from "../../src/store/contract.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { job, NO_SCHEDULES, storeOn } from "./store-kit.js";

let server: TestServer;
let direct: Redis;
let proxy: FaultProxy;

const stores: Store[] = [];
function keep(store: Store): Store {
  stores.push(store);
  return store;
}
const target = () => ({ host: "127.0.0.1", port: proxy.port });

beforeAll(async () => {
  server = await startServer();
  direct = new Redis({ host: server.host, port: server.port });
});
afterAll(async () => {
  direct?.disconnect();
  await server?.stop();
});
beforeEach(async () => {
  await direct.flushall();
  proxy = await startFaultProxy(server);
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  proxy.set("none");
  await proxy.close();
});

test("a wake-up channel that is half-open is replaced, and wake-ups arrive again", async () => {
  const store = keep(storeOn(target()));
  const wakes: Wake[] = [];
  store.onWake((wake) => wakes.push(wake));
  await store.open();
  await until("the first subscription", () => wakes.some((wake) => wake.kind === "look"));
  wakes.length = 0;
  const subscribers = async () =>
    (await direct.client("LIST", "TYPE", "PUBSUB")) as unknown as string;
  const before = /id=(\d+)/.exec(await subscribers())?.[1] ?? "";
  // The server forgets the subscription; the client does not notice.
  await direct.client("KILL", "ID", before);
  await until("a new subscription", async () => /id=(\d+)/.exec(await subscribers()) !== null);
  await until("the look after it", () => wakes.some((wake) => wake.kind === "look"));
  await store.look({ taskIds: ["a"], ...NO_SCHEDULES, sleepMs: 1_000 });
  await keep(storeOn(server)).push({ jobs: [job("a")], timeoutMs: 5_000 });
  await until("the wake-up", () => wakes.some((wake) => wake.kind === "task"));
});

test("a wake-up channel that went deaf is replaced in time, also where nobody looks", async () => {
  const store = keep(storeOn(target()));
  const wakes: Wake[] = [];
  store.onWake((wake) => wakes.push(wake));
  await store.open();
  await until("the first subscription", () => wakes.some((wake) => wake.kind === "look"));
  await store.look({ taskIds: ["a"], ...NO_SCHEDULES, sleepMs: 60_000 });
  wakes.length = 0;
  proxy.abandon();
  // The round of a message comes too late for that: the socket itself is asked for a sign.
  await until("a new subscription", () => wakes.some((wake) => wake.kind === "look"), 9_000);
});

/** Between two probes, ms; longer than one may take. */
const PROBE_MS = 3_200;
const BLOCKED_MS = 1_700;

test("a wake-up channel whose answer waits behind a blocked event loop is kept", async () => {
  let probes = 0;
  const block = () => {
    const end = performance.now() + BLOCKED_MS;
    while (performance.now() < end) probes += 1;
  };
  const clock: Clock = {
    ...systemClock,
    after: (ms, run, options) => {
      if (ms !== PROBE_MS || probes > 0) return systemClock.after(ms, run, options);
      // As a handler does it: while something else is read, so that timers come before the answer.
      const probe = () => direct.ping().then(() => [run(), block()]);
      return systemClock.after(50, () => void probe(), options);
    },
  };
  const redis = { host: server.host, port: server.port };
  const parts = { prefix: "_test:", identity: systemChance.identity(), chance: systemChance };
  const store = keep(createRedisStore({ redis, clock, ...parts }));
  const wakes: Wake[] = [];
  store.onWake((wake) => wakes.push(wake));
  await store.open();
  const subscriber = async () => {
    const list = (await direct.client("LIST", "TYPE", "PUBSUB")) as unknown as string;
    return /id=(\d+)/.exec(list)?.[1];
  };
  await until("the first subscription", () => wakes.some((wake) => wake.kind === "look"));
  const before = await subscriber();
  expect(before).toBeDefined();
  await until("the blocked probe", () => probes > 0);
  // Whoever takes the channel for dead ends it some 100 ms later, and looks when it has a new one.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await subscriber()).toBe(before);
  expect(wakes.filter((wake) => wake.kind === "look")).toHaveLength(1);
});
