/** Claims about `doctor()` on real servers, each set up wrongly in one way. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import { createSchedulerWith } from "../../src/create.js";
import { createScheduler } from "../../src/index.js";
import type { Finding, Scheduler, SchedulerOptions } from "../../src/types.js";
import { freePort, startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";

let server: TestServer;
let admin: Redis;
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startServer({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
  admin = new Redis({ host: server.host, port: server.port });
}, 30_000);
beforeEach(() => admin.flushall());
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});
afterAll(async () => {
  admin?.disconnect();
  await server?.stop();
});

function schedulerOn(target: object, options: SchedulerOptions = {}): Scheduler {
  const redisConfig = { host: server.host, port: server.port, ...target };
  const scheduler = createScheduler({ redisConfig, logger: false, ...options });
  scheduler.on("error", () => {});
  endings.push(() => scheduler.stop());
  return scheduler;
}

async function found(scheduler: Scheduler): Promise<Record<string, Finding>> {
  const { findings } = await scheduler.doctor();
  return Object.fromEntries(findings.map((finding) => [finding.code, finding]));
}

/** One setting, for as long as this test takes. */
async function setting(name: string, value: string): Promise<void> {
  const [, before = ""] = (await admin.config("GET", name)) as string[];
  await admin.config("SET", name, value);
  endings.push(() => admin.config("SET", name, before));
}

test("a sound server has nothing to be mended, and nothing is written to it", async () => {
  const scheduler = schedulerOn({});
  const { ok, findings } = await scheduler.doctor();
  expect(ok).toBe(true);
  expect(await admin.dbsize()).toBe(0);
  await scheduler.start();
  const bad = (await scheduler.doctor()).findings.filter(
    ({ level }) => level !== "ok" && level !== "info",
  );
  expect(bad).toEqual([]);
  expect(findings.map(({ code }) => code).sort()).toEqual([
    ...["CLOCK_SKEW", "DISK_WRITES", "EVICTION", "FSYNC", "LAYOUT", "MEMORY", "PERSISTENCE"],
    ...["REPLICAS", "RIGHTS", "SERVER_VERSION", "STORE_REACHABLE", "UNBOUND_TASKS"],
  ]);
  for (const { level, fix, meaning } of findings) {
    expect(meaning).not.toBe("");
    if (level === "warning" || level === "error") expect(fix).not.toBe("");
  }
});

test("a server that is not there is a finding, not a rejection", async () => {
  const report = await schedulerOn({ port: await freePort() }).doctor();
  expect(report.ok).toBe(false);
  expect(report.findings).toMatchObject([
    { code: "STORE_REACHABLE", level: "error", value: "STORE_UNREACHABLE" },
  ]);
});

test("a wrong password is told, and stands in no finding", async () => {
  const report = await schedulerOn({ username: "nobody", password: "hidden-word" }).doctor();
  expect(report.findings).toMatchObject([{ code: "STORE_REACHABLE", level: "error" }]);
  expect(JSON.stringify(report)).not.toContain("hidden-word");
});

test.each([
  ["maxmemory-policy", "allkeys-lru", "EVICTION", "error", "allkeys-lru"],
  ["maxmemory-policy", "volatile-ttl", "EVICTION", "warning", "volatile-ttl"],
  ["appendonly", "no", "PERSISTENCE", "error", "none"],
  ["appendfsync", "no", "FSYNC", "warning", "no"],
  ["appendfsync", "everysec", "FSYNC", "info", "everysec"],
] as const)("%s %s is found", async (name, value, code, level, seen) => {
  await setting(name, value);
  expect((await found(schedulerOn({})))[code]).toMatchObject({ level, value: seen });
});

test("snapshots alone are less than a file of all changes", async () => {
  await setting("appendonly", "no");
  await setting("save", "900 1");
  expect((await found(schedulerOn({}))).PERSISTENCE).toMatchObject({
    level: "warning",
    value: "rdb",
  });
});

test("memory that is nearly used up is found", async () => {
  const used = Number(/used_memory:(\d+)/.exec(await admin.info("memory"))?.[1]);
  await setting("maxmemory", String(Math.round(used * 1.12)));
  expect((await found(schedulerOn({}))).MEMORY?.level).toBe("warning");
  await admin.config("SET", "maxmemory", String(Math.round(used * 0.9)));
  expect((await found(schedulerOn({}))).MEMORY).toMatchObject({ level: "error" });
});

