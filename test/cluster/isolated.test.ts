/**
 * Claims about an old primary that is cut off from all other servers by the network, while clients
 * on its side reach it: it goes on acknowledging to them, becomes a replica after the heal, and
 * drops what it had. Each side is a network namespace.
 */
import { afterEach, beforeAll, expect, test } from "vitest";
import type { RedisConfig } from "../../src/index.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { type ClusterNode, startCluster } from "../support/cluster.js";
import { type Islands, makeIslands, whyNoIslands } from "../support/islands.js";
import { startWatched, type Watched } from "../support/sentinels.js";
import { until } from "../support/until.js";
import {
  broken,
  drain,
  firedOnBoth,
  Islander,
  type Moments,
  mayBeGone,
  onBoth,
} from "./islanders.js";
import { IS_WHOLE } from "./kinds.js";

const SHARDS = 16;
const NODE_TIMEOUT_MS = 2_000;
/** So many wait at the cut that both sides run some of them. */
const BACKLOG = 120;
const tasks: string[] = Array.from({ length: 16 }, (_, n) => `task-${n}`);

let why: string | null;
let islands: Islands;
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  why = await whyNoIslands();
  if (why !== null) console.warn(`skipped: old primaries that are cut off by the network: ${why}`);
});

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
}, 60_000);

async function begin(): Promise<void> {
  islands = await makeIslands();
  endings.push(() => islands.close());
}

interface Sides {
  minority: Islander;
  majority: Islander;
  all: readonly Islander[];
}

/** Resolves when both sides work. */
async function inhabit(redisConfig: RedisConfig, slow = "slow"): Promise<Sides> {
  const backlog = { taskId: slow, jobs: 0 };
  const config = { redisConfig, tasks, backlog };
  const minority = new Islander("minority", islands.minority, config);
  endings.push(() => minority.kill());
  const full = { ...config, backlog: { ...backlog, jobs: BACKLOG } };
  const majority = new Islander("majority", islands.majority, full);
  endings.push(() => majority.kill());
  const all = [minority, majority];
  await Promise.all(all.map((one) => one.works(tasks, 0, 20_000)));
  return { minority, majority, all };
}

type Admin = ClusterNode["client"];

/** How many connections of ours a server has. */
async function ours(admin: Admin): Promise<number> {
  const list = String(await admin.call("CLIENT", "LIST"));
  return list.split("\n").filter((line) => line.includes("name=schedule-mq")).length;
}

async function isReplica(admin: Admin): Promise<boolean> {
  const info = await admin.info("replication").catch(() => "");
  return info.includes("role:slave") && info.includes("master_link_status:up");
}

/** Both sides work again, have left the old primary, no promise is broken. When it was healed. */
async function healed(
  { minority, majority, all }: Sides,
  parts: { old: Admin; redisConfig: RedisConfig; moments: Omit<Moments, "joinedAt"> },
): Promise<number> {
  const { old, redisConfig } = parts;
  islands.heal();
  const healedAt = Date.now();
  await Promise.all(all.map((one) => one.works(tasks, healedAt, 5_000)));
  await until("the old primary to follow the new one", () => isReplica(old), 30_000);
  const moments = { ...parts.moments, joinedAt: Date.now() };
  await Promise.all(all.map((one) => one.works(tasks, moments.joinedAt, 5_000)));
  await until("all to have left the old primary", async () => (await ours(old)) === 0, 5_000);
  const firedBefore = all.map((one) => one.fired.length);
  const fire = () => all.some((one, k) => one.fired.length > (firedBefore[k] ?? 0));
  await until("schedules to fire again", fire, 15_000);
  await Promise.all([minority.end(), majority.end()]);
  const { gone, ...drained } = await drain(all, { redisConfig, moments });
  expect(broken(all, { ...drained, moments })).toEqual([]);
  expect(gone.filter((push) => !mayBeGone(push, moments))).toEqual([]);
  // The cut was one: the old primary has acknowledged what nobody has any more.
  expect(gone.length).toBeGreaterThan(0);
  return healedAt;
}

/** Ids of pushes that the old primary has acknowledged to its side after `at`. */
function acknowledgedSince({ minority }: Sides, at: number, before = Infinity): string[] {
  return minority.pushed.filter((push) => push.at > at && push.at < before).map(({ id }) => id);
}

