/**
 * No script is longer than a few hundred jobs make it, however much stands in the store: what a
 * call may touch is counted, by what it gives and by the commands that the server has run for it.
 */
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createScheduler } from "../../src/index.js";
import type { ClaimedBatch, NewJob, Settle, Store } from "../../src/store/contract.js";
import { testScripts } from "../../src/store/redis/testing-scripts.js";
import { job, KEEP, LEASE_MS, NO_SCHEDULES, storeOn } from "../redis/store-kit.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";

const TASK = "t";
const HOUR_MS = 3_600_000;
const RETRY = { attempts: 0, waitMs: 60_000, backoff: "fixed" as const };

let server: TestServer;
let client: Redis;
let store: Store;

beforeAll(async () => {
  server = await startServer();
  client = new Redis({ host: server.host, port: server.port });
}, 30_000);

beforeEach(async () => {
  await client.flushall();
  store = storeOn({ host: server.host, port: server.port });
  await store.open();
  return async () => await store.close();
});

afterAll(async () => {
  client?.disconnect();
  await server?.stop();
});

async function push(count: number, make: (n: number) => Partial<NewJob> = () => ({})) {
  for (let from = 0; from < count; from += 1_000) {
    const length = Math.min(1_000, count - from);
    const jobs = Array.from({ length }, (_, k) => job(TASK, make(from + k)));
    await store.push({ jobs, timeoutMs: 10_000 });
  }
}

async function work(limit: number, settles: readonly Settle[] = [], leaseMs = LEASE_MS) {
  const claims = limit === 0 ? [] : [{ taskId: TASK, limit }];
  return await store.work({ settles, claims, idle: false, leaseMs, keep: KEEP });
}

function completed(batches: readonly ClaimedBatch[]): Settle[] {
  return batches.flatMap(({ fence, taskId, jobs }) =>
    jobs.map(({ number, id, ownId, occurrence }) => ({
      ...{ fence, taskId, number, id: ownId ? id : null },
      scheduleId: occurrence?.isTracked ? occurrence.scheduleId : null,
      outcome: { kind: "completed", result: null } as const,
    })),
  );
}

/** Scripts that the server ran meanwhile, and commands inside of them. */
async function counted(run: () => Promise<unknown>): Promise<{ scripts: number; inside: number }> {
  await client.config("RESETSTAT");
  await run();
  const stats = await client.info("commandstats");
  let [scripts, inside] = [0, 0];
  for (const [, name, calls] of stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)) {
    if (name === "evalsha") scripts = Number(calls);
    else if (name !== "config|resetstat" && name !== "info") inside += Number(calls);
  }
  return { scripts, inside };
}

test("thousands that are due at once join the line in pieces", async () => {
  // By a clock that is moved: however slow the pushes are, nothing is due before all are stored.
  await store.close();
  store = storeOn({ host: server.host, port: server.port }, "_test:", testScripts);
  await store.open();
  const dueAt = Date.now() + HOUR_MS;
  await push(2_200, (n) => ({
    due: { at: dueAt },
    rules: { retry: null, priority: n % 2, timeoutMs: null },
  }));
  await client.set("_test:{0}:test:offset", HOUR_MS + 1);
  let left = 2_200;
  let batches: ClaimedBatch[] = [];
  while (left > 0 || batches.length > 0) {
    const { inside } = await counted(async () => {
      ({ batches } = await work(500, completed(batches)));
    });
    const { scheduled } = await store.counts({ taskId: TASK });
    expect(left - scheduled).toBeLessThanOrEqual(500);
    expect(inside).toBeLessThan(200);
    left = scheduled;
  }
  const kinds = ["jobs", "later", "due", "ready", "prio", "claimed", "tries", "ids"];
  const keys = kinds.map((kind) => `_test:{0}:t:${TASK}:${kind}`);
  expect(await client.exists(...keys, "_test:{0}:lease", "_test:{0}:leases")).toBe(0);
});

test("hundreds of leases are renewed by several scripts, each job's progress by one", async () => {
  await push(180);
  const batches: ClaimedBatch[] = [];
  for (let n = 0; n < 180; n += 1) batches.push(...(await work(1)).batches);
  const leases = batches.map(({ fence, taskId }) => ({ fence, taskId }));
  const progress = batches.map(({ fence, taskId, jobs }, n) => ({
    ...{ fence, taskId, number: jobs[0]?.number ?? "", value: `{"n":${n}}` },
  }));
  await store.cancel({ taskId: TASK, id: batches[170]?.jobs[0]?.id ?? "", keep: KEEP });
  const gone = { fence: "1234", taskId: TASK };
  let renewed = {} as Awaited<ReturnType<Store["renew"]>>;
  const { scripts, inside } = await counted(async () => {
    renewed = await store.renew({ leases: [...leases, gone], progress });
  });
  expect(scripts).toBe(4);
  expect(inside / scripts).toBeLessThan(220);
  expect(renewed.lost).toEqual([gone]);
  expect(renewed.cancelled).toMatchObject([{ fence: batches[170]?.fence }]);
  const shown = await store.get({ taskId: TASK, id: batches[99]?.jobs[0]?.id ?? "" });
  expect(shown?.progress).toBe('{"n":99}');
});

