/**
 * Claims about a server that answers, and does nothing for us: it is busy with a script that does
 * not end, or our user may not run scripts any more. Nothing was done, everybody says why, and all
 * goes on by itself.
 */
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { createScheduler } from "../../src/index.js";
import { startServer } from "../support/servers.js";
import { until } from "../support/until.js";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Case {
  said: string;
  fix: string;
  begin: (admin: Redis, other: Redis) => Promise<unknown>;
  end: (admin: Redis) => Promise<unknown>;
}

const CASES: readonly Case[] = [
  {
    said: "BUSY",
    fix: "SCRIPT KILL",
    begin: async (admin, other) => {
      await admin.config("SET", "busy-reply-threshold", "20");
      other.eval("while true do end", 0).catch(() => {});
      const isBusy = () => admin.get("x").then(() => false, String);
      await until("the server to be busy", isBusy);
    },
    end: (admin) => admin.script("KILL"),
  },
  {
    said: "NOPERM",
    fix: "lacks a right",
    begin: (admin) => admin.call("ACL", "SETUSER", "default", "-evalsha", "-eval"),
    end: (admin) => admin.call("ACL", "SETUSER", "default", "+evalsha", "+eval"),
  },
];

test.each(CASES)("$said: what is refused was not done, and runs once later", async (its) => {
  const server = await startServer();
  endings.push(() => server.stop());
  const { host, port } = server;
  const [admin, other] = [new Redis({ host, port }), new Redis({ host, port })];
  for (const client of [admin, other]) {
    client.on("error", () => {});
    endings.push(() => client.disconnect());
  }
  const options = { logger: false, pushTimeout: "500ms", pollInterval: 100 } as const;
  const scheduler = createScheduler({ ...options, redisConfig: { host, port } });
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

  endings.push(() => its.end(admin).catch(() => {}));
  await its.begin(admin, other);
  for (const id of ["second", "third"]) {
    await expect(scheduler.push("a", { id })).rejects.toMatchObject({
      code: "STORE_REFUSED",
      message: expect.stringContaining(its.said),
      fix: expect.stringContaining(its.fix),
    });
  }
  endFirst();
  await until("it to say so", () => !scheduler.health().ready);
  const { store, reasons } = scheduler.health();
  expect(reasons).toEqual(["the store cannot be reached"]);
  expect(store.lastError).toContain(its.said);

  await its.end(admin);
  const pushed = (id: string) => scheduler.push("a", { id }).catch(() => null);
  for (const id of ["second", "third"]) {
    expect((await until("it to take pushes", () => pushed(id)))?.created).toBe(true);
  }
  await until("all to have ended", () => completed.length === 3);
  expect(ran).toEqual(["first", "second", "third"]);
});
