/**
 * Claims about `durability: "fsync"` and `"replicas"` on a Cluster: each answer waits for the disk
 * of the primary that gave it, and for no other. `appendfsync no` is a disk that never has
 * anything.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Durability } from "../../src/core/durability.js";
import { createScheduler } from "../../src/index.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import type { SchedulerOptions } from "../../src/types.js";
import { type ClusterNode, startCluster, type TestCluster } from "../support/cluster.js";
import { until, within } from "../support/until.js";
import { allowPart, chooseVictim, SHARDS } from "./victim.js";

let cluster: TestCluster;
let victim: ClusterNode;
/** Tasks in shards of the victim, and of others. */
let there: string;
let here: string;
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  cluster = await startCluster({ kind: "valkey-server", replicas: 1, nodeTimeoutMs: 60_000 });
  const chosen = await chooseVictim(cluster);
  victim = chosen.node;
  [there = ""] = chosen.there;
  [here = ""] = chosen.elsewhere;
  await allowPart(cluster);
  for (const { client } of cluster.nodes) await client.config("SET", "appendonly", "yes");
}, 60_000);

afterEach(async () => {
  process.kill(victim.server.pid, "SIGCONT");
  for (const end of endings.splice(0).reverse()) await end();
}, 60_000);

afterAll(async () => await cluster?.stop());

/** The disk of the victim, and those of all others. */
async function disks({ victims, others }: { victims: string; others: string }): Promise<void> {
  for (const node of cluster.nodes) {
    await node.client.config("SET", "appendfsync", node === victim ? victims : others);
  }
}

function schedulerWith(durability: Durability, options: SchedulerOptions = {}) {
  const scheduler = createScheduler({
    ...{ redisConfig: cluster.config, redisPrefix: `${endings.length}${durability}:` },
    ...{ logger: false, pollInterval: 100, durability, stopTimeout: "1s", pushTimeout: 1_000 },
    ...options,
  });
  scheduler.on("error", () => {});
  endings.push(() => scheduler.stop());
  return scheduler;
}

/** One that has seen all disks at work: with `appendfsync no` it would not open. */
async function openedWith(durability: Durability, options: SchedulerOptions = {}) {
  await disks({ victims: "always", others: "always" });
  const scheduler = schedulerWith(durability, options);
  await scheduler.push("before", { delay: "1d" });
  return scheduler;
}

const UNKNOWN = { code: "STORE_NO_ANSWER", message: expect.stringContaining("disk") };

test("a push resolves when the disk of its own primary has it", async () => {
  const scheduler = await openedWith("fsync");
  await disks({ victims: "no", others: "always" });
  expect((await scheduler.push(here, { id: "x" })).created).toBe(true);
  await expect(scheduler.push(there, { id: "x" })).rejects.toMatchObject(UNKNOWN);
  await disks({ victims: "always", others: "no" });
  expect((await scheduler.push(there, { id: "x" })).created).toBe(false);
  expect((await scheduler.push(there, { id: "y" })).created).toBe(true);
  await expect(scheduler.push(here, { id: "y" })).rejects.toMatchObject(UNKNOWN);
}, 60_000);

test("jobs of a spread task are told apart by the disks of their shards", async () => {
  const scheduler = await openedWith("fsync");
  scheduler.bind("spread", () => {}, { spread: SHARDS });
  await scheduler.start();
  await disks({ victims: "no", others: "always" });
  const jobs = Array.from({ length: 64 }, (_, n) => ({ id: `job-${n}` }));
  const answers = await scheduler.pushMany("spread", jobs);
  const failed = answers.flatMap((one) => ("error" in one ? [one.error] : []));
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(jobs.length);
  for (const error of failed) expect(error).toMatchObject(UNKNOWN);
  await disks({ victims: "always", others: "always" });
  const again = await scheduler.pushMany("spread", jobs);
  expect(again.every((one) => "created" in one && !one.created)).toBe(true);
}, 60_000);

test("what may run only once begins when its claim is on the disk of its shard", async () => {
  const worker = await openedWith("fsync", { lease: "500ms", redisPrefix: "claims:" });
  const ran: unknown[] = [];
  for (const taskId of [here, there]) worker.bind(taskId, (data) => void ran.push(data));
  await worker.start();
  await disks({ victims: "no", others: "always" });
  const pusher = schedulerWith("store", { redisPrefix: "claims:" });
  await pusher.push(there, { id: "once", data: "there" });
  await pusher.push(here, { data: "here" });
  await until("the one whose disk has it to run", () => ran.includes("here"));
  await until("the other one to be handed back", async () => {
    return ((await pusher.jobs.get(there, "once"))?.handOffs ?? 0) >= 2;
  });
  expect(ran).toEqual(["here"]);
  await disks({ victims: "always", others: "always" });
  await until("it to run", () => ran.includes("there"));
  expect(ran).toEqual(["here", "there"]);
}, 60_000);

test("a primary that does not answer holds up only what is pushed to it", async () => {
  await disks({ victims: "always", others: "always" });
  const scheduler = schedulerWith("fsync");
  await scheduler.push(there);
  process.kill(victim.server.pid, "SIGSTOP");
  const waiting = scheduler.push(there, { id: "x" }).catch((error: unknown) => error);
  expect((await within("a push elsewhere", scheduler.push(here), 900)).created).toBe(true);
  expect(await waiting).toMatchObject({ code: expect.stringMatching(/^STORE_/) });
}, 60_000);

test("a primary that cannot keep it is refused by its address", async () => {
  await disks({ victims: "always", others: "always" });
  await schedulerWith("replicas").push(there);
  await victim.client.config("SET", "appendonly", "no");
  try {
    const started = schedulerWith("fsync").start();
    const { port } = victim.server;
    await expect(started).rejects.toMatchObject({
      code: "DURABILITY_UNAVAILABLE",
      message: expect.stringMatching(new RegExp(`:${port}: appendonly is off`)),
    });
  } finally {
    await victim.client.config("SET", "appendonly", "yes");
    // Until its first file is there a server does not end.
    const isWritten = async () =>
      /aof_rewrite_in_progress:0/.test(await victim.client.info("persistence"));
    await until("its file to be written", isWritten, 20_000);
  }
}, 60_000);

test("what a primary had not confirmed is not confirmed by its replica", async () => {
  const redisPrefix = "failover:";
  const scheduler = await openedWith("fsync", { pushTimeout: "5s", redisPrefix });
  await disks({ victims: "no", others: "always" });
  const pushed = scheduler.push(there, { id: "x" }).catch((error: unknown) => error);
  const jobs = `${redisPrefix}{${shardOfTask(there, SHARDS)}}:t:${there}:jobs`;
  await until("the job to be there", () => victim.client.hlen(jobs));
  const [replica] = await cluster.replicasOf(victim);
  await replica?.client.call("CLUSTER", "FAILOVER", "TAKEOVER");
  const isOther = async () => (await cluster.ownerOf(shardOfTask(there, SHARDS))) === replica;
  await until("the replica to have taken over", isOther, 20_000);
  expect(await pushed).toMatchObject(UNKNOWN);
  expect(await scheduler.push(there, { id: "x" })).toMatchObject({ id: "x" });
}, 60_000);
