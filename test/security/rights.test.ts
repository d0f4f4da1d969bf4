/**
 * What parts that not everybody uses need beside the rights that the contract takes: `doctor()`,
 * `durability`, another database. Each runs as a user with these rights, and takes what
 * protocol/rights.json lists for it, no more and no less.
 */
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { createScheduler, type Scheduler, type SchedulerOptions } from "../../src/index.js";
import { PASSWORD, USER } from "../support/least-rights.js";
import { type Part, RightsRun, type Watched } from "../support/rights-run.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";

const PREFIX = "rights:";
const user = { username: USER, password: PASSWORD };

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

function clientOf({ host, port }: TestServer): Redis {
  const client = new Redis({ host, port, protocol: 2 });
  client.on("error", () => {});
  endings.push(() => client.disconnect());
  return client;
}

async function begin(part: Part, servers: readonly TestServer[]): Promise<RightsRun> {
  const nodes: Watched[] = servers.map((server) => ({ server, admin: clientOf(server) }));
  await Promise.all(nodes.map(({ admin }) => admin.ping()));
  const run = await RightsRun.begin(part, nodes, { prefix: PREFIX });
  endings.push(() => run.close());
  return run;
}

function schedulerOn(redisConfig: object, options: SchedulerOptions = {}): Scheduler {
  const all = { redisConfig: { ...redisConfig, ...user }, redisPrefix: PREFIX, logger: false };
  const scheduler = createScheduler({ ...all, ...options } as SchedulerOptions);
  scheduler.on("error", () => {});
  endings.push(() => scheduler.stop());
  return scheduler;
}

/** A job is pushed, handed over and run, a schedule fires. */
async function works(scheduler: Scheduler): Promise<void> {
  const ran: string[] = [];
  scheduler.bind("task", (_data, { jobId }) => void ran.push(jobId));
  await scheduler.start();
  await scheduler.schedules.upsert("task", { scheduleId: "often", every: "1s" });
  const { id } = await scheduler.push("task");
  await until("the job to run", () => ran.includes(id));
  await until("the schedule to fire", () => ran.some((one) => one !== id));
}

test("doctor() sees all, for a user with its rights", async () => {
  const server = await startServer({ args: ["--appendonly", "yes"] });
  endings.push(() => server.stop());
  const run = await begin("doctor", [server]);
  const scheduler = schedulerOn({ host: server.host, port: server.port });
  await works(scheduler);
  await scheduler.push("lonely");
  const { findings } = await scheduler.doctor();
  expect(findings.filter(({ level }) => level === "unknown")).toEqual([]);
  const { took, listed } = await run.end();
  expect(took).toEqual(listed);
});

test("what was answered is on the disk of a replica, for a user with these rights", async () => {
  const aof = ["--appendonly", "yes", "--appendfsync", "everysec"];
  const delay = ["--repl-diskless-sync-delay", "0"];
  const server = await startServer({ kind: "valkey-server", args: [...aof, ...delay] });
  endings.push(() => server.stop());
  const replicaof = ["--replicaof", server.host, String(server.port)];
  const replica = await startServer({ kind: "valkey-server", args: replicaof });
  endings.push(() => replica.stop());
  const copy = clientOf(replica);
  // Before anybody watches: a replica that comes sends PING, too.
  await until("the replica", async () => /link_status:up/.test(await copy.info("replication")));
  const run = await begin("durability", [server]);
  const { host, port } = server;
  for (const durability of ["replicas", "fsync"] as const) {
    const scheduler = schedulerOn({ host, port }, { durability });
    await works(scheduler);
    await scheduler.stop();
  }
  const { took, listed } = await run.end();
  expect(took).toEqual(listed);
}, 30_000);

test("another database than the first, for a user who may choose it", async () => {
  const server = await startServer();
  endings.push(() => server.stop());
  const run = await begin("db", [server]);
  const { host, port } = server;
  await works(schedulerOn({ host, port, db: 3 }));
  const { took, listed } = await run.end();
  expect(took).toEqual(listed);
});
