/** Claims about answers that never arrive: nothing is lost and nothing happens twice. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Store, Wake } from "../../src/store/contract.js";
import { ShardKeys } from "../../src/store/redis/keys.js";
import { scripts } from "../../src/store/redis/scripts.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { drain, job, KEEP, LEASE_MS, NO_SCHEDULES, storeOn } from "./store-kit.js";

let server: TestServer;
let proxy: FaultProxy;
let direct: Redis;
const stores: Store[] = [];

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
  proxy.set("none");
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await proxy.close();
});

async function viaProxy(): Promise<Store> {
  const store = storeOn({ host: "127.0.0.1", port: proxy.port });
  stores.push(store);
  await store.open();
  return store;
}

function near(): Store {
  const store = storeOn({ host: server.host, port: server.port });
  stores.push(store);
  return store;
}

/** Sends one call whose effect takes place and whose answer is lost with the connection. */
async function loseReplyOf<T>(call: () => Promise<T>): Promise<T> {
  proxy.set("mute");
  const replied = proxy.nextReply();
  const result = call();
  result.catch(() => {});
  await replied;
  proxy.set("none");
  proxy.cut();
  return await result;
}

test("a push whose answer was lost is stored once and answered", async () => {
  const store = await viaProxy();
  await store.push({ jobs: [job("a", { payload: '"first"' })], timeoutMs: 5_000 });
  const [answer] = await loseReplyOf(() =>
    store.push({ jobs: [job("a", { payload: '"second"' })], timeoutMs: 5_000 }),
  );
  expect(answer?.created).toBe(true);
  const seen = await drain(near(), "a");
  expect(seen).toEqual(['"first"', '"second"']);
});

test("a push that handed its job over and whose answer was lost does so once", async () => {
  const sleeper = near();
  const wakes: Wake[] = [];
  sleeper.onWake((wake) => wakes.push(wake));
  await sleeper.open();
  await until("its subscription", () => wakes.shift());
  const look = () => sleeper.look({ taskIds: ["a"], ...NO_SCHEDULES, sleepMs: 60_000 });
  await look();
  const store = await viaProxy();
  await store.push({ jobs: [job("warm")], timeoutMs: 5_000 });
  const retry = { attempts: 0, waitMs: 10_000, backoff: "fixed" } as const;
  const rules = { retry, priority: 0, timeoutMs: null };
  proxy.set("mute");
  const pushed = store.push({ jobs: [job("a", { rules })], timeoutMs: 5_000 });
  await until("the job", () => wakes.find(({ kind }) => kind === "handed"));
  // Asleep again before the push is asked about: a second time would find it.
  await look();
  proxy.set("none");
  proxy.cut();
  expect((await pushed)[0]?.created).toBe(true);
  await sleeper.push({ jobs: [job("a")], timeoutMs: 5_000 });
  await until("the next", () => wakes.find(({ kind }) => kind === "task"));
  expect(wakes.filter(({ kind }) => kind === "handed")).toHaveLength(1);
  expect(await sleeper.counts({ taskId: "a" })).toMatchObject({ running: 1, ready: 1 });
});

test("a push whose answer was lost is answered though its job has already finished", async () => {
  const store = await viaProxy();
  await store.push({ jobs: [job("warm")], timeoutMs: 5_000 });
  proxy.set("mute");
  const replied = proxy.nextReply();
  const pushed = store.push({ jobs: [job("a")], timeoutMs: 5_000 });
  await replied;
  const worker = near();
  expect(await drain(worker, "a")).toHaveLength(1);
  proxy.set("none");
  proxy.cut();
  expect((await pushed)[0]?.created).toBe(true);
  expect(await drain(worker, "a")).toEqual([]);
});

