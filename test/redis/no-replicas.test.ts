/**
 * Claims about a primary that refuses changes because too few replicas follow it
 * (`min-replicas-to-write`): nothing of what it refuses has been done, and everybody says why.
 */
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { createScheduler } from "../../src/index.js";
import { startServer } from "../support/servers.js";
import { until } from "../support/until.js";

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

test("what is refused for want of replicas was not done, and runs once later", async () => {
  const server = await startServer();
  endings.push(() => server.stop());
  const { host, port } = server;
  const admin = new Redis({ host, port });
  endings.push(async () => admin.disconnect());
  const scheduler = createScheduler({
    ...{ redisConfig: { host, port }, logger: false, pushTimeout: "500ms", pollInterval: 100 },
  });
  endings.push(() => scheduler.stop());
  const ran: string[] = [];
  const completed: string[] = [];
  let endFirst = (): void => {};
  const first = new Promise<void>((resolve) => {
    endFirst = resolve;
  });
  scheduler.on("error", () => {});
  scheduler.on("job:completed", ({ jobId }) => void completed.push(jobId));
  scheduler.bind("a", async (_data, { jobId }) => {
    ran.push(jobId);
    if (jobId === "first") await first;
  });
  await scheduler.start();
  await scheduler.push("a", { id: "first" });
  await until("it to run", () => ran.includes("first"));

  await admin.config("SET", "min-replicas-to-write", "1");
  for (const id of ["second", "third"]) {
    await expect(scheduler.push("a", { id })).rejects.toMatchObject({
      code: "STORE_REFUSED",
      message: expect.stringContaining("NOREPLICAS"),
      fix: expect.stringContaining("min-replicas-to-write"),
    });
  }
  endFirst();
  await until("it to say so", () => !scheduler.health().ready);
  const { store, reasons } = scheduler.health();
  expect(reasons).toEqual(["the store cannot be reached"]);
  expect(store.lastError).toContain("NOREPLICAS");

  await admin.config("SET", "min-replicas-to-write", "0");
  for (const id of ["second", "third"]) {
    expect((await until("it to take pushes", () => pushed(id))).created).toBe(true);
  }
  await until("all to have ended", () => completed.length === 3);
  expect(ran).toEqual(["first", "second", "third"]);

  function pushed(id: string) {
    return scheduler.push("a", { id }).catch(() => null);
  }
});
