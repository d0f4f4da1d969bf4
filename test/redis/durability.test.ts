/**
 * Claims about `durability: "fsync"` and `"replicas"`: what was answered is on the server's disk,
 * or on a replica, too; what a server cannot keep is refused when it is opened. `appendfsync no` is
 * a disk that never has anything.
 */
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import type { Durability } from "../../src/core/durability.js";
import { createScheduler } from "../../src/index.js";
import type { SchedulerOptions } from "../../src/types.js";
import { type ServerOptions, startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function serverWith(args: readonly string[], more: ServerOptions = {}): Promise<TestServer> {
  const server = await startServer({ kind: "valkey-server", ...more, args });
  endings.push(() => server.stop());
  return server;
}

function clientOf({ host, port }: TestServer): Redis {
  const client = new Redis({ host, port });
  client.on("error", () => {});
  endings.push(async () => client.disconnect());
  return client;
}

function schedulerOn({ host, port }: TestServer, options: SchedulerOptions = {}) {
  const redisConfig = { host, port };
  const scheduler = createScheduler({ redisConfig, logger: false, pollInterval: 100, ...options });
  scheduler.on("error", () => {});
  endings.push(() => scheduler.stop());
  return scheduler;
}

const AOF = ["--appendonly", "yes", "--appendfsync"];

async function refusalOf(server: TestServer, durability: Durability) {
  const scheduler = schedulerOn(server, { durability });
  const started = await scheduler.start().catch((error: unknown) => error);
  const pushed = await scheduler.push("a").catch((error: unknown) => error);
  expect(started).toMatchObject({ code: "DURABILITY_UNAVAILABLE", value: durability });
  expect(pushed).toMatchObject({ code: "DURABILITY_UNAVAILABLE" });
  expect(await clientOf(server).exists("_schedule_mq:{0}:t:a:jobs")).toBe(0);
  return started;
}

test("a server that cannot keep it is refused, and nothing is pushed to it", async () => {
  const old = await refusalOf(
    await serverWith([...AOF, "always"], { kind: "redis-server" }),
    "fsync",
  );
  expect(old).toMatchObject({ message: expect.stringContaining("has no WAITAOF") });
  const off = await refusalOf(await serverWith(["--appendonly", "no"]), "fsync");
  expect(off).toMatchObject({ message: expect.stringContaining("appendonly is off") });
  const never = await refusalOf(await serverWith([...AOF, "no"]), "fsync");
  expect(never).toMatchObject({
    message: expect.stringContaining("appendfsync is no"),
    fix: expect.stringContaining("always"),
  });
  const single = await refusalOf(await serverWith([...AOF, "always"]), "replicas");
  expect(single).toMatchObject({ fix: expect.stringContaining("start a replica") });
});

test("a user who may not ask the disk is told which rights are missing", async () => {
  const server = await serverWith([...AOF, "always"]);
  await clientOf(server).call(
    ...(["ACL", "SETUSER", "narrow", "on", ">secret", "~*", "&*", "+@all", "-waitaof"] as const),
  );
  const { host, port } = server;
  const redisConfig = { host, port, username: "narrow", password: "secret" };
  const scheduler = schedulerOn(server, { redisConfig, durability: "fsync" });
  await expect(scheduler.start()).rejects.toMatchObject({
    code: "DURABILITY_UNAVAILABLE",
    fix: expect.stringContaining("+waitaof"),
  });
});

/** From here on its disk has nothing that is answered. */
const loseDisk = (client: Redis) => client.config("SET", "appendfsync", "no");

test("a push resolves when the disk has it, and not before", async () => {
  const server = await serverWith([...AOF, "always"]);
  const scheduler = schedulerOn(server, { durability: "fsync", pushTimeout: 400 });
  const client = clientOf(server);
  // Connecting may take longer than the push may.
  await scheduler.start();
  await loseDisk(client);
  await expect(scheduler.push("a", { id: "x" })).rejects.toMatchObject({
    code: "STORE_NO_ANSWER",
    message: expect.stringContaining("disk"),
    fix: expect.stringContaining("id"),
  });
  expect(await client.hlen("_schedule_mq:{0}:t:a:jobs")).toBe(1);
  await client.config("SET", "appendfsync", "always");
  expect((await scheduler.push("a", { id: "x" })).created).toBe(false);
  expect((await scheduler.push("a")).created).toBe(true);
});

test("many pushes share one wait", async () => {
  const server = await serverWith([...AOF, "everysec"]);
  const scheduler = schedulerOn(server, { durability: "fsync" });
  await scheduler.push("a");
  const client = clientOf(server);
  await client.config("RESETSTAT");
  const pushes: Promise<unknown>[] = [];
  // All of them are on their way before the first is answered, however busy the machine is.
  await client.call("CLIENT", "PAUSE", 30_000, "WRITE");
  for (let turn = 0; turn < 50; turn += 1) {
    for (let k = 0; k < 20; k += 1) pushes.push(scheduler.push("a"));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.call("CLIENT", "UNPAUSE");
  await Promise.all(pushes);
  const calls = /cmdstat_waitaof:calls=(\d+)/.exec(await client.info("commandstats"))?.[1];
  expect(Number(calls)).toBeGreaterThan(0);
  // Without sharing it would be one of each turn.
  expect(Number(calls)).toBeLessThan(25);
});

test("what may run only once begins when its claim is on the disk; others need not", async () => {
  const server = await serverWith([...AOF, "always"]);
  const pusher = schedulerOn(server);
  const worker = schedulerOn(server, { durability: "fsync", lease: "500ms" });
  const ran: unknown[] = [];
  worker.bind("a", (data) => void ran.push(data));
  await worker.start();
  await loseDisk(clientOf(server));
  await pusher.push("a", { id: "once", data: "once" });
  for (let k = 0; k < 5; k += 1) await pusher.push("a", { data: k, retry: true });
  await until("the jobs with retry to run", () => ran.length === 5);
  await until("it to be handed back", async () => {
    const job = await pusher.jobs.get("a", "once");
    return (job?.handOffs ?? 0) >= 2;
  });
  expect(ran).not.toContain("once");
  await clientOf(server).config("SET", "appendfsync", "always");
  await until("it to run", () => ran.includes("once"));
  await until("its end", async () => (await pusher.jobs.counts("a")).total.completed === 6);
  expect((await pusher.jobs.counts("a")).total).toMatchObject({ dead: 0, crashes: 0 });
  expect(ran.filter((data) => data === "once")).toHaveLength(1);
});

test("a server that was started again before it confirmed is not believed", async () => {
  const server = await serverWith([...AOF, "always"]);
  const scheduler = schedulerOn(server, { durability: "fsync", pushTimeout: "30s" });
  const client = clientOf(server);
  await scheduler.push("before");
  await loseDisk(client);
  const pushed = scheduler.push("a").catch((error: unknown) => error);
  await until("the job to be there", () => client.hlen("_schedule_mq:{0}:t:a:jobs"));
  await server.crash();
  const { port, folder } = server;
  await serverWith([...AOF, "always"], { port, folder });
  expect(await pushed).toMatchObject({
    code: "STORE_NO_ANSWER",
    message: expect.stringContaining("started again"),
  });
});

test("with replicas a push waits for one, and survives the loss of the primary", async () => {
  const primary = await serverWith([...AOF, "always", "--repl-diskless-sync-delay", "0"]);
  const replica = await serverWith(["--replicaof", "127.0.0.1", String(primary.port)]);
  const beside = clientOf(replica);
  await until("the replica to follow", async () =>
    (await beside.info("replication")).includes("master_link_status:up"),
  );
  const scheduler = schedulerOn(primary, { durability: "replicas", pushTimeout: "2s" });
  await scheduler.push("a", { id: "x" });
  process.kill(replica.pid, "SIGSTOP");
  await expect(scheduler.push("a", { id: "y" })).rejects.toMatchObject({
    code: "STORE_NO_ANSWER",
    message: expect.stringContaining("no replica"),
  });
  process.kill(replica.pid, "SIGCONT");
  expect((await scheduler.push("a", { id: "y" })).created).toBe(false);
  await primary.crash();
  await beside.call("REPLICAOF", "NO", "ONE");
  const after = schedulerOn(replica);
  expect(await after.jobs.get("a", "x")).toMatchObject({ state: "ready" });
  expect(await after.jobs.get("a", "y")).toMatchObject({ state: "ready" });
}, 20_000);

test("the start-up line says what is in force; less than what is required is refused", async () => {
  const lines: string[] = [];
  const note = (_: object, line: string) => void lines.push(line);
  const logger = { debug: note, info: note, warn: note, error: note };
  const lineOf = async (server: TestServer, options: SchedulerOptions) => {
    lines.length = 0;
    const scheduler = schedulerOn(server, { logger, ...options });
    await scheduler.start();
    await scheduler.stop();
    return lines.join("\n");
  };
  const server = await serverWith([...AOF, "everysec"]);
  const client = clientOf(server);
  expect(await lineOf(server, {})).toMatch(
    /appendfsync everysec, noeviction, 0 replicas: durability "store", .* the last 2 s/,
  );
  const fsync = await lineOf(server, { durability: "fsync", requireDurability: "fsync" });
  expect(fsync).toMatch(/durability "fsync", a power cut undoes nothing/);
  expect(fsync).toContain("a second or two");
  await expect(lineOf(server, { requireDurability: "fsync" })).rejects.toMatchObject({
    code: "DURABILITY_TOO_LOW",
    value: "store",
    fix: expect.stringContaining('durability: "fsync"'),
  });
  await client.config("SET", "appendfsync", "always");
  expect(await lineOf(server, { requireDurability: "fsync" })).toContain('durability "fsync"');
  await client.call("ACL", "SETUSER", "default", "-config", "-info");
  expect(await lineOf(server, {})).toContain(
    'eviction unknown, replicas unknown: durability "store", the window of loss is unknown',
  );
  await expect(lineOf(server, { requireDurability: "fsync" })).rejects.toMatchObject({
    code: "DURABILITY_TOO_LOW",
    message: expect.stringContaining("unknown"),
  });
});

test("the embedded store knows the same words", async () => {
  const embedded = (options: SchedulerOptions) => {
    const scheduler = createScheduler({ store: "memory", logger: false, ...options });
    scheduler.on("error", () => {});
    endings.push(() => scheduler.stop());
    return scheduler.start();
  };
  await embedded({ requireDurability: "store" });
  await expect(embedded({ requireDurability: "fsync" })).rejects.toMatchObject({
    code: "DURABILITY_TOO_LOW",
    value: "store",
  });
  expect(() => createScheduler({ store: "memory", durability: "replicas" })).toThrow(
    expect.objectContaining({ code: "OPTION_CONFLICT" }),
  );
});
