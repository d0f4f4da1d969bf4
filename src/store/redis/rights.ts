/**
 * Which commands a user of the server needs, and whether it may send them: asked by ACL DRYRUN,
 * which runs nothing.
 */
import { type Finding, finding, hidden } from "../../core/finding.js";
import type { Command } from "./client.js";

/** A command as it is tried: `K` stands for a key, `C` for a channel. */
export const CLIENT_COMMANDS: readonly string[] = [
  "EVAL x 1 K",
  "EVALSHA x 1 K",
  "SCRIPT EXISTS x",
  "SCRIPT LOAD x",
  "PUBLISH C x",
  "SUBSCRIBE C",
];

/** What the scripts use: protocol/PROTOCOL.md lists the same. */
export const SCRIPT_COMMANDS: readonly string[] = [
  ...["DEL K", "EXISTS K", "EXPIRE K 1", "HDEL K x", "HEXISTS K x", "HGET K x", "HINCRBY K x 1"],
  ...["HLEN K", "HMGET K x", "HSCAN K 0", "HSET K x 1", "HSETNX K x 1", "HSTRLEN K x"],
  ...["LINDEX K 0", "LLEN K", "LPOP K", "LPUSH K x", "LRANGE K 0 1", "PUBLISH C x"],
  ...["PUBSUB NUMSUB C", "RPUSH K x", "SADD K x", "SCARD K", "SISMEMBER K x", "SPOP K", "SREM K x"],
  ...["SSCAN K 0", "TIME", "TTL K", "ZADD K 1 x", "ZCARD K", "ZCOUNT K 0 1", "ZLEXCOUNT K [a [b"],
  ...["ZMSCORE K x", "ZPOPMIN K", "ZRANGE K 0 1", "ZRANGEBYLEX K [a [b", "ZRANGEBYSCORE K 0 1"],
  ...["ZRANK K x", "ZREM K x", "ZREVRANGE K 0 1", "ZSCORE K x"],
];

/** What a Cluster wants beside them; wakes go by the channels of a shard there. */
const CLUSTER_COMMANDS: readonly string[] = ["CLUSTER SLOTS", "ASKING"];

function samplesOf(isCluster: boolean): Set<string> {
  const samples = [...CLIENT_COMMANDS, ...SCRIPT_COMMANDS];
  if (!isCluster) return new Set(samples);
  const sharded = samples.map((sample) =>
    sample.replace(/^(SUBSCRIBE|PUBLISH) /, "S$1 ").replace(" NUMSUB ", " SHARDNUMSUB "),
  );
  return new Set([...sharded, ...CLUSTER_COMMANDS]);
}

export async function examineRights(
  command: Command,
  { prefix, isCluster }: { prefix: string; isCluster: boolean },
): Promise<Finding> {
  const code = "RIGHTS";
  const need = "+acl|whoami +acl|dryrun";
  let user: string;
  try {
    user = String(await command("ACL", "WHOAMI"));
  } catch {
    return hidden(code, "what the user may do", need);
  }
  const missing = new Set<string>();
  for (const sample of samplesOf(isCluster)) {
    const words = sample.split(" ").map((word) => {
      if (word === "K") return `${prefix}{0}:meta`;
      return word === "C" ? `${prefix}{0}:wake:x` : word;
    });
    try {
      const reply = String(await command("ACL", "DRYRUN", user, ...words));
      if (reply !== "OK") missing.add(nameOf(sample));
    } catch {
      return hidden(code, "what the user may do", need);
    }
  }
  if (missing.size === 0) return finding(code, "ok", "the user may do all that is needed");
  const names = [...missing];
  const fix = `ACL SETUSER: ~${prefix}* &${prefix}* ${names.map((name) => `+${name}`).join(" ")}`;
  return finding(code, "error", "the user lacks rights, or the keys or channels of the prefix", {
    ...{ fix, value: names },
  });
}

const CONTAINERS = new Set(["cluster", "pubsub", "script"]);

/** As ACL SETUSER spells it. */
function nameOf(sample: string): string {
  const [name = "", second] = sample.toLowerCase().split(" ");
  return CONTAINERS.has(name) ? `${name}|${second}` : name;
}
