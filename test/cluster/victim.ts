/** A primary of a Cluster that something happens to, and tasks that live there and elsewhere. */
import { shardOfTask } from "../../src/store/redis/shards.js";
import type { ClusterNode, TestCluster } from "../support/cluster.js";

export const SHARDS = 16;

export interface Victim {
  node: ClusterNode;
  /** Tasks in its shards. */
  there: readonly string[];
  /** Tasks in shards of the others. */
  elsewhere: readonly string[];
}

/** `hasFirst`: of the primary that has the first shard, which has the layout; else of another. */
export async function chooseVictim(
  cluster: TestCluster,
  { hasFirst = false }: { hasFirst?: boolean } = {},
): Promise<Victim> {
  const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
  const owners = await Promise.all(shards.map((shard) => cluster.ownerOf(shard)));
  const node = owners.find((owner) => (owner === owners[0]) === hasFirst) as ClusterNode;
  const names = Array.from({ length: 100 }, (_, n) => `task-${n}`);
  const isThere = (id: string) => owners[shardOfTask(id, SHARDS)] === node;
  return { node, there: names.filter(isThere), elsewhere: names.filter((id) => !isThere(id)) };
}

/** What is elsewhere goes on while a primary is away. */
export async function allowPart({ nodes }: TestCluster): Promise<void> {
  for (const { client } of nodes) {
    await client.config("SET", "cluster-require-full-coverage", "no");
  }
}
