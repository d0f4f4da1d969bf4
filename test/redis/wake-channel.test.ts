/** Claims about the connection that wake-ups arrive on: lost or deaf, it is replaced. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, test } from "vitest";
import type { Store, Wake } from "../../src/store/contract.js";
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
