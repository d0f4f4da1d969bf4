/** A store that goes back in time: what it answers is never taken for something else. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { startServer, type TestServer } from "../support/servers.js";
import { drain, job, storeOn } from "./store-kit.js";

let server: TestServer;
let proxy: FaultProxy;
let direct: Redis;
let store: Store;

beforeAll(async () => {
  server = await startServer();
  direct = new Redis({ host: server.host, port: server.port });
  proxy = await startFaultProxy(server);
  store = storeOn({ host: "127.0.0.1", port: proxy.port });
  await store.open();
});
afterAll(async () => {
  direct?.disconnect();
  await store?.close();
  await proxy?.close();
  await server?.stop();
});

const push = (payload: string) =>
  store.push({ jobs: [job("a", { payload })], timeoutMs: 5_000 }).then(
    () => "stored",
    ({ code }: { code: string }) => code,
  );

/** All keys as they are; the answer puts them back. */
async function snapshot(): Promise<() => Promise<void>> {
  const keys = await direct.keys("*");
  const values = await Promise.all(keys.map((key) => direct.dumpBuffer(key)));
  return async () => {
    await direct.flushall();
    await Promise.all(keys.map((key, n) => direct.restore(key, 0, values[n] ?? "")));
  };
}

test("a push without an answer is not told an older one's, nor said to be stored", async () => {
  for (let n = 0; n < 6; n += 1) expect(await push(`"early ${n}"`)).toBe("stored");
  const goBack = await snapshot();
  // After a lost connection calls are numbered anew.
  proxy.cut();
  expect(await push('"forgotten"')).toBe("stored");
  proxy.set("blackHole");
  const lost = push('"lost"');
  await goBack();
  proxy.set("none");
  proxy.cut();
  const fate = await lost;
  const later = await push('"later"');
  const there = await drain(store, "a");
  expect(later).toBe("stored");
  expect(there).toContain('"later"');
  expect({ fate, isThere: there.includes('"lost"') }).toEqual(
    fate === "stored" ? { fate, isThere: true } : { fate: "STORE_NO_ANSWER", isThere: false },
  );
});