test("claimed jobs whose answer was lost reach the claimer, under the same lease", async () => {
  const store = await viaProxy();
  await near().push({
    jobs: [job("a", { payload: "1" }), job("a", { payload: "2" })],
    timeoutMs: 5_000,
  });
  const work = { settles: [], idle: true, leaseMs: LEASE_MS, keep: KEEP };
  await store.work({ ...work, claims: [{ taskId: "other", limit: 1 }] });
  const answer = await loseReplyOf(() =>
    store.work({ ...work, claims: [{ taskId: "a", limit: 10 }] }),
  );
  expect(answer.batches).toHaveLength(1);
  expect(answer.batches[0]?.jobs.map((claimed) => claimed.payload)).toEqual(["1", "2"]);
  const leases = [{ fence: answer.batches[0]?.fence ?? "", taskId: "a" }];
  expect((await store.renew({ leases, progress: [] })).lost).toEqual([]);
});

test("a settle whose answer was lost counts once and is not reported as lost", async () => {
  const store = await viaProxy();
  await store.push({ jobs: [job("a")], timeoutMs: 5_000 });
  const work = { idle: true, leaseMs: LEASE_MS, keep: KEEP };
  const claimed = await store.work({ ...work, settles: [], claims: [{ taskId: "a", limit: 1 }] });
  const batch = claimed.batches[0];
  const settle = {
    fence: batch?.fence ?? "",
    taskId: "a",
    number: batch?.jobs[0]?.number ?? "",
    id: null,
    scheduleId: null,
    outcome: { kind: "completed", result: null } as const,
  };
  const answer = await loseReplyOf(() => store.work({ ...work, settles: [settle], claims: [] }));
  expect(answer.settled).toEqual([{ state: "completed", dueAt: null }]);
  expect((await store.counts({ taskId: "a" })).total.completed).toBe(1);
});

test("pushes under cut connections and lost scripts are all stored, none twice", async () => {
  const store = await viaProxy();
  const wanted: string[] = [];
  const pending: Promise<unknown>[] = [];
  for (let turn = 0; turn < 200; turn += 1) {
    const jobs = Array.from({ length: 20 }, (_, k) => job("a", { payload: `"${turn}-${k}"` }));
    wanted.push(...jobs.map((entry) => entry.payload));
    pending.push(store.push({ jobs, timeoutMs: 15_000 }));
    if (turn % 7 === 3) proxy.cut();
    if (turn % 31 === 5) await direct.script("FLUSH");
    if (turn % 13 === 8) {
      proxy.set("mute");
      await proxy.nextReply();
      proxy.set("none");
      proxy.cut();
    }
    if (turn % 5 === 0) await pending.at(-1);
  }
  await Promise.all(pending);
  const seen = await drain(near(), "a");
  expect(seen.length).toBe(wanted.length);
  expect(new Set(seen)).toEqual(new Set(wanted));
});

test("jobs claimed under cut connections run once each", async () => {
  const payloads = Array.from({ length: 3_000 }, (_, k) => String(k));
  await near().push({ jobs: payloads.map((payload) => job("a", { payload })), timeoutMs: 5_000 });
  const workers = [await viaProxy(), await viaProxy()];
  let running = true;
  const cutting = (async () => {
    while (running) {
      await proxy.nextReply();
      await new Promise<void>((resolve) => void setImmediate(resolve));
      if (Math.random() < 0.02) proxy.cut();
    }
  })();
  const seen = await Promise.all(workers.map((worker) => drain(worker, "a")));
  running = false;
  await direct.ping();
  await workers[0]?.counts({ taskId: "a" });
  await cutting;
  expect(seen.flat().sort()).toEqual([...payloads].sort());
});

test("a resync that arrives late cannot reopen an epoch that is closed", async () => {
  const identity = "0123456789abcdefghij";
  const keys = new ShardKeys({ prefix: "_test:", shard: 0, identity }).base;
  const resync = (epoch: string) =>
    direct.eval(scripts.resync.text, keys.length, ...keys, "push", epoch);
  await resync("1");
  await resync("2");
  await expect(resync("1")).rejects.toThrow("SMQEPOCH");
  expect(await direct.hget(keys.at(-1) ?? "", "push:epoch")).toBe("2");
});
