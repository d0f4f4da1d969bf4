/**
 * Claims about a primary that dies right after somebody has fixed how a task is spread, before its
 * replica has heard of it: whoever starts, pushes or asks finds the true number again, whoever is
 * there, and no job is stored twice or out of sight.
 */
import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import { placeOfId, shardOfTask, shardsOfTask } from "../../src/core/shard.js";
import { createScheduler, type Scheduler } from "../../src/index.js";
import { type Script, scripts } from "../../src/store/redis/scripts.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { type ClusterNode, startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";

const SHARDS = 16;
const OVER = 8;
const IDS = Array.from({ length: 60 }, (_, n) => `job-${n}`);
const ALL = Array.from({ length: SHARDS }, (_, shard) => shard);
const PREFIXES = ["runs:", "other:", "pushes:", "knows:", "away:"] as const;
type Prefix = (typeof PREFIXES)[number];

let cluster: TestCluster;
let owners: ClusterNode[];
let victim: ClusterNode;
let heir: ClusterNode;
/** Its home is the victim's, its other shards are on all primaries. */
let hot: string;
/** Jobs that no failover has undone. */
let ids: string[];
const running = new Map<Prefix, Scheduler>();
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  cluster = await startCluster();
  for (const { client } of cluster.nodes) {
    await client.config("SET", "cluster-require-full-coverage", "no");
  }
  owners = await Promise.all(ALL.map((shard) => cluster.ownerOf(shard)));
  victim = owners[0] as ClusterNode;
  const names = Array.from({ length: 200 }, (_, n) => `hot-${n}`);
  hot = names.find((name) => {
    const places = shardsOfTask(name, { shards: SHARDS, over: OVER }).map((k) => owners[k]);
    return places[0] === victim && new Set(places).size === 3;
  }) as string;
  const places = shardsOfTask(hot, { shards: SHARDS, over: OVER });
  ids = IDS.filter((id) => owners[places[placeOfId(id, OVER)] as number] !== victim);

  await Promise.all(PREFIXES.map((prefix) => open(prefix)));
  heir = await lagging(victim);
  for (const prefix of PREFIXES) await fixed(prefix);
  await victim.server.crash();
  await until("the replica to take over", async () => (await cluster.ownerOf(0)) === heir, 20_000);
  await until("all to be whole", () => [...running.values()].every(isWhole), 20_000);
}, 90_000);

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
}, 30_000);

afterAll(async () => {
  await Promise.all([...running.values()].map((one) => one.stop()));
  await cluster?.stop();
});

function make(prefix: Prefix): Scheduler {
  const options = { redisConfig: cluster.config, redisPrefix: prefix, logger: false } as const;
  const scheduler = createScheduler({ ...options, stopTimeout: "2s" });
  scheduler.on("error", () => {});
  return scheduler;
}

function passing(prefix: Prefix): Scheduler {
  const scheduler = make(prefix);
  endings.push(() => scheduler.stop());
  return scheduler;
}

function isWhole(scheduler: Scheduler): boolean {
  return scheduler.health().store.connected;
}

/** The data of this prefix are there, and nothing of the task. */
async function open(prefix: Prefix): Promise<void> {
  const first = make(prefix);
  first.bind("calm", () => {});
  await first.start();
  await first.stop();
}

/** From now on its replica hears nothing more of it. */
async function lagging(primary: ClusterNode): Promise<ClusterNode> {
  const [replica] = (await cluster.replicasOf(primary)) as [ClusterNode];
  const { client } = primary;
  expect(await client.wait(1, 5_000)).toBe(1);
  await client.call("ACL", "SETUSER", "default", "-psync", "-sync", "-replconf");
  await client.call("CLIENT", "KILL", "TYPE", "replica");
  await until("the replica to be cut off", async () =>
    (await replica.client.info("replication")).includes("master_link_status:down"),
  );
  return replica;
}

/** The task is spread there, and has jobs; one that knows of it goes on running. */
async function fixed(prefix: Prefix): Promise<void> {
  const first = make(prefix);
  first.bind(hot, () => {}, { spread: OVER });
  await first.start();
  await first.stop();
  const knows = make(prefix);
  const pushes = IDS.map((id) => ({ id, retry: true }));
  const answers = await knows.pushMany(hot, pushes);
  expect(answers.filter((answer) => !("created" in answer) || !answer.created)).toEqual([]);
  if (prefix === "knows:") running.set(prefix, knows);
  else await knows.stop();
}

async function numberOf(prefix: Prefix): Promise<string | null> {
  const home = shardOfTask(hot, SHARDS);
  return await heir.client.hget(`${prefix}{${home}}:meta`, `spread ${hot}`);
}

