/**
 * Claims about a guarantee that is not in force any more after a reconnect: it is told once, for as
 * long as it is so; what runs goes on.
 */
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import { createSchedulerWith } from "../../src/create.js";
import type { Scheduler } from "../../src/index.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import type { SchedulerOptions } from "../../src/types.js";
import { type Recorded, record } from "../loops/scene.js";
import { type ServerOptions, startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";

const AOF = ["--appendonly", "yes", "--appendfsync"];
/** It is asked again every 5 s. */
const AGAIN_MS = 10_000;

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
}, 30_000);

async function serverWith(args: readonly string[], more: ServerOptions = {}): Promise<TestServer> {
  const server = await startServer({ kind: "valkey-server", ...more, args });
  // Last of all: a scheduler that stops has something to tell it.
  endings.unshift(() => server.stop());
  return server;
}

function clientOf({ host, port }: TestServer): Redis {
  const client = new Redis({ host, port, retryStrategy: () => 50 });
  client.on("error", () => {});
  endings.push(async () => client.disconnect());
  return client;
}

interface Told {
  code: string;
  message: string;
}

interface Played {
  scheduler: Scheduler;
  /** Its way to the store, in which a test may stand. */
  way: Recorded;
  errors: Told[];
  lines: string[];
  ran: string[];
}

function play({ host, port }: TestServer, options: SchedulerOptions): Played {
  const errors: Told[] = [];
  const lines: string[] = [];
  const note = (_: object, line: string) => void lines.push(line);
  const logger = { debug: () => {}, info: note, warn: note, error: note };
  const redisConfig = { host, port };
  const { durability = "store" } = options;
  const own = { clock: systemClock, chance: systemChance, identity: systemChance.identity() };
  const store = createRedisStore({ ...own, redis: redisConfig, prefix: "_test:", durability });
  const way = record(store);
  const scheduler = createSchedulerWith({
    store: way.store,
    options: { redisConfig, redisPrefix: "_test:", logger, pushTimeout: "1s", ...options },
  });
  endings.push(() => scheduler.stop());
  const ran: string[] = [];
  scheduler.bind("a", (_data, { jobId }) => void ran.push(jobId));
  scheduler.on("error", (error) => {
    const { code } = error as Error & { code: string };
    // What becomes of a push is told as well.
    if (code.startsWith("DURABILITY_")) errors.push({ code, message: error.message });
  });
  return { scheduler, way, errors, lines, ran };
}

/** The same data on a server with other settings. */
async function restartedWith(server: TestServer, args: readonly string[]): Promise<TestServer> {
  const { port, folder } = server;
  await server.crash();
  return await serverWith(args, { port, folder });
}

test("what was in force at the start and is not after a restart is told, once", async () => {
  const server = await serverWith([...AOF, "always"]);
  const { scheduler, errors, lines, ran } = play(server, {});
  await scheduler.start();
  const admin = clientOf(await restartedWith(server, [...AOF, "everysec"]));
  const { message } = await until("it to be told", () => errors[0], 10_000);
  expect(message).toMatch(/^.*in force at the start was "fsync", but "store" is in force\. /);
  expect(lines).toContainEqual(expect.stringContaining("appendfsync everysec"));
  const { live, ready, reasons } = scheduler.health();
  expect({ live, ready }).toEqual({ live: true, ready: true });
  expect(reasons).toEqual([expect.stringContaining('"store" is in force')]);
  await scheduler.push("a", { id: "x" });
  await until("it to run all the same", () => ran.includes("x"));

  await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  const isBack = (text: string) => text === "the store is back";
  await until("it to be back", () => lines.filter(isBack).length === 2);
  await admin.config("SET", "appendfsync", "always");
  await until("it to be in force", () => scheduler.health().reasons.length === 0, AGAIN_MS);
  expect(lines.at(-1)).toContain("in force again");
  expect(errors.map(({ code }) => code)).toEqual(["DURABILITY_TOO_LOW"]);
}, 40_000);

test("a server that is replaced while a start goes on is asked, too", async () => {
  const server = await serverWith([...AOF, "always"]);
  const { scheduler, way, errors } = play(server, {});
  scheduler.register("a", { cronExpr: "0 0 1 1 *" });
  way.before = async ({ verb }) => {
    if (verb !== "register") return;
    // What is in force was answered, and nothing runs yet.
    way.before = () => {};
    let isBack = false;
    const forget = way.store.onConnection(({ kind }) => {
      isBack = kind === "back";
    });
    await restartedWith(server, [...AOF, "everysec"]);
    await until("it to be connected again", () => isBack, 10_000);
    forget();
  };
  await scheduler.start();
  const { message } = await until("it to be told", () => errors[0], 10_000);
  expect(message).toContain('in force at the start was "fsync", but "store" is in force.');
}, 40_000);

test("less than what is required is told, more than that is not", async () => {
  const server = await serverWith([...AOF, "always"]);
  const strict = play(server, { requireDurability: "fsync" });
  const easy = play(server, { requireDurability: "store" });
  await strict.scheduler.start();
  await easy.scheduler.start();
  await restartedWith(server, [...AOF, "everysec"]);
  const told = await until("it to be told", () => strict.errors[0], 10_000);
  expect(told.message).toContain('requireDurability is "fsync", but "store" is in force.');
  const says = (text: string) => text.includes("appendfsync everysec");
  await until("the other one to say what is", () => easy.lines.some(says));
  expect(easy.scheduler.health().reasons).toEqual([]);
  expect(easy.errors).toEqual([]);
}, 40_000);

test("a disk that cannot be waited for any more is told, and no push is called safe", async () => {
  const server = await serverWith([...AOF, "always"]);
  const { scheduler, errors } = play(server, { durability: "fsync" });
  await scheduler.start();
  const admin = clientOf(await restartedWith(server, ["--appendonly", "no"]));
  const { code, message } = await until("it to be told", () => errors[0], 10_000);
  expect(code).toBe("DURABILITY_UNAVAILABLE");
  expect(message).toContain("appendonly is off");
  expect(scheduler.health().reasons).toEqual([expect.stringContaining("appendonly is off")]);
  await expect(scheduler.push("a")).rejects.toMatchObject({ code: "STORE_NO_ANSWER" });
  await admin.config("SET", "appendonly", "yes");
  await until("it to be in force", () => scheduler.health().reasons.length === 0, AGAIN_MS);
  await scheduler.push("a");
}, 40_000);

test("a replica that is not there after a restart is told, until it is", async () => {
  const quick = ["--repl-diskless-sync-delay", "0"];
  const server = await serverWith([...AOF, "always", ...quick]);
  const follow = ["--replicaof", "127.0.0.1", String(server.port)];
  const replica = await serverWith(follow);
  const inSync = async (client: Redis) => (await client.info("replication")).includes("status:up");
  await until("it to follow", () => inSync(clientOf(replica)));
  const { scheduler, errors } = play(server, { durability: "replicas" });
  await scheduler.start();
  const { port, folder } = replica;
  await replica.crash();
  await restartedWith(server, [...AOF, "always", ...quick]);
  const { message } = await until("it to be told", () => errors[0], 10_000);
  expect(message).toContain("no replica has answered");
  expect(scheduler.health().reasons).toEqual([expect.stringContaining("no replica")]);
  await serverWith(follow, { port, folder });
  await until("it to be in force", () => scheduler.health().reasons.length === 0, 20_000);
  await scheduler.push("a");
}, 60_000);