test("expired leases are taken back about a hundred jobs at a time", async () => {
  await push(500, () => ({ rules: { retry: RETRY, priority: 0, timeoutMs: null } }));
  await work(500, [], 300);
  let taken = 0;
  await until("all are taken back", async () => {
    const { expired } = await store.look({ taskIds: [], sleepMs: 50, ...NO_SCHEDULES });
    if (expired.length === 0) return false;
    const reaped = await store.reap({ leases: expired, random: 0.5, keep: KEEP });
    expect(reaped.length).toBeLessThanOrEqual(149);
    taken += reaped.length;
    return taken === 500;
  });
});

test("jobs with ids end more than a hundred in a script", async () => {
  await push(700, (n) => ({ id: `job ${n}` }));
  const { batches } = await work(700);
  const { scripts } = await counted(async () => {
    const { settled } = await work(0, completed(batches));
    expect(settled).toHaveLength(700);
    expect(settled.every((each) => each !== "lost" && each.state === "completed")).toBe(true);
  });
  expect(scripts).toBe(5);
});

test("the end of a tracked job costs the same with hundreds open", async () => {
  const schedule = {
    ...{ scheduleId: "s", taskId: TASK, definition: "{}", digest: "0123456789abcdef" },
    ...{ payload: "", overlap: "skip" as const, local: false, jitterMs: 0, firstAt: 4e12 },
    ...{ rules: job(TASK).rules, decidedAt: null, generation: null },
  };
  await store.register({ registration: null, schedules: [schedule] });
  const trigger = (from: number, count: number) =>
    store.trigger({
      ...{ scheduleId: "s", overlap: "allow" as const, keep: KEEP },
      instants: Array.from({ length: count }, (_, k) => 1e12 + (from + k) * 1_000),
    });
  for (let from = 0; from < 400; from += 50) await trigger(from, 50);
  const one = await counted(() => trigger(400, 1));
  expect(one.inside).toBeLessThan(40);
  const { batches } = await work(30);
  const { inside } = await counted(() => work(0, completed(batches)));
  expect(inside / 30).toBeLessThan(15);
  const detail = await store.schedule({ scheduleId: "s" });
  expect(detail?.open).toHaveLength(371);
});

test("a page is read in pieces, and pages together show each job once", async () => {
  await push(6_500);
  const shown = new Set<string>();
  let cursor: string | null = null;
  do {
    const args = { taskId: TASK, state: "ready" as const, cursor, limit: 1_000 };
    let page = {} as Awaited<ReturnType<Store["list"]>>;
    const { scripts, inside } = await counted(async () => {
      page = await store.list(args);
    });
    expect(inside / scripts).toBeLessThan(200 * 12);
    if (page.cursor !== null) expect([scripts, page.jobs.length]).toEqual([5, 1_000]);
    for (const { number } of page.jobs) shown.add(number);
    cursor = page.cursor;
  } while (cursor !== null);
  expect(shown.size).toBe(6_500);
});

test("mending many leases goes on where it stopped, and finds what has none", async () => {
  await push(700);
  for (let n = 0; n < 350; n += 1) await work(2);
  const [leases] = [await client.hgetall("_test:{0}:lease")];
  const [fence] = Object.keys(leases);
  await client.hdel("_test:{0}:lease", fence ?? "");
  await client.zrem("_test:{0}:leases", fence ?? "");
  let place = "";
  let running = 0;
  do {
    const { inside } = await counted(async () => {
      const answer = await store.mend({ taskId: TASK, urgent: true, place });
      place = answer.place;
      running += answer.mended.running ?? 0;
    });
    expect(inside).toBeLessThan(1_500);
  } while (place !== "");
  expect(running).toBe(2);
});

test("schedulers that ran thousands at once leave no timer and no listener behind", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = { timers: timers(), listeners: process.listenerCount("SIGTERM") };
  const ran = new Set<string>();
  const redisConfig = { host: server.host, port: server.port };
  const fleet = [0, 1].map(() => {
    const scheduler = createScheduler({ redisConfig, logger: false, renewFrom: "main" });
    scheduler.bind(TASK, async (_, { jobId }) => void ran.add(jobId), { concurrency: 50 });
    return scheduler;
  });
  await Promise.all(fleet.map((scheduler) => scheduler.start()));
  const runAt = Date.now() + 1_000;
  await fleet[0]?.pushMany(
    TASK,
    Array.from({ length: 3_000 }, () => ({ runAt })),
  );
  await until("all have run", () => ran.size === 3_000, 20_000);
  await Promise.all(fleet.map((scheduler) => scheduler.stop()));
  await until("what they used is gone", () => timers() <= before.timers);
  expect(process.listenerCount("SIGTERM")).toBe(before.listeners);
}, 30_000);
