/**
 * What scripts touch, they declare: a Cluster can route a script only by its KEYS, and Redis itself
 * does not check. A workload that runs every script is watched by MONITOR.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import type { Store, Wake } from "../../src/store/contract.js";
import { scripts } from "../../src/store/redis/scripts.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { type SeenCommand, startMonitor } from "../support/monitor.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { emptied, LEASE_MS, moves, scheduleLives } from "./schedule-lives.js";
import {
  COMPLETED,
  HAND_BACK,
  type Held,
  HOUR_MS,
  heldOf,
  KEEP,
  KEEP_COMPLETED,
  NO_SCHEDULES,
  newJob,
  retryIn,
  rules,
  settleOf,
  stubborn,
} from "./words.js";

const PREFIX = "keys:";
const TASK = "mail";

let server: TestServer;
let proxy: FaultProxy;
let client: Redis;

beforeAll(async () => {
  server = await startServer();
  proxy = await startFaultProxy(server);
  client = new Redis({ host: server.host, port: server.port });
});

afterAll(async () => {
  client.disconnect();
  await proxy.close();
  await server.stop();
});

async function openStore(more: { prefix?: string; shards?: number } = {}): Promise<Store> {
  const store = createRedisStore({
    redis: { host: "127.0.0.1", port: proxy.port },
    prefix: PREFIX,
    identity: systemChance.identity(),
    clock: systemClock,
    chance: systemChance,
    ...more,
  });
  await store.open();
  return store;
}

async function claim(store: Store, limit: number, leaseMs = HOUR_MS): Promise<Held[]> {
  const args = { settles: [], claims: [{ taskId: TASK, limit }], idle: true, leaseMs, keep: KEEP };
  return heldOf((await store.work(args)).batches);
}

/** Pushes of every kind, and every end that an attempt can come to. */
async function lives(store: Store): Promise<void> {
  const jobs = [
    newJob({ payload: "1" }),
    newJob({ id: "a", payload: "2" }),
    newJob({ id: "a" }),
    newJob({ rules: rules({ priority: -1 }) }),
    newJob({ rules: rules({ priority: 1 }) }),
    newJob({ taskId: "other", due: { in: 10 } }),
    newJob({ id: "late", due: { in: HOUR_MS } }),
    newJob(),
    newJob(),
  ];
  await store.push({ jobs, timeoutMs: 5_000 });
  const held = await claim(store, 10);
  const outcomes = [
    COMPLETED,
    HAND_BACK,
    retryIn(1),
    retryIn(0),
    { kind: "dead", reason: "failed", error: "x" } as const,
    COMPLETED,
  ];
  await store.cancel({ taskId: TASK, id: held.at(-1)?.id ?? "", keep: KEEP });
  const leases = held.map(({ fence, taskId }) => ({ fence, taskId }));
  const progress = [{ taskId: TASK, number: held[0]?.number ?? "", value: "1" }];
  await store.renew({ leases, progress });
  const settles = held.map((job, n) => settleOf(job, outcomes[n % outcomes.length] ?? COMPLETED));
  const work = { settles, claims: [{ taskId: "other", limit: 1 }], idle: false, leaseMs: HOUR_MS };
  await store.work({ ...work, keep: KEEP_COMPLETED });
  await store.cancel({ taskId: TASK, id: "late", keep: KEEP });
  await store.redrive({ taskId: TASK, id: "late" });
}

/** A job that crashes until it must run alone, a scheduler that drains for it, and its end. */
async function crashes(store: Store, other: Store): Promise<void> {
  for (const held of await claim(store, 100)) {
    await store.work({
      settles: [settleOf(held, COMPLETED)],
      claims: [],
      idle: false,
      leaseMs: LEASE_MS,
      keep: KEEP,
    });
  }
  await store.push({ jobs: [stubborn(), newJob()], timeoutMs: 5_000 });
  for (let n = 0; n < 3; n += 1) {
    expect((await claim(store, 2, LEASE_MS)).length).toBeGreaterThan(0);
    await until("all to be reaped", async () => {
      const { expired } = await store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 10 });
      await store.reap({ leases: expired, random: 0.5, keep: KEEP });
      return (await store.counts({ taskId: TASK })).running === 0;
    });
  }
  const busy = {
    settles: [],
    claims: [{ taskId: TASK, limit: 1 }],
    idle: false,
    leaseMs: LEASE_MS,
  };
  expect((await store.work({ ...busy, keep: KEEP })).drain).toBe(true);
  expect((await other.work({ ...busy, keep: KEEP })).drain).toBe(false);
  expect((await claim(other, 1)).map(({ alone }) => alone)).toEqual([true]);
}

async function views(store: Store): Promise<void> {
  for (const state of [
    "scheduled",
    "ready",
    "running",
    "completed",
    "dead",
    "cancelled",
  ] as const) {
    await store.list({ taskId: TASK, state, cursor: null, limit: 2 });
  }
  await store.get({ taskId: TASK, id: "a" });
  await store.counts({ taskId: TASK });
  await store.prune({ taskIds: [TASK, "other"], keep: { ...KEEP, idCount: 0 } });
  await store.mend({ taskId: TASK, urgent: false, place: "" });
}

