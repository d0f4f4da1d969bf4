/** Claims about what an idle scheduler costs the server. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ScheduleWrite, Store, Wake } from "../../src/store/contract.js";
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

/** How often each command was carried out since, for clients and inside of scripts. */
async function commands(): Promise<Record<string, number>> {
  const stats = await direct.info("commandstats");
  const lines = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)];
  return Object.fromEntries(
    lines
      .map(([, name = "", calls]) => [name, Number(calls)] as const)
      .filter(([name]) => !NOISE.test(name)),
  );
}

/** What this test sends, and what each connection sends to prove that it lives. */
const NOISE = /^(info|config|ping|publish|client|hello|subscribe)\b/;

/** Commands that read the whole of something. */
const WALK = /^(hgetall|hkeys|hvals|smembers|lrange|z?range.*|keys|[hsz]?scan)$/;

const TASKS = Array.from({ length: 10 }, (_, k) => `t${k}`);

/** Far away, and of ten tasks in turn. */
function schedules(from: number, to: number): ScheduleWrite[] {
  const firstAt = Date.now() + 30 * 86_400_000;
  return Array.from({ length: to - from }, (_, k) => {
    const taskId = TASKS[(from + k) % TASKS.length] ?? "";
    const named = { scheduleId: `s${from + k}`, taskId, digest: "1", definition: "{}" };
    const rules = job(taskId).rules;
    const plain = { payload: "", overlap: "allow", local: false, jitterMs: 0 } as const;
    return { ...named, ...plain, rules, firstAt, decidedAt: null, generation: null };
  });
}

const REGISTRATION = { set: "set", leaseMs: 3_600_000 };
const LOOKS = 20;

/** What so many idle looks make the server do. */
async function costOfLooks(store: Store): Promise<Record<string, number>> {
  const look = async (): Promise<void> => {
    const fireable = { taskIds: TASKS, scheduleIds: [] };
    const args = { taskIds: TASKS, fireable, registration: REGISTRATION, sleepMs: 1_000 };
    expect(await store.look(args)).toMatchObject({ taskIds: [], schedules: [], repair: false });
  };
  // The first one says that it sleeps.
  await look();
  await direct.config("RESETSTAT");
  for (let n = 0; n < LOOKS; n += 1) await look();
  return await commands();
}

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

test("an idle look costs the same with ten schedules and with 20,000", async () => {
  await direct.flushall();
  const store = storeOn(server);
  try {
    await store.open();
    await store.register({ registration: REGISTRATION, schedules: schedules(0, 10) });
    const withTen = await costOfLooks(store);
    await store.register({ registration: REGISTRATION, schedules: schedules(10, 20_000) });
    const page = { taskId: null, cursor: null, limit: 1 };
    expect((await store.schedules(page)).schedules).toHaveLength(1);
    const withMany = await costOfLooks(store);
    // One command of the client each, and few in the script.
    expect(withMany.evalsha).toBe(LOOKS);
    expect(withMany).toEqual(withTen);
    expect(Object.keys(withMany).filter((name) => WALK.test(name))).toEqual([]);
    const total = Object.values(withMany).reduce((sum, calls) => sum + calls, 0);
    expect(total).toBeLessThanOrEqual(LOOKS * 15);
  } finally {
    await store.close();
  }
});