/** No shard knows the number, but those of `spared`. */
async function forget(prefix: Prefix, spared?: ClusterNode): Promise<void> {
  const home = shardOfTask(hot, SHARDS);
  for (const shard of ALL) {
    const owner = await cluster.ownerOf(shard);
    if (owner === spared) continue;
    const [meta, own] = [`${prefix}{${shard}}:meta`, `spread ${hot}`];
    await owner.client.hdel(meta, `spreads ${home}`, own, "spreadsOf", "spreads");
  }
}

test("the replica lacks the number, and has the rest", async () => {
  expect(await heir.client.hget("runs:{0}:layout", "shards")).toBe(String(SHARDS));
  expect(ids.length).toBeGreaterThan(20);
  expect(await numberOf("runs:")).toBeNull();
});

test("who starts without a number works in all of its shards", async () => {
  const worker = passing("runs:");
  const ran = new Set<string>();
  worker.bind(hot, (_data, { jobId }) => void ran.add(jobId), { concurrency: 50 });
  await worker.start();
  expect(await numberOf("runs:")).toBe(String(OVER));
  await until("all to have run", () => ids.every((id) => ran.has(id)), 30_000);
}, 60_000);

test("who starts with another number is refused", async () => {
  const wrong = passing("other:").bind(hot, () => {}, { spread: 4 });
  await expect(wrong.start()).rejects.toMatchObject({ code: "SPREAD_FIXED", value: 4 });
  expect(await numberOf("other:")).toBe(String(OVER));
}, 30_000);

test("who only pushes or asks finds what is there", async () => {
  const producer = passing("pushes:");
  const again = await producer.pushMany(
    hot,
    ids.map((id) => ({ id })),
  );
  expect(again.filter((answer) => !("created" in answer) || answer.created)).toEqual([]);
  const asks = passing("pushes:");
  for (const id of ids) expect(await asks.jobs.get(hot, id)).toMatchObject({ id });
  expect((await asks.jobs.counts(hot)).ready).toBe(ids.length);
}, 30_000);

test("one that runs and knows it is enough: it tells the home once that is back", async () => {
  await until("it to be told", async () => (await numberOf("knows:")) === String(OVER));
}, 30_000);

test("while a shard is away that may know the number, no other one is fixed", async () => {
  const places = owners.map((owner, shard) => ({ owner, shard }));
  const silent = places.find(({ owner, shard }) => owner !== victim && shard > 0)?.owner;
  await forget("away:", silent);
  for (const { client } of cluster.nodes.filter((node) => node !== victim)) {
    await client.config("SET", "cluster-node-timeout", "60000");
  }
  process.kill(silent?.server.pid as number, "SIGSTOP");
  endings.push(async () => void process.kill(silent?.server.pid as number, "SIGCONT"));
  const late = passing("away:");
  const errors: unknown[] = [];
  late.on("error", (error) => void errors.push("code" in error && error.code));
  late.bind(hot, () => {}, { spread: 4 });
  let hasStarted = false;
  const started = () => {
    hasStarted = true;
  };
  void late.start().then(started, () => {});
  // In the shards that are there: after the 3 s for which it waits for the others.
  await until("it to work with the others", () => hasStarted, 6_500);
  expect(await numberOf("away:")).toBeNull();
  process.kill(silent?.server.pid as number, "SIGCONT");
  await until("it to be told", () => errors.includes("SPREAD_FIXED"), 20_000);
  expect(await numberOf("away:")).toBe(String(OVER));
}, 60_000);

test("what a home says that cannot be told is an error of the store: a start goes on", async () => {
  const said = (text: string): Script => {
    return { text, sha1: createHash("sha1").update(text).digest("hex") };
  };
  const refuses = "return redis.error_reply('CLUSTERDOWN Hash slot not served')";
  const once = "if redis.call('HSETNX', KEYS[1], 'told', 1) == 1 then return {} end";
  const store = createRedisStore({
    ...{ redis: cluster.config, prefix: "refuses:", identity: systemChance.identity() },
    ...{ clock: systemClock, chance: systemChance },
    // Nobody says what it knows, and each home takes what it is told once.
    scripts: {
      ...scripts,
      spreads: said(`#!lua\n${refuses}`),
      respread: said(`#!lua\n${once}\n${refuses}`),
    },
  });
  endings.push(() => store.close());
  await store.open();
  const wish = store.spreads?.fix([{ taskId: hot, over: OVER }]);
  await expect(wish).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
}, 30_000);
