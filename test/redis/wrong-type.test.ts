/** Claims about a key in which somebody else has put a value: it is told, and others go on. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScheduler } from "../../src/index.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";

let server: TestServer;
let admin: Redis;
beforeAll(async () => {
  server = await startServer();
  admin = new Redis({ host: server.host, port: server.port });
}, 30_000);
afterAll(async () => {
  admin?.disconnect();
  await server?.stop();
});

test("health names what is wrong until it is put right; another task goes on", async () => {
  const redisConfig = { host: server.host, port: server.port };
  const options = { redisPrefix: "_type:", logger: false, pollInterval: 50 } as const;
  const scheduler = createScheduler({ ...options, redisConfig });
  const ran: string[] = [];
  scheduler.on("error", () => {});
  for (const taskId of ["hurt", "sound"]) scheduler.bind(taskId, () => void ran.push(taskId));
  try {
    await scheduler.start();
    await scheduler.push("hurt");
    await until("both to work", () => ran.length === 1);
    const key = "_type:{0}:t:hurt:ready";
    await scheduler.push("hurt", { delay: 50 });
    await admin.set(key, "somebody else's");
    const reason = () => scheduler.health().reasons.find((one) => one.includes("WRONGTYPE"));
    expect(await until("it to be told", reason)).toMatch(/^a loop fails: /);
    expect(scheduler.health()).toMatchObject({ live: true, ready: true });
    await scheduler.push("sound");
    await until("the other one", () => ran.includes("sound"));
    await admin.del(key);
    await until("it to be over", () => scheduler.health().reasons.length === 0);
    await scheduler.push("hurt");
    await until("it to work again", () => ran.filter((one) => one === "hurt").length >= 2);
  } finally {
    await scheduler.stop();
  }
});

test("jobs of another task that a broken claim left in no lease are run all the same", async () => {
  const redisConfig = { host: server.host, port: server.port };
  const options = { redisPrefix: "_left:", logger: false, pollInterval: 50, redisConfig } as const;
  const producer = createScheduler(options);
  const five = Array.from({ length: 5 }, () => ({ retry: true, retryTimeout: "100ms" }) as const);
  await producer.pushMany("sound", five);
  await producer.push("hurt");
  await producer.stop();
  const key = "_left:{0}:t:hurt:ready";
  await admin.set(key, "somebody else's");
  const scheduler = createScheduler({ ...options, lease: "1s" });
  const ran: number[] = [];
  scheduler.on("error", () => {});
  scheduler.bind("sound", () => void ran.push(1)).bind("hurt", () => {});
  try {
    await scheduler.start();
    await until("all to have run, with the damage still there", () => ran.length === 5, 60_000);
    expect(await admin.get(key)).toBe("somebody else's");
  } finally {
    await scheduler.stop();
  }
}, 90_000);
