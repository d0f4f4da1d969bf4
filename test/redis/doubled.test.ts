/** Hints that are there twice: what a script that broke off half-way may leave behind. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.js";
import { startServer, type TestServer } from "../support/servers.js";
import { drain, job, KEEP, LEASE_MS, storeOn } from "./store-kit.js";

const READY = "_test:{0}:t:mail:ready";
const LEASES = "_test:{0}:lease";

let server: TestServer;
let client: Redis;
let store: Store;

beforeAll(async () => {
  server = await startServer();
  client = new Redis({ host: server.host, port: server.port });
});

afterAll(async () => {
  client.disconnect();
  await server.stop();
});

beforeEach(async () => {
  await client.flushall();
  store = storeOn({ host: server.host, port: server.port });
  await store.open();
});

afterEach(async () => {
  await store.close();
});

async function pushAll(count: number): Promise<void> {
  const jobs = Array.from({ length: count }, (_, k) => job("mail", { payload: String(k) }));
  await store.push({ jobs, timeoutMs: 5_000 });
}

async function claim(limit: number): Promise<string[]> {
  const claims = [{ taskId: "mail", limit }];
  const args = { settles: [], claims, idle: false, leaseMs: LEASE_MS, keep: KEEP };
  const { batches } = await store.work(args);
  return batches.flatMap((batch) => batch.jobs.map((claimed) => claimed.payload));
}

test("a job that is in line once more while it runs is not handed out again", async () => {
  await pushAll(150);
  const line = await client.lrange(READY, 0, -1);
  expect(await claim(120)).toHaveLength(120);
  await client.lpush(READY, ...line.slice(0, 120));
  const next = await claim(150);
  expect(next).toEqual(Array.from({ length: 30 }, (_, k) => String(120 + k)));
});

test("a job that is in line twice is handed out once", async () => {
  await pushAll(200);
  const line = await client.lrange(READY, 0, -1);
  await client.rpush(READY, ...line);
  const payloads = await drain(store, "mail");
  expect(payloads.toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 200 }, (_, k) => String(k)),
  );
});

test("a job that is held by no lease any more is handed out again", async () => {
  await pushAll(2);
  const line = await client.lrange(READY, 0, -1);
  expect(await claim(2)).toEqual(["0", "1"]);
  await client.del(LEASES);
  await client.rpush(READY, ...line);
  expect(await claim(2)).toEqual(["0", "1"]);
});
