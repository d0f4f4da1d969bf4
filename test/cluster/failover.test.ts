/** Claims about a Cluster that loses primaries, swaps roles and restarts, under load. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { type ClusterNode, startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";
import { IS_WHOLE, kindsHere } from "./kinds.js";
import { Load } from "./load.js";

const SHARDS = 16;
/** Replication is asynchronous: what was acknowledged this long before a crash may be gone. */
const LAG_MS = 1_000;

let cluster: TestCluster;

describe.each(kindsHere())("%s", (kind) => {
  beforeAll(async () => {
    cluster = await startCluster({ kind });
  }, 60_000);
  afterAll(async () => await cluster?.stop());

  test(
    "a primary killed with SIGKILL costs no acknowledged push that its replica had",
    killed,
    90_000,
  );
  const testMore = test.runIf(IS_WHOLE || kind === "redis-server");
  testMore("CLUSTER FAILOVER loses nothing and runs nothing twice", swapped, 90_000);
  testMore("a replica that restarts is not noticed", restarted, 90_000);
});

async function underLoad(play: (load: Load) => Promise<void>): Promise<void> {
  const load = new Load(cluster.config);
  try {
    await load.begin();
    await play(load);
  } finally {
    await load.stop();
  }
}

async function tasksOf(node: ClusterNode, load: Load): Promise<Set<string>> {
  const owners = await Promise.all(
    Array.from({ length: SHARDS }, (_, shard) => cluster.ownerOf(shard)),
  );
  return new Set(load.taskIds.filter((id) => owners[shardOfTask(id, SHARDS)] === node));
}

async function becomesPrimary(node: ClusterNode): Promise<number> {
  const isPrimary = async () => (await node.client.info("replication")).includes("role:master");
  await until("the replica to take over", isPrimary, 20_000);
  const isOk = async () => /state:ok/.test(String(await node.client.call("CLUSTER", "INFO")));
  await until("the cluster to work again", isOk, 20_000);
  return performance.now();
}

async function killed(): Promise<void> {
  await underLoad(async (load) => {
    const victim = await cluster.ownerOf(0);
    const [heir] = await cluster.replicasOf(victim);
    const hit = await tasksOf(victim, load);
    expect(hit.size).toBeGreaterThan(0);
    const killedAt = performance.now();
    await victim.server.crash();
    const backAt = await becomesPrimary(heir as ClusterNode);
    await load.allRanSince(backAt, 5_000);
    await load.finishPushing();
    const inLag = (id: string) => {
      const at = load.acknowledged.get(id) ?? 0;
      return hit.has(id.split("/", 1)[0] ?? "") && at > killedAt - LAG_MS && at <= killedAt;
    };
    await load.drained(inLag);
    // On one machine replication is quick: hardly anything is on its way.
    expect(load.missing().length).toBeLessThanOrEqual(hit.size);
    await cluster.restart(victim);
    await cluster.settled();
  });
}

async function swapped(): Promise<void> {
  await underLoad(async (load) => {
    const before = await cluster.ownerOf(0);
    const [heir] = await cluster.replicasOf(before);
    await heir?.client.call("CLUSTER", "FAILOVER");
    const backAt = await becomesPrimary(heir as ClusterNode);
    await load.allRanSince(backAt, 5_000);
    await load.finishPushing();
    await load.drained();
    expect(load.refused).toEqual([]);
    expect(load.repeated()).toEqual([]);
    await cluster.settled();
  });
}

async function restarted(): Promise<void> {
  await underLoad(async (load) => {
    const replica = await until("there is a replica", async () => {
      return (await cluster.replicasOf(await cluster.ownerOf(0)))[0];
    });
    await replica.server.crash();
    await load.allRanSince(performance.now(), 5_000);
    await cluster.restart(replica);
    await cluster.settled();
    await load.finishPushing();
    await load.drained();
    expect(load.refused).toEqual([]);
    expect(load.repeated()).toEqual([]);
  });
}