async function underSentinel(): Promise<{ watched: Watched; sides: Sides; old: Admin }> {
  await begin();
  const { minority, majority } = islands;
  const watched = await startWatched(2, {
    server: (k) => (k === 0 ? minority : majority),
    sentinel: (k) => (k === 2 ? minority : majority),
  });
  endings.push(() => watched.stop());
  const sides = await inhabit(watched.config);
  return { watched, sides, old: watched.clientOf(watched.servers[0]!) };
}

test("Sentinel: only what an isolated primary has acknowledged is lost or done twice", async ({
  skip,
}) => {
  if (why !== null) skip(why);
  const { watched, sides, old } = await underSentinel();
  islands.cut();
  const cutAt = Date.now();
  await watched.movedFrom(watched.servers[0]!.port);
  const ledAt = Date.now();
  await sides.majority.works(tasks, ledAt, 5_000);
  // Both primaries at once.
  const goesOn = () => acknowledgedSince(sides, ledAt + 1_000).length > 0;
  await until("the old primary to go on acknowledging", goesOn);
  await until("both to run the same jobs", () => onBoth(sides.all).size > 0);
  await until("both to fire the same", () => firedOnBoth(sides.all).size > 0, 15_000);
  const moments = { cutAt, wasThere: () => true };
  await healed(sides, { old, redisConfig: watched.config, moments });
}, 120_000);

// Sentinel takes half a minute for it: not in each ordinary run.
test.runIf(IS_WHOLE)(
  "Sentinel: min-replicas-to-write ends what an isolated primary acknowledges",
  async ({ skip }) => {
    if (why !== null) skip(why);
    const { watched, sides, old } = await underSentinel();
    for (const server of watched.servers) {
      const admin = watched.clientOf(server);
      await admin.config("SET", "min-replicas-max-lag", "2");
      await admin.config("SET", "min-replicas-to-write", "1");
    }
    islands.cut();
    const cutAt = Date.now();
    await watched.movedFrom(watched.servers[0]!.port);
    await sides.majority.works(tasks, Date.now(), 5_000);
    const isRefused = () => sides.minority.refused.some(({ code }) => code === "STORE_REFUSED");
    await until("the old primary to refuse", isRefused, 10_000);
    const moments = { cutAt, wasThere: () => true };
    const healedAt = await healed(sides, { old, redisConfig: watched.config, moments });
    // The lag is looked at once a second.
    expect(acknowledgedSince(sides, cutAt + 4_000, healedAt)).toEqual([]);
  },
  120_000,
);

test("Cluster: an isolated primary stops, and only what it has acknowledged is lost", async ({
  skip,
}) => {
  if (why !== null) skip(why);
  await begin();
  const { minority, majority } = islands;
  const cluster = await startCluster({
    on: (k) => (k === 2 ? minority : majority),
    nodeTimeoutMs: NODE_TIMEOUT_MS,
  });
  endings.push(() => cluster.stop());
  for (const { client } of cluster.nodes) {
    await client.config("SET", "cluster-require-full-coverage", "no");
  }
  const victim = cluster.nodes[2]!;
  const heir = await until("there is a replica", async () => {
    return (await cluster.replicasOf(victim))[0];
  });
  const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
  const owners = await Promise.all(shards.map((shard) => cluster.ownerOf(shard)));
  const wasThere = (taskId: string) => owners[shardOfTask(taskId, SHARDS)] === victim;
  expect(new Set(tasks.map(wasThere)).size).toBe(2);
  const sides = await inhabit(cluster.config);
  islands.cut();
  const cutAt = Date.now();
  const hasTaken = async () => (await heir.client.info("replication")).includes("role:master");
  const hasStopped = async () => /state:fail/.test(String(await victim.client.cluster("INFO")));
  // Both are looked for from the cut on: either may come first.
  const [stoppedAt] = await Promise.all([
    until("the old primary to stop", hasStopped, 20_000).then(() => Date.now()),
    until("the replica to take over", hasTaken, 20_000),
  ]);
  await sides.majority.works(tasks, Date.now(), 5_000);
  const moments = { cutAt, wasThere };
  const healedAt = await healed(sides, {
    ...{ old: victim.client, redisConfig: cluster.config, moments },
  });
  expect(acknowledgedSince(sides, stoppedAt + 500, healedAt)).toEqual([]);
}, 120_000);
