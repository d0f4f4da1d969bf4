/**
 * The contract, kept by the Redis store on a Redis Cluster, as a user who may do on each node what
 * protocol/rights.json lists for one and nothing else; and the list is what that run took, no more
 * and no less.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { createScheduler } from "../../src/index.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { type ClusterNode, startCluster, type TestCluster } from "../support/cluster.js";
import { PASSWORD, USER } from "../support/least-rights.js";
import { QUICK } from "../support/quick-clock.js";
import { PREFIX, TEST_CLOCK, worldOn } from "../support/redis-world.js";
import { RightsRun } from "../support/rights-run.js";
import { until } from "../support/until.js";
import { examine } from "./suite.js";

/** Enough for each node to have one. Each asks all others when it is opened: more take longer. */
const SHARDS = 5;
/** What a scheduler makes by itself. */
const USUAL_SHARDS = 16;

let cluster: TestCluster;
let rights: RightsRun;
const owners: ClusterNode[] = [];

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0 });
  for (let shard = 0; shard < SHARDS; shard += 1) owners.push(await cluster.ownerOf(shard));
  expect(new Set(owners).size).toBe(cluster.nodes.length);
  const nodes = cluster.nodes.map(({ server, client }) => ({ server, admin: client }));
  rights = await RightsRun.begin("cluster", nodes, { prefix: PREFIX, more: [TEST_CLOCK.right] });
}, 60_000);

afterAll(async () => {
  rights?.close();
  await cluster?.stop();
});

const redisConfig = () => ({ ...cluster.config, username: USER, password: PASSWORD });

examine(
  "a Redis Cluster, for a user with the least rights",
  async () => {
    const of = (shard: number) => (owners[shard] ?? owners[0]!).client;
    const servers = cluster.nodes.map(({ client }) => client);
    const parts = { redis: redisConfig(), shards: SHARDS, of, servers };
    const world = await worldOn(parts, async () => {});
    // Everybody but those who watch.
    return { ...world, cut: () => rights.cut() };
  },
  { persistent: true, connection: true, frozenClock: false },
);

test("jobs are handed to sleepers on all shards, also while a slot is on its way", async () => {
  await Promise.all(cluster.nodes.map(({ client }) => client.flushall()));
  const options = { redisConfig: redisConfig(), redisPrefix: PREFIX, logger: false } as const;
  const scheduler = createScheduler({ ...options, pollInterval: "10m" });
  const ran = new Set<string>();
  const tasks = Array.from({ length: 40 }, (_, n) => `task-${n}`);
  const pushAll = async () => {
    // What is pushed alone, and without an id, is handed over.
    for (const task of tasks) await scheduler.push(task, { retry: true });
  };
  for (const task of tasks) scheduler.bind(task, (_data, { jobId }) => void ran.add(jobId));
  try {
    await scheduler.start();
    await pushAll();
    await until("all to have run", () => ran.size === tasks.length, 10_000);
    const moving = tasks.find((task) => shardOfTask(task, USUAL_SHARDS) === 0)!;
    const next = cluster.nodes[(cluster.nodes.indexOf(owners[0]!) + 1) % 3]!;
    const pushes: Promise<unknown>[] = [];
    await cluster.migrate(0, next, async (left) => {
      pushes.push(scheduler.push(moving, { id: `moving ${pushes.length}` }));
      if (left > 0) return;
      // All keys are there, but not the slot: whoever is asked sends the call on.
      await until("a call to be sent on", async () => (await rights.sent()).has("asking"));
    });
    await Promise.all(pushes);
    await pushAll();
    const all = 2 * tasks.length + pushes.length;
    await until("all to have run", () => ran.size === all, 10_000);
  } finally {
    await scheduler.stop();
  }
});

test("subscriptions without PING last, and are proved end to end", async () => {
  const store = createRedisStore({
    ...{ redis: redisConfig(), prefix: PREFIX, shards: SHARDS },
    ...{ identity: systemChance.identity(), chance: systemChance, clock: QUICK },
  });
  await store.open();
  store.onWake(() => {});
  await until("a proof of arrival", async () => (await rights.sent()).has("spublish"), 20_000);
  await store.close();
});

test("the published rights are those that the run took, no more and no less", async () => {
  const { took, listed } = await rights.end({ without: [TEST_CLOCK.command] });
  expect(took).toEqual(listed);
});

test("doctor() misses none of them, and says which one is missing on which node", async () => {
  const change = (client: ClusterNode["client"], ...words: string[]) =>
    client.call("ACL", "SETUSER", USER, ...words);
  for (const { client } of cluster.nodes) await change(client, "+acl|whoami", "+acl|dryrun");
  const options = { redisConfig: redisConfig(), redisPrefix: PREFIX, logger: false } as const;
  const scheduler = createScheduler(options);
  const ofRights = async () =>
    (await scheduler.doctor()).findings.filter(({ code }) => code === "RIGHTS");
  try {
    expect(await ofRights()).toMatchObject([{ level: "ok" }]);
    await change(cluster.nodes[1]!.client, "-spublish");
    const { host, port } = cluster.nodes[1]!.server;
    const error = { level: "error", value: ["spublish"], nodes: [`${host}:${port}`] };
    expect(await ofRights()).toContainEqual(expect.objectContaining(error));
  } finally {
    await scheduler.stop();
  }
});
