/**
 * The scripts of a Cluster: they publish to the shard's own channels (SPUBLISH). What PUBLISH says
 * counts the subscribers of one node only, while the message goes to every node there is.
 */
import { createHash } from "node:crypto";
import type { Scripts } from "../shard.js";

export function shardedWakes(scripts: Scripts): Scripts {
  const changed = Object.entries(scripts).map(([verb, { text }]) => {
    const sharded = text
      .replaceAll("redis.call('PUBLISH',", "redis.call('SPUBLISH',")
      .replaceAll("redis.call('PUBSUB', 'NUMSUB',", "redis.call('PUBSUB', 'SHARDNUMSUB',");
    return [verb, { text: sharded, sha1: createHash("sha1").update(sharded).digest("hex") }];
  });
  return Object.fromEntries(changed) as Scripts;
}
