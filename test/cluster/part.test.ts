/**
 * Claims about a scheduler that is started while one primary of a Cluster does not answer: what
 * lives in the other shards works and can be changed, what lives there joins when it is back.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createScheduler, type Scheduler } from "../../src/index.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import type { SchedulerOptions } from "../../src/types.js";
import { type ClusterNode, startCluster, type TestCluster } from "../support/cluster.js";
import { until, within } from "../support/until.js";
import { allowPart, chooseVictim, SHARDS } from "./victim.js";

let cluster: TestCluster;
let victim: ClusterNode;
/** A task in a shard of the victim, and two in other shards. */
let away: string;
let here: string;
let other: string;
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0, nodeTimeoutMs: 60_000 });
  await allowPart(cluster);
  const { node, there, elsewhere } = await chooseVictim(cluster);
  victim = node;
  [away = ""] = there;
  [here = "", other = ""] = elsewhere;
}, 60_000);

afterEach(async () => {
  process.kill(victim.server.pid, "SIGCONT");
  for (const end of endings.splice(0).reverse()) await end();
}, 60_000);

afterAll(async () => await cluster?.stop());

interface Played {
  scheduler: Scheduler;
  ran: Set<string>;
  fired: Map<string, number>;
  told: string[];
}

function play(prefix: string, options: SchedulerOptions = {}): Played {
  const scheduler = createScheduler({
    ...{ redisConfig: cluster.config, redisPrefix: prefix, logger: false, stopTimeout: "2s" },
    ...options,
  });
  endings.push(() => scheduler.stop());
  const ran = new Set<string>();
  const fired = new Map<string, number>();
  const told: string[] = [];
  scheduler.on("error", () => {});
  scheduler.on("store:lost", () => void told.push("lost"));
  scheduler.on("store:back", ({ emptied }) => void told.push(emptied ? "emptied" : "back"));
  for (const taskId of [away, here, other]) {
    scheduler.bind(taskId, (_data, { jobId, scheduleId }) => {
      if (scheduleId === undefined) ran.add(jobId);
      else fired.set(scheduleId, (fired.get(scheduleId) ?? 0) + 1);
    });
  }
  return { scheduler, ran, fired, told };
}

async function runs({ scheduler, ran }: Played, taskId: string, id: string): Promise<void> {
  await scheduler.push(taskId, { id });
  await until("it to run", () => ran.has(id), 10_000);
}

test("what lives in other shards works from the start, and the rest joins", async () => {
  const before = play("joins:");
  before.scheduler.register(here, { every: "500ms" });
  await before.scheduler.start();
  await runs(before, away, "before");
  await until("it to fire", () => before.fired.get(here));
  await before.scheduler.stop();

  process.kill(victim.server.pid, "SIGSTOP");
  const late = play("joins:");
  late.scheduler.register(here, { every: "500ms" });
  late.scheduler.register(other, { every: "500ms" });
  late.scheduler.register(away, { every: "500ms" });
  await within("the start", late.scheduler.start(), 15_000);
  const { port } = victim.server;
  const named = expect.stringMatching(new RegExp(`^shards [\\d, ]+ of 16 at .*:${port} `));
  expect(late.scheduler.health()).toMatchObject({ live: true, ready: true, reasons: [named] });
  expect(late.told).toEqual(["lost"]);
  await runs(late, here, "during");
  await runs(late, other, "during too");
  await until("what is known to fire", () => (late.fired.get(here) ?? 0) > 2);
  const waiting = late.scheduler.push(away, { id: "waits" });
  // A new definition is looked for in all shards first.
  expect([...late.fired.keys()]).toEqual([here]);

  process.kill(victim.server.pid, "SIGCONT");
  await until("it to be whole", () => late.scheduler.health().store.connected, 5_000);
  await waiting.catch(() => late.scheduler.push(away, { id: "waits" }));
  await until("it to run there", () => late.ran.has("waits"), 5_000);
  await until("all to fire", () => late.fired.get(away) && late.fired.get(other), 20_000);
  expect(late.told).toEqual(["lost", "back"]);
  expect(late.scheduler.health().reasons).toEqual([]);
}, 90_000);

