/**
 * Claims about `doctor()` and the start-up line on a Cluster: each primary is looked at, and named.
 * The clock of one of them is moved by the shim of the chaos tests.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createScheduler, type Scheduler } from "../../src/index.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import type { Finding, SchedulerOptions } from "../../src/types.js";
import { hasShim, Shim } from "../chaos/kit/shim.js";
import { type ClusterNode, startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";

const SHARDS = 16;
const AHEAD_MS = 90_000;
const NO_SHIM = "there is no C compiler here to move the clock of a server with";

let cluster: TestCluster;
let [first, second, third]: ClusterNode[] = [];
let shim: Shim | null = null;
const folder = mkdtempSync(join(tmpdir(), "schedule-mq-doctor-"));
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  if (hasShim()) {
    shim = new Shim(folder, { images: false });
    shim.setClock(AHEAD_MS);
  } else console.warn(`skipped: clocks of nodes: ${NO_SHIM}`);
  const env = (k: number) => (k === 2 ? (shim?.env ?? {}) : {});
  cluster = await startCluster({ replicas: 0, env });
  [first, second, third] = cluster.nodes as ClusterNode[];
}, 60_000);

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
}, 30_000);

afterAll(async () => {
  await cluster?.stop();
  shim?.close();
  rmSync(folder, { recursive: true, force: true });
});

function nameOf(node: ClusterNode | undefined): string {
  return `127.0.0.1:${node?.server.port}`;
}

function make(options: SchedulerOptions = {}, more: object = {}): Scheduler {
  const redisConfig = { ...cluster.config, ...more };
  const scheduler = createScheduler({ redisConfig, logger: false, ...options });
  scheduler.on("error", () => {});
  endings.push(() => scheduler.stop());
  return scheduler;
}

async function found(code: string, scheduler: Scheduler = make()): Promise<Finding[]> {
  const { findings } = await scheduler.doctor();
  return findings.filter((finding) => finding.code === code);
}

async function setting(node: ClusterNode | undefined, name: string, value: string): Promise<void> {
  const { client } = node as ClusterNode;
  const [, before = ""] = (await client.config("GET", name)) as string[];
  await client.config("SET", name, value);
  endings.push(() => client.config("SET", name, before));
}

test("each primary is examined and named, and nothing is written to any", async () => {
  const names = cluster.nodes.map(nameOf).sort();
  const { findings } = await make().doctor();
  for (const { client } of cluster.nodes) expect(await client.dbsize()).toBe(0);
  expect([...new Set(findings.map(({ code }) => code))].sort()).toEqual([
    ...["CLOCKS_APART", "CLOCK_SKEW", "DISK_WRITES", "EVICTION", "FSYNC", "LAYOUT", "MEMORY"],
    ...["PERSISTENCE", "REPLICAS", "RIGHTS", "SERVER_VERSION", "STORE_REACHABLE"],
    "UNBOUND_TASKS",
  ]);
  const of = (code: string) => findings.filter((finding) => finding.code === code);
  for (const code of ["STORE_REACHABLE", "SERVER_VERSION", "EVICTION", "LAYOUT", "RIGHTS"]) {
    const [only, ...others] = of(code);
    expect(others, code).toEqual([]);
    expect([...(only?.nodes ?? [])].sort(), code).toEqual(names);
    for (const name of names) expect(only?.meaning).toContain(name);
  }
  // Each has its own.
  const memory = of("MEMORY")[0]?.value as Record<string, { used: number }>;
  expect(Object.keys(memory).sort()).toEqual(names);
  for (const { used } of Object.values(memory)) expect(used).toBeGreaterThan(0);
});

test("what is wrong on one node is found, wherever it is", async () => {
  await setting(second, "maxmemory-policy", "allkeys-lru");
  await setting(second, "appendonly", "yes");
  const scheduler = make();
  expect((await scheduler.doctor()).ok).toBe(false);
  const [bad] = (await found("EVICTION", scheduler)).filter(({ level }) => level === "error");
  expect(bad).toMatchObject({ nodes: [nameOf(second)], value: "allkeys-lru" });
  const kept = (await found("PERSISTENCE")).find(({ level }) => level === "ok");
  expect(kept).toMatchObject({ nodes: [nameOf(second)], value: "aof" });
  await setting(third, "maxmemory-policy", "allkeys-lfu");
  const [both] = (await found("EVICTION", scheduler)).filter(({ level }) => level === "error");
  expect(both?.value).toEqual({
    [nameOf(second)]: "allkeys-lru",
    [nameOf(third)]: "allkeys-lfu",
  });
});

test("rights are those of each node, with what a Cluster needs", async () => {
  for (const { client } of cluster.nodes) {
    await client.call("ACL", "SETUSER", "lame", "on", ">secret", "~*", "&*", "+@all");
  }
  const without = ["-ssubscribe", "-spublish", "-asking", "-publish"];
  await second?.client.call("ACL", "SETUSER", "lame", ...without);
  const scheduler = make({}, { username: "lame", password: "secret" });
  const bad = (await found("RIGHTS", scheduler)).filter(({ level }) => level !== "ok");
  expect(bad).toMatchObject([{ level: "error", nodes: [nameOf(second)] }]);
  const missing = bad.flatMap(({ value }) => value as string[]);
  expect(missing.sort()).toEqual(["asking", "spublish", "ssubscribe"]);
});

test("a task with jobs is missed in every shard", async () => {
  const pusher = make({ redisPrefix: "unbound:" });
  const tasks = Array.from({ length: SHARDS }, (_, shard) => {
    const names = Array.from({ length: 500 }, (_name, n) => `task-${n}`);
    return names.find((name) => shardOfTask(name, SHARDS) === shard) as string;
  });
  await Promise.all(tasks.map((task) => pusher.push(task)));
  const missed = await found("UNBOUND_TASKS", pusher);
  expect(missed.flatMap(({ value }) => value as string[]).sort()).toEqual([...tasks].sort());
  expect(missed.flatMap(({ nodes = [] }) => nodes).sort()).toEqual(
    cluster.nodes.map(nameOf).sort(),
  );
});

test("clocks of nodes that disagree are found, whichever is right", async ({ skip }) => {
  if (shim === null) skip(NO_SHIM);
  const [apart] = await found("CLOCKS_APART");
  expect(apart).toMatchObject({ level: "warning" });
  expect(apart?.value).toBeGreaterThan(AHEAD_MS - 1_000);
  expect(apart?.value).toBeLessThan(AHEAD_MS + 1_000);
  expect(apart?.nodes).toContain(nameOf(third));
  expect(apart?.meaning).toContain(`the clock of ${nameOf(third)} is`);
  const [skewed] = (await found("CLOCK_SKEW")).filter(({ level }) => level === "warning");
  expect(skewed?.nodes).toEqual([nameOf(third)]);
});

test("the start-up line names the nodes on which something else is in force", async () => {
  const lines: string[] = [];
  const note = (_: object, line: string) => void lines.push(line);
  const logger = { debug: note, info: note, warn: note, error: note };
  for (const node of [first, second]) {
    await setting(node, "appendonly", "yes");
    await setting(node, "appendfsync", "always");
  }
  await setting(third, "maxmemory-policy", "allkeys-lru");
  const refused = make({ requireDurability: "fsync" });
  await expect(refused.start()).rejects.toMatchObject({
    code: "DURABILITY_TOO_LOW",
    message: expect.stringContaining(`${nameOf(third)}: no append-only file`),
  });
  await make({ logger }).start();
  const line = lines.find((text) => text.includes("appendfsync always")) ?? "";
  expect(line).toMatch(new RegExp(`: ${nameOf(third)}: no append-only file, allkeys-lru`));
  expect(line).toContain(nameOf(second));
  expect(lines).toContainEqual(expect.stringMatching(`^${nameOf(third)}: maxmemory-policy is`));
  await setting(third, "appendonly", "yes");
  await setting(third, "appendfsync", "always");
  await make({ requireDurability: "fsync" }).start();
});

test("slots that nobody has are found", async () => {
  endings.push(await cluster.disown(0));
  const report = await make().doctor();
  expect(report.ok).toBe(false);
  const missing = report.findings.filter(({ level }) => level === "error");
  expect(missing).toContainEqual(
    expect.objectContaining({
      code: "STORE_REACHABLE",
      meaning: expect.stringContaining("no node has the slots of shard 0:"),
    }),
  );
  expect(report.findings.some(({ code, level }) => code === "EVICTION" && level === "ok")).toBe(
    true,
  );
});

test("a node that is silent is a finding, and the others are examined", async () => {
  const victim = second as ClusterNode;
  process.kill(victim.server.pid, "SIGSTOP");
  endings.push(async () => {
    process.kill(victim.server.pid, "SIGCONT");
    await cluster.settled();
  });
  await expectAbsent(victim, "has not answered for 10 s");
}, 60_000);

test("a node that is gone is a finding, and the others are examined", async () => {
  const victim = first as ClusterNode;
  await victim.server.crash();
  endings.push(async () => {
    await cluster.restart(victim);
    await until("it to be back", () => victim.client.ping().catch(() => null));
  });
  await expectAbsent(victim, "ECONNREFUSED");
}, 60_000);

async function expectAbsent(victim: ClusterNode, reason: string): Promise<void> {
  const report = await make().doctor();
  expect(report.ok).toBe(false);
  const of = (code: string) => report.findings.filter((finding) => finding.code === code);
  const [absent] = of("STORE_REACHABLE").filter(({ level }) => level === "error");
  expect(absent).toMatchObject({ nodes: [nameOf(victim)], value: "STORE_UNREACHABLE" });
  expect(absent?.meaning).toMatch(/: the node with shards? [\d, ]+ cannot be examined: /);
  expect(absent?.meaning).toContain(reason);
  const others = cluster.nodes.filter((node) => node !== victim).map(nameOf);
  for (const code of ["STORE_REACHABLE", "EVICTION", "LAYOUT"]) {
    const examined = of(code).filter(({ level }) => level !== "error");
    const names = new Set(examined.flatMap(({ nodes = [] }) => nodes));
    expect([...names].sort(), code).toEqual(others.sort());
  }
}
