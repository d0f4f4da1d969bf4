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