/** A job that a push hands to a sleeper, which renews and ends it. */
async function handOver(store: Store, sleeper: Store): Promise<void> {
  const wakes: Wake[] = [];
  sleeper.onWake((wake) => wakes.push(wake));
  await until("its subscription", () => wakes.length > 0);
  await sleeper.look({ taskIds: ["lone"], ...NO_SCHEDULES, sleepMs: HOUR_MS });
  await store.push({ jobs: [stubborn({ taskId: "lone" })], timeoutMs: 5_000 });
  const wake = await until("the job", () => wakes.find(({ kind }) => kind === "handed"));
  if (wake.kind !== "handed") throw new Error(wake.kind);
  const [held] = heldOf([{ ...wake.batch, alone: false, leaseMs: HOUR_MS }]);
  const { fence, taskId } = wake.batch;
  await sleeper.renew({ leases: [{ fence, taskId, confirmMs: HOUR_MS }], progress: [] });
  const settles = held === undefined ? [] : [settleOf(held, COMPLETED)];
  const work = { settles, claims: [], idle: false, leaseMs: HOUR_MS, keep: KEEP };
  expect((await sleeper.work(work)).settled).toMatchObject([{ state: "completed" }]);
}

/** A claim that arrives, and whose answer does not. */
async function lostReply(store: Store): Promise<void> {
  await store.push({ jobs: [newJob(), newJob()], timeoutMs: 5_000 });
  proxy.set("mute");
  const claimed = claim(store, 2);
  await until("the claim to arrive", async () => {
    const running = await client.scard(`${PREFIX}{0}:t:${TASK}:claimed`);
    return running >= 2;
  });
  proxy.set("none");
  proxy.cut();
  expect((await claimed).length).toBeGreaterThan(0);
}

async function watched(): Promise<SeenCommand[]> {
  const monitor = await startMonitor(server);
  const store = await openStore();
  const other = await openStore();
  await lives(store);
  await handOver(store, other);
  await crashes(store, other);
  await lostReply(store);
  const parts = {
    store,
    client,
    shard: `${PREFIX}{0}:`,
    claim: (limit: number, leaseMs?: number) => claim(store, limit, leaseMs),
  };
  await scheduleLives(parts);
  await views(store);
  await emptied(parts);
  const [spread, stale] = await Promise.all(
    [1, 2].map(() => openStore({ prefix: "spread:", shards: 4 })),
  );
  await moves(spread as Store, stale as Store);
  await Promise.all([spread?.close(), stale?.close()]);
  await store.close();
  await other.close();
  return await monitor.stop(client);
}

/** The keys that a command touches, as the server itself says. */
async function keysOf(words: readonly string[]): Promise<string[]> {
  if (words.length < 2) return [];
  try {
    return (await client.call("COMMAND", "GETKEYS", ...words)) as string[];
  } catch (error) {
    if (/no key arguments/.test(String(error))) return [];
    throw error;
  }
}

function isEval(command = ""): boolean {
  return command === "EVALSHA" || command === "EVAL";
}

/** A script is sent as a whole when the server does not know it yet. */
function shaOf(command: string | undefined, body: string): string {
  if (command === "EVALSHA") return body;
  return createHash("sha1").update(Buffer.from(body, "latin1")).digest("hex");
}

describe("scripts", () => {
  test("touch no key that they did not declare, in any of the verbs", async () => {
    const bySha = new Map(Object.entries(scripts).map(([name, { sha1 }]) => [sha1, name]));
    const ran = new Set<string>();
    const undeclared = new Set<string>();
    let script = "";
    let declared = new Set<string>();
    let inside = 0;
    for (const { byScript, words } of await watched()) {
      if (!byScript) {
        const [command, body = "", count = "0", ...rest] = words;
        script = isEval(command) ? (bySha.get(shaOf(command, body)) ?? "not ours") : "";
        declared = new Set(rest.slice(0, Number(count)));
        continue;
      }
      expect(script, `a script sent ${words[0]}`).not.toBe("");
      inside += 1;
      ran.add(script);
      for (const key of await keysOf(words)) {
        if (!declared.has(key)) undeclared.add(`${script}: ${words[0]} ${key}`);
      }
    }
    expect([...undeclared]).toEqual([]);
    expect(Object.keys(scripts).filter((name) => !ran.has(name))).toEqual([]);
    expect(inside).toBeGreaterThan(100);
  });

  test("begin with a line that makes Redis refuse keys of other slots", () => {
    for (const [name, { text }] of Object.entries(scripts)) {
      const [first] = text.split("\n");
      // A full server must be able to drain; what adds jobs is refused there as a whole.
      const adds = ["push", "fire", "trigger"].includes(name);
      const wanted = adds ? "#!lua" : "#!lua flags=allow-oom";
      expect(`${name}: ${first}`).toBe(`${name}: ${wanted}`);
    }
  });

  test("are those of protocol/lua, one for each verb", () => {
    const files = readdirSync(new URL("../../protocol/lua", import.meta.url));
    const verbs = files.filter((file) => file.endsWith(".lua")).map((file) => file.slice(0, -4));
    expect(Object.keys(scripts).sort()).toEqual(verbs.sort());
  });

  test("never swallow an error, walk a whole structure, or know the clock of the tests", () => {
    const forbidden =
      /redis\.pcall|'(HGETALL|HKEYS|HVALS|KEYS|SCAN|SMEMBERS)'|'LRANGE', [^,]+, 0, -1|test:offset/;
    for (const [name, { text }] of Object.entries(scripts)) {
      expect(`${name}: ${forbidden.exec(text)?.[0] ?? "fine"}`).toBe(`${name}: fine`);
    }
  });

  test("ask for the time in one place only", () => {
    const folder = new URL("../../protocol/lua/", import.meta.url);
    const files = readdirSync(folder, { recursive: true }).map(String);
    const callers = files.filter(
      (file) =>
        file.endsWith(".lua") && readFileSync(new URL(file, folder), "utf8").includes("'TIME'"),
    );
    expect(callers.sort()).toEqual(["lib/now-test.lua", "lib/now.lua"]);
  });
});
