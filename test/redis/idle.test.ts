/** Claims about what an idle scheduler costs the server. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Wake } from "../../src/store/contract.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { drain, job, NO_SCHEDULES, storeOn } from "./store-kit.js";

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

/** How often scripts have registered a sleeper of a task; each claim names what it took as well. */
async function registrations({ claims = 0 } = {}): Promise<number> {
  const stats = await direct.info("commandstats");
  return Number(/cmdstat_sadd:calls=(\d+)/.exec(stats)?.[1] ?? 0) - claims;
}

test("an idle scheduler says once for which tasks it sleeps, and again when woken", async () => {
  const store = storeOn(server);
  const wakes: Wake[] = [];
  try {
    store.onWake((wake) => wakes.push(wake));
    await store.open();
    await until("the subscription", () => wakes.some((wake) => wake.kind === "look"));
    const taskIds = Array.from({ length: 50 }, (_, k) => `t${k}`);
    const look = () => store.look({ taskIds, ...NO_SCHEDULES, sleepMs: 1_000 });
    await look();
    expect(await registrations()).toBe(50);
    await look();
    await look();
    expect(await registrations()).toBe(50);

    await store.push({ jobs: [job("t7")], timeoutMs: 5_000 });
    await until("the wake-up", () => wakes.some((wake) => wake.kind === "task"));
    expect(await drain(store, "t7")).toHaveLength(1);
    await look();
    expect(await registrations({ claims: 1 })).toBe(51);
    wakes.length = 0;
    await store.push({ jobs: [job("t7")], timeoutMs: 5_000 });
    await until("the next wake-up", () => wakes.some((wake) => wake.kind === "task"));
  } finally {
    await store.close();
  }
});
