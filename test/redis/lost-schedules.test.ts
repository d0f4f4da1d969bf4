/** Claims about schedules whose records are lost with their key, and nothing else is. */
import { Redis } from "ioredis";
import { createScheduler } from "schedule-mq";
import { expect, test } from "vitest";
import { startServer } from "../support/servers.js";
import { until } from "../support/until.js";

test("schedules of living programs come back when the key of them all is deleted", async () => {
  const server = await startServer();
  const direct = new Redis({ host: server.host, port: server.port });
  const redisConfig = { host: server.host, port: server.port };
  const scheduler = createScheduler({ redisConfig, pollInterval: 100, logger: false });
  try {
    const ran: number[] = [];
    scheduler.bind("task", (_data, { scheduledFor = 0 }) => void ran.push(scheduledFor));
    scheduler.register("task", { every: 500 });
    await scheduler.start();
    await until("it fires", () => ran.length > 1);
    const [key = ""] = await direct.keys("*:schedules");
    expect(await direct.del(key)).toBe(1);
    const before = ran.length;
    await until("it fires again", () => ran.length > before + 2, 10_000);
    expect(new Set(ran).size, "none twice").toBe(ran.length);
  } finally {
    await scheduler.stop();
    direct.disconnect();
    await server.stop();
  }
});
