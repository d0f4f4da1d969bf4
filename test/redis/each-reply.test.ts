/**
 * One day in the life of a scheduler, again and again: each time another reply of the server is
 * lost with its connection, the first, the second, and so on until there is none left to lose. It
 * ends the same way each time: every call is done once, also one that is made again.
 */
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScheduler, type Scheduler, SchedulerError } from "../../src/index.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";

/** So many days are lived at once, each under a prefix of its own. */
const AT_ONCE = 6;
const BEGUN = ["again 1", "again 2", "dead 1", "late 1", "once 1", "plan 1", "plan 1"];
/** Fewer replies than this has no day; those that arrive together count as one. */
const FEWEST = 20;

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

/** As everybody should: what is not known to be done is done again. */
async function surely<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      const code = error instanceof SchedulerError ? error.code : "";
      if (!["STORE_NO_ANSWER", "STORE_UNREACHABLE"].includes(code) || tries === 5) throw error;
    }
  }
}

interface Day {
  /** Each attempt that began, in order of its job's name. */
  began: string[];
  states: Record<string, string | null>;
  total: object;
}

async function live(scheduler: Scheduler): Promise<Day> {
  const began: string[] = [];
  scheduler.on("error", () => {});
  scheduler.bind("task", (_data, { jobId, attempt, scheduleId }) => {
    began.push(`${scheduleId ?? jobId} ${attempt}`);
    if (jobId === "again" && attempt === 1) throw new Error("once more");
    if (jobId === "dead") throw new Error("never");
  });
  await scheduler.start();
  const push = (id: string, more: object) => surely(() => scheduler.push("task", { id, ...more }));
  await push("once", {});
  await push("again", { retry: true, retryTimeout: 1 });
  await push("dead", {});
  await push("late", { delay: 20 });
  await push("never", { delay: "1h" });
  await surely(() => scheduler.jobs.cancel("task", "never"));
  const plan = { scheduleId: "plan", every: 100, limit: 2 } as const;
  await surely(() => scheduler.schedules.upsert("task", plan));
  await surely(() => scheduler.schedules.pause("plan"));
  await surely(() => scheduler.schedules.resume("plan"));
  const ids = ["once", "again", "dead", "late", "never"];
  const stateOf = async (id: string) =>
    (await surely(() => scheduler.jobs.get("task", id)))?.state ?? null;
  const isOver = async () => {
    const { ready, running, scheduled } = await surely(() => scheduler.jobs.counts("task"));
    return began.length === BEGUN.length && ready + running + scheduled === 0;
  };
  await until("all to have ended", isOver, 20_000);
  const states = Object.fromEntries(
    await Promise.all(ids.map(async (id) => [id, await stateOf(id)] as const)),
  );
  const { total } = await surely(() => scheduler.jobs.counts("task"));
  await surely(() => scheduler.schedules.remove("plan"));
  await scheduler.stop();
  return { began: began.sort(), states, total };
}

/** Loses the n-th reply; resolves when it is lost. */
async function lose(proxy: FaultProxy, n: number): Promise<void> {
  for (let passed = 1; passed < n; passed += 1) await proxy.nextReply();
  proxy.set("mute");
  await proxy.nextReply();
  proxy.set("none");
  proxy.cut();
}

async function dayWithout(n: number): Promise<{ n: number; isLost: boolean; day: Day }> {
  const proxy = await startFaultProxy(server);
  const redisConfig = { host: "127.0.0.1", port: proxy.port };
  const options = { redisPrefix: `day-${n}:`, logger: false, pollInterval: 50 } as const;
  const scheduler = createScheduler({ ...options, redisConfig });
  let isLost = false;
  void lose(proxy, n).then(() => {
    isLost = true;
  });
  try {
    return { n, day: await live(scheduler), isLost };
  } finally {
    await scheduler.stop();
    await proxy.close();
  }
}

test("a day ends the same way, whichever reply of it is lost", async () => {
  const { day: whole } = await dayWithout(1_000_000);
  expect(whole.began).toEqual(BEGUN);
  expect(whole.states).toMatchObject({ dead: "dead", never: "cancelled" });
  let lost = 0;
  for (let first = 1; ; first += AT_ONCE) {
    const ns = Array.from({ length: AT_ONCE }, (_, k) => first + k);
    const days = await Promise.all(ns.map(dayWithout));
    for (const { n, day } of days) expect({ n, ...day }).toEqual({ n, ...whole });
    const hits = days.filter(({ isLost }) => isLost).length;
    if (hits === 0) break;
    lost += hits;
  }
  expect(lost).toBeGreaterThan(FEWEST);
  console.log(`${lost} replies, each lost once`);
}, 170_000);
