/** The contract, kept by the Redis store on a Redis Cluster. */
import { afterAll, beforeAll } from "vitest";
import { startCluster, type TestCluster } from "../support/cluster.js";
import { worldOn } from "../support/redis-world.js";
import { examine } from "./suite.js";

const SHARDS = 16;

let cluster: TestCluster;
const owners: Awaited<ReturnType<TestCluster["ownerOf"]>>[] = [];

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0 });
  for (let shard = 0; shard < SHARDS; shard += 1) owners.push(await cluster.ownerOf(shard));
}, 60_000);

afterAll(async () => await cluster?.stop());

examine(
  "a Redis Cluster",
  () => {
    const of = (shard: number) => (owners[shard] ?? owners[0]!).client;
    const servers = cluster.nodes.map(({ client }) => client);
    const parts = { redis: cluster.config, shards: SHARDS, of, servers };
    return worldOn(parts, async () => {});
  },
  { persistent: true, connection: true, frozenClock: false },
);
