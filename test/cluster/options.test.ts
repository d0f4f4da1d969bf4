/** redisConfig for a Cluster: what is taken, what is refused and how, what it becomes. */
import { Cluster } from "ioredis";
import { describe, expect, test } from "vitest";
import { checkSchedulerOptions } from "../../src/core/options/scheduler.js";
import { clusterTarget, isClusterTarget } from "../../src/store/redis/client.js";
import { redirectOf, slotOfShard } from "../../src/store/redis/cluster/slots.js";

const A = { host: "10.0.0.1", port: 6379 };

function checked(redisConfig: unknown): object {
  const { redis } = checkSchedulerOptions({ redisConfig });
  return redis as object;
}

function problem(redisConfig: unknown): string {
  try {
    checked(redisConfig);
  } catch (error) {
    return String((error as Error).message);
  }
  return "taken";
}

describe("a Cluster in redisConfig", () => {
  test("is a list of nodes, or options with one, of every form", () => {
    const forms = [A, { host: "10.0.0.1" }, "10.0.0.1", "10.0.0.1:6379", "redis://10.0.0.1:6379"];
    for (const node of forms) {
      expect(checked([node])).toEqual({ cluster: [A] });
      expect(checked({ cluster: [node], password: "p" })).toEqual({ cluster: [A], password: "p" });
      expect(isClusterTarget(checked([node]))).toBe(true);
    }
    expect(isClusterTarget(checked(A))).toBe(false);
    expect(isClusterTarget(checked("redis://10.0.0.1"))).toBe(false);
  });

  test.each([
    [[], "cluster must be a list of { host, port }, got an empty list"],
    [{ cluster: "10.0.0.1" }, "cluster must be a list of { host, port }, got a string"],
    [[{ port: 1 }], "cluster[0]: host is missing"],
    [[A, { ...A, port: 0 }], "cluster[1]: port must be a whole number"],
    [[6379], "cluster[0]: must be { host, port }, got a number"],
    [[{ ...A, password: "secret" }], "set it once, beside cluster"],
    [["redis://:secret@10.0.0.1"], "cluster[0]: is no address of a node"],
    [{ cluster: [A], host: "h" }, "cluster is given together with host"],
    [{ cluster: [A], sentinels: [A], name: "m" }, "cluster is given together with sentinels"],
    [{ cluster: [A], db: 1 }, "a Cluster has database 0 only"],
  ])("%j is refused: %s", (config, words) => {
    expect(problem(config)).toContain(words);
    expect(problem(config)).not.toContain("secret");
  });

  test("may be an ioredis Cluster: its nodes and settings are taken over", async () => {
    const redisOptions = { password: "p", connectionName: "mine" };
    const natMap = { "10.0.0.9:6379": { host: "127.0.0.1", port: 7009 } };
    const nodes = [A, "redis://10.0.0.2:7000", 7001];
    const cluster = new Cluster(nodes, { lazyConnect: true, redisOptions, natMap });
    const given = checked(cluster);
    expect(given).toBe(cluster);
    expect(isClusterTarget(given)).toBe(true);
    const { seeds, clientOf } = await clusterTarget(given);
    const second = { host: "10.0.0.2", port: 7000 };
    expect(seeds).toEqual([A, second, { host: "127.0.0.1", port: 7001 }]);
    const { options } = clientOf({ host: "10.0.0.9", port: 6379 })();
    const own = { host: "127.0.0.1", port: 7009, ...redisOptions, enableOfflineQueue: false };
    expect(options).toMatchObject(own);
    cluster.disconnect();
  });
});

describe("what a Cluster says", () => {
  test("of slots is what CLUSTER KEYSLOT says", () => {
    // CLUSTER KEYSLOT {0} and so on.
    expect([0, 1, 2, 10, 15].map(slotOfShard)).toEqual([13907, 9842, 5649, 247, 4178]);
  });

  test.each([
    ["MOVED 13907 10.0.0.1:7000", { kind: "moved", to: { host: "10.0.0.1", port: 7000 } }],
    ["MOVED 13907 :7000", { kind: "moved", to: { host: "", port: 7000 } }],
    ["ASK 13907 ::1:7000", { kind: "ask", to: { host: "::1", port: 7000 } }],
    ["TRYAGAIN Multiple keys request during rehashing of slot", { kind: "later" }],
    ["CLUSTERDOWN The cluster is down", { kind: "later" }],
    ["READONLY You can't write against a read only replica.", null],
  ])("%s is understood", (message, redirect) => {
    const error = Object.assign(new Error(message), { name: "ReplyError" });
    expect(redirectOf(error)).toEqual(redirect);
    expect(redirectOf(new Error(message))).toBeNull();
  });
});
