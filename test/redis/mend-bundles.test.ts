/**
 * Claims about `repair()` of bundles on a real server: each part of them is deleted or damaged in
 * turn; after a repair everything drains, and nothing that may run only once runs twice.
 */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { RetryRule } from "../../src/core/job.js";
import { createScheduler } from "../../src/index.js";
import type { Scheduler } from "../../src/types.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { job, KEEP, storeOn } from "./store-kit.js";

const PREFIX = "_mend:";
const SHARD = `${PREFIX}{0}:`;
const TASK = `${SHARD}t:a:`;

let server: TestServer;
let admin: Redis;
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startServer();
  admin = new Redis({ host: server.host, port: server.port });
}, 30_000);
beforeEach(() => admin.flushall());
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});
afterAll(async () => {
  admin?.disconnect();
  await server?.stop();
});

function schedulerHere(): Scheduler {
  const { host, port } = server;
  const redisConfig = { host, port };
  const options = { redisConfig, redisPrefix: PREFIX, logger: false, pollInterval: 50 } as const;
  const scheduler = createScheduler({ ...options, lease: "300ms" });
  scheduler.on("error", () => {});
  endings.push(() => scheduler.stop());
  return scheduler;
}

const many = (name: string, retry: RetryRule | null) =>
  Array.from({ length: 20 }, (_, k) => {
    const rules = { retry, priority: 0, timeoutMs: null };
    return job("a", { payload: JSON.stringify(`${name}${k}`), rules });
  });

/** The first eight of both, which run under leases of one that has died; and one is cancelled. */
async function fill(): Promise<void> {
  const { host, port } = server;
  const store = storeOn({ host, port }, PREFIX);
  const again = { attempts: 0, waitMs: 1, backoff: "fixed" } as const;
  const claims = [{ taskId: "a", limit: 8 }];
  const work = { settles: [], claims, idle: false, leaseMs: 300, keep: KEEP };
  await store.push({ jobs: many("once", null), timeoutMs: 5_000 });
  await store.work(work);
  const pushed = await store.push({ jobs: many("again", again), timeoutMs: 5_000 });
  await store.cancel({ taskId: "a", id: pushed[15]?.id ?? "", keep: KEEP });
  // The rest of the first bundle stands before the second one.
  await store.work({ ...work, claims: [{ taskId: "a", limit: 12 }] });
  await store.work(work);
  await store.close();
}

async function drainAll(): Promise<string[]> {
  const ran: string[] = [];
  const worker = schedulerHere();
  worker.bind("a", (data) => void ran.push(String(data)));
  await worker.start();
  await until(
    "the task to drain",
    async () => {
      const { ready, scheduled, running } = await worker.jobs.counts("a");
      return ready + scheduled + running === 0;
    },
    50_000,
  );
  await worker.stop();
  return ran;
}

const letters = async () =>
  (await admin.hkeys(`${TASK}bundles`)).filter((field) => field.endsWith("s"));
const lastLetters = async () => (await letters()).sort().at(-1) ?? "";
const drop = (...fields: string[]) => admin.hdel(`${TASK}bundles`, ...fields);

const FIRST = Array.from({ length: 8 }, (_, k) => `again${k}`);
const REST = Array.from({ length: 12 }, (_, k) => `again${k + 8}`).filter((s) => s !== "again15");

const DAMAGES: readonly [string, () => Promise<unknown>, readonly string[], readonly string[]][] = [
  ["nothing", async () => {}, [], [...FIRST, ...REST]],
  ["the line", () => admin.del(`${TASK}ready`), ["counts", "ready"], [...FIRST, ...REST]],
  ["the counters", () => drop("n", "a", "e"), ["counts"], [...FIRST, ...REST]],
  ["one counter", () => drop("n"), ["counts"], [...FIRST, ...REST]],
  ["a wrong counter", () => admin.hset(`${TASK}bundles`, "n", 3), ["counts"], [...FIRST, ...REST]],
  [
    "all letters",
    async () => drop(...(await letters())),
    ["counts", "running"],
    [...FIRST, ...REST],
  ],
  [
    "letters and counters",
    async () => drop(...(await letters()), "n", "a", "e"),
    ["counts", "running"],
    [...FIRST, ...REST],
  ],
  [
    "the letters of a bundle and the line",
    async () => Promise.all([drop(await lastLetters()), admin.del(`${TASK}ready`)]),
    ["counts", "running"],
    [...FIRST, ...REST],
  ],
  [
    "the records of a bundle",
    async () => drop((await lastLetters()).slice(0, -1)),
    ["counts", "running"],
    [],
  ],
  ["all of them", () => admin.del(`${TASK}bundles`), [], []],
  ["the index of leases", () => admin.del(`${SHARD}leases`), ["leases"], [...FIRST, ...REST]],
  ["the leases", () => admin.del(`${SHARD}lease`), ["running"], [...FIRST, ...REST]],
  [
    "leases and index",
    () => admin.del(`${SHARD}lease`, `${SHARD}leases`),
    ["running"],
    [...FIRST, ...REST],
  ],
];

test.each(DAMAGES)(
  "%s lost: it is mended, and drains",
  async (_, damage, kinds, wanted) => {
    await fill();
    await damage();
    const mender = schedulerHere();
    const { mended } = await mender.repair({ tasks: ["a"] });
    const found = new Set(mended.map(({ kind }) => kind));
    for (const kind of found) expect(kinds).toContain(kind);
    expect(found.size > 0).toBe(kinds.length > 0);
    expect((await mender.repair({ tasks: ["a"] })).mended).toEqual([]);
    const ran = await drainAll();
    expect(ran.filter((name) => name.startsWith("once"))).toEqual([]);
    expect(ran).toEqual(expect.arrayContaining([...wanted]));
    expect(await admin.exists(`${TASK}bundles`, `${TASK}jobs`, `${TASK}claimed`)).toBe(0);
    const { ready, running, scheduled } = await mender.jobs.counts("a");
    expect({ ready, running, scheduled }).toEqual({ ready: 0, running: 0, scheduled: 0 });
  },
  60_000,
);