test("schedules whose shards are there can be changed while another one is away", async () => {
  const before = play("change:");
  before.scheduler.register(other, { every: "1h" });
  await before.scheduler.start();
  const { upsert } = before.scheduler.schedules;
  await upsert(here, { scheduleId: "moves", every: "1h" });
  await upsert(here, { scheduleId: "changes", every: "1h" });
  await upsert(other, { scheduleId: "goes", every: "1h" });
  await upsert(away, { scheduleId: "is away", every: "1h" });
  await before.scheduler.stop();

  process.kill(victim.server.pid, "SIGSTOP");
  const late = play("change:");
  late.scheduler.register(other, { every: "500ms" });
  late.scheduler.register(here, { every: "500ms" });
  await within("the start", late.scheduler.start(), 15_000);
  // One in code that is changed, beside one that is new.
  await until("it to fire", () => late.fired.get(other), 20_000);
  const { schedules } = late.scheduler;
  await schedules.upsert(here, { scheduleId: "changes", every: "500ms" });
  await schedules.upsert(other, { scheduleId: "moves", every: "500ms" });
  const both = () => late.fired.get("changes") && late.fired.get("moves");
  await until("both to fire", both, 20_000);
  await schedules.pause("moves");
  expect(await schedules.get("moves")).toMatchObject({ taskId: other, paused: { until: null } });
  expect(await schedules.trigger("goes")).toMatchObject({ outcome: "fired" });
  expect(await schedules.remove("goes")).toBe(true);
  const isAway = { code: "STORE_UNREACHABLE" };
  // Neither may be made anew: perhaps it is there.
  await expect(schedules.upsert(here, { scheduleId: "new", every: "1h" })).rejects.toMatchObject(
    isAway,
  );
  const taken = schedules.upsert(here, { scheduleId: "is away", every: "1h" });
  await expect(taken).rejects.toMatchObject(isAway);
  expect(late.fired.get(here)).toBe(undefined);

  process.kill(victim.server.pid, "SIGCONT");
  await until("it to be whole", () => late.scheduler.health().store.connected, 5_000);
  await schedules.upsert(here, { scheduleId: "new", every: "1h" });
  await until("the new one to fire", () => late.fired.get(here), 20_000);
  const { schedules: all } = await schedules.list();
  const places = all.map(({ scheduleId, taskId }) => [scheduleId, taskId]);
  expect(Object.fromEntries(places)).toEqual({
    ...{ changes: here, moves: other, new: here, "is away": away },
    ...{ [here]: here, [other]: other },
  });
  expect(places).toHaveLength(6);
}, 120_000);

test("what is asked of a shard that is away ends in time, and names the shard", async () => {
  const { scheduler } = play("asked:");
  await scheduler.start();
  const { jobs, schedules } = scheduler;
  await schedules.upsert(here, { scheduleId: "is here", every: "1h" });
  const asks: (() => Promise<unknown>)[] = [
    () => jobs.counts(away),
    () => jobs.list(away, { state: "ready" }),
    () => jobs.get(away, "1"),
    () => jobs.cancel(away, "1"),
    () => schedules.list(),
    () => schedules.get("unknown"),
    () => schedules.remove("unknown"),
    () => schedules.upsert(here, { scheduleId: "new", every: "1h" }),
  ];
  process.kill(victim.server.pid, "SIGSTOP");
  // At first nobody knows that it is away: then each waits until its connection is given up.
  const first = Promise.allSettled(asks.map((ask) => ask()));
  const errors = (await within("the first answers", first, 15_000)).map((one) => one.status);
  expect(errors).toEqual(asks.map(() => "rejected"));
  const shard = shardOfTask(away, SHARDS);
  const named = /^\[STORE_UNREACHABLE\] no connection to shard \d+ of the Redis Cluster at /;
  const second = Promise.allSettled(asks.map((ask) => ask()));
  for (const [n, answer] of (await within("the answers", second, 8_000)).entries()) {
    const { reason } = answer as PromiseRejectedResult;
    expect(reason?.message).toMatch(named);
    if (n < 4) expect(reason?.message).toContain(`shard ${shard} of`);
  }
  expect(await schedules.get("is here")).toMatchObject({ taskId: here });
}, 60_000);

test("another number of shards is refused at the start, also while a shard is away", async () => {
  const config = { redisConfig: cluster.config, redisPrefix: "number:", logger: false } as const;
  const before = createScheduler(config);
  endings.push(() => before.stop());
  before.bind(here, () => {}, { spread: 4 });
  await before.start();
  await before.stop();

  process.kill(victim.server.pid, "SIGSTOP");
  const late = createScheduler(config);
  endings.push(() => late.stop());
  late.on("error", () => {});
  late.bind(away, () => {}, { spread: 2 });
  late.bind(here, () => {}, { spread: 8 });
  await expect(within("the refusal", late.start(), 20_000)).rejects.toMatchObject({
    code: "SPREAD_FIXED",
    message: expect.stringContaining(here),
  });
}, 60_000);

test("a scheduler that requires a guarantee waits until all say what is in force", async () => {
  process.kill(victim.server.pid, "SIGSTOP");
  const strict = play("strict:", { requireDurability: "store" });
  const started = strict.scheduler.start();
  let isStarted = false;
  void started.then(() => {
    isStarted = true;
  });
  await until("it to be told", () => strict.told.length > 0, 15_000);
  const easy = play("easy:");
  await easy.scheduler.start();
  expect(isStarted).toBe(false);
  process.kill(victim.server.pid, "SIGCONT");
  await within("the start", started, 15_000);
  await runs(strict, away, "after");
}, 90_000);
