/** Claims about a Cluster whose slots move from node to node under load. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";
import { Load } from "./load.js";

const SHARDS = 16;

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0 });
}, 60_000);

afterAll(async () => await cluster?.stop());

async function anotherThan(shard: number) {
  const owner = await cluster.ownerOf(shard);
  return cluster.nodes[(cluster.nodes.indexOf(owner) + 1) % cluster.nodes.length] ?? owner;
}

test("slots that move key by key lose nothing, and no job runs twice", async () => {
  const load = new Load(cluster.config);
  try {
    await load.begin();
    for (let shard = 0; shard < SHARDS; shard += 1) {
      await cluster.migrate(shard, await anotherThan(shard));
    }
    await load.allRanSince(performance.now(), 5_000);
    await load.finishPushing();
    await load.drained();
    expect(load.refused).toEqual([]);
    expect(load.repeated()).toEqual([]);
  } finally {
    await load.stop();
  }
}, 90_000);

test("a push waits for a slot that is on its way, and is stored once", async () => {
  const load = new Load(cluster.config);
  try {
    await load.begin();
    let stops = 0;
    await cluster.migrate(0, await anotherThan(0), async () => {
      stops += 1;
      const before = load.acknowledged.size;
      await until("pushes to other shards to go on", () => load.acknowledged.size > before + 10);
    });
    expect(stops).toBeGreaterThan(0);
    await load.finishPushing();
    await load.drained();
    expect(load.refused).toEqual([]);
    expect(load.repeated()).toEqual([]);
  } finally {
    await load.stop();
  }
}, 90_000);