test("a durability that cannot be kept is found, and so is a replica as target", async () => {
  const wanting = schedulerOn({}, { durability: "replicas" });
  expect((await found(wanting)).REPLICAS).toMatchObject({ level: "error", value: 0 });
  await setting("appendonly", "no");
  expect((await found(wanting)).FSYNC).toMatchObject({ level: "error", value: "off" });
  const { host, port } = server;
  const replica = await startServer({ args: ["--replicaof", host, String(port)] });
  endings.push(() => replica.stop());
  expect((await found(schedulerOn({ port: replica.port }))).REPLICAS).toMatchObject({
    level: "error",
    value: "slave",
  });
});

test("each right that is missing is named", async () => {
  await admin.call(
    ...(["ACL", "SETUSER", "lame", "on", ">secret", "~*", "&*", "+@all"] as const),
    ...["-lpop", "-script|load", "-zadd"],
  );
  const { RIGHTS } = await found(schedulerOn({ username: "lame", password: "secret" }));
  expect(RIGHTS).toMatchObject({ level: "error", value: ["lpop", "script|load", "zadd"] });
  expect(RIGHTS?.fix).toContain("+lpop");
  await admin.call(
    ...(["ACL", "SETUSER", "apart", "on", ">secret", "~other:*", "&*", "+@all"] as const),
  );
  const apart = (await found(schedulerOn({ username: "apart", password: "secret" }))).RIGHTS;
  expect(apart?.value).toContain("hset");
});

test("what is hidden is unknown, never guessed", async () => {
  await admin.call(
    ...(["ACL", "SETUSER", "blind", "on", ">secret", "~*", "&*", "+@all"] as const),
    ...["-info", "-config", "-acl", "-time", "-zrangebyscore", "-hget"],
  );
  const findings = await found(schedulerOn({ username: "blind", password: "secret" }));
  const { STORE_REACHABLE, ...others } = findings;
  expect(STORE_REACHABLE?.level).toBe("ok");
  for (const finding of Object.values(others)) {
    expect(finding).toMatchObject({ level: "unknown", fix: expect.stringMatching(/right/) });
    expect(finding).not.toHaveProperty("value");
  }
});

test("layouts of other versions are found, and left as they are", async () => {
  const key = "_schedule_mq:{0}:layout";
  const layoutAs = async (version: string) => {
    await admin.hset(key, "version", version);
    return (await found(schedulerOn({}))).LAYOUT;
  };
  expect(await layoutAs("2")).toMatchObject({ level: "warning", value: 2 });
  expect(await layoutAs("99")).toMatchObject({ level: "error", value: 99 });
  expect(await layoutAs("junk")).toMatchObject({ level: "error", value: "junk" });
  expect(await admin.hgetall(key)).toEqual({ version: "junk" });
});

test("clocks that disagree are found", async () => {
  const clock = { ...systemClock, now: () => systemClock.now() + 90_000 };
  const { host, port } = server;
  const options = { redisConfig: { host, port }, logger: false };
  const scheduler = createSchedulerWith({ options, clock, chance: systemChance });
  endings.push(() => scheduler.stop());
  const { CLOCK_SKEW } = await found(scheduler);
  expect(CLOCK_SKEW?.level).toBe("warning");
  expect(CLOCK_SKEW?.value).toBeGreaterThan(-91_000);
  expect(CLOCK_SKEW?.value).toBeLessThan(-89_000);
  expect(CLOCK_SKEW?.meaning).toContain("behind");
});

test("a task with jobs is unbound until somebody has bound it", async () => {
  const pusher = schedulerOn({});
  await pusher.push("lonely");
  await pusher.push("idle");
  await pusher.push("busy");
  const worker = schedulerOn({}, { pollInterval: 100 });
  let end = (): void => {};
  const working = new Promise<void>((resolve) => {
    end = resolve;
  });
  endings.push(async () => end());
  worker.bind("idle", () => {});
  worker.bind("busy", () => working, { concurrency: 1 });
  await worker.start();
  await pusher.push("busy");
  await until("both to be claimed", async () => (await pusher.jobs.counts("busy")).running === 1);
  expect((await found(pusher)).UNBOUND_TASKS).toMatchObject({
    level: "warning",
    value: ["lonely"],
    meaning: expect.stringContaining('"lonely"'),
  });
  await pusher.jobs.list("lonely", { state: "ready" }).then(async ({ jobs }) => {
    for (const { id } of jobs) await pusher.jobs.cancel("lonely", id);
  });
  expect((await found(pusher)).UNBOUND_TASKS?.level).toBe("ok");
});
