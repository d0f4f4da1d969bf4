/** Claims about a Cluster whose slots move from node to node under load. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createScheduler } from "../../src/index.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";
import { IS_WHOLE, kindsHere } from "./kinds.js";
import { Load } from "./load.js";

const SHARDS = 16;

let cluster: TestCluster;

describe.each(kindsHere())("%s", (kind) => {
  beforeAll(async () => {
    cluster = await startCluster({ replicas: 0, kind });
  }, 60_000);
  afterAll(async () => await cluster?.stop());

  const testMore = test.runIf(IS_WHOLE || kind === "redis-server");
  testMore("slots that move key by key lose nothing, and no job runs twice", moved, 90_000);
  testMore("who polls seldom is woken wherever its slots have gone", woken, 90_000);
  testMore("a push waits for a slot that is on its way, and is stored once", waits, 90_000);
});

async function anotherThan(shard: number) {
  const owner = await cluster.ownerOf(shard);
  return cluster.nodes[(cluster.nodes.indexOf(owner) + 1) % cluster.nodes.length] ?? owner;
}

async function moved(): Promise<void> {
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
}

function taskIn(shard: number): string {
  const names = Array.from({ length: 500 }, (_, n) => `t${n}`);
  return names.find((name) => shardOfTask(name, SHARDS) === shard) as string;
}

async function woken(): Promise<void> {
  const options = { redisConfig: cluster.config, redisPrefix: "woken:", logger: false } as const;
  const worker = createScheduler({ ...options, pollInterval: "1m" });
  const pusher = createScheduler(options);
  const taskIds = Array.from({ length: SHARDS }, (_, shard) => taskIn(shard));
  const ran = new Set<string>();
  for (const taskId of taskIds) worker.bind(taskId, (_data, { jobId }) => void ran.add(jobId));
  try {
    await worker.start();
    for (let round = 0; round < 3; round += 1) {
      for (let shard = 0; shard < SHARDS; shard += 1) {
        await cluster.migrate(shard, await anotherThan(shard));
        await pusher.push(taskIn(shard), { id: `${shard} of ${round}`, retry: shard % 2 === 0 });
      }
      const all = taskIds.map((taskId, n) => pusher.push(taskId, { id: `${n} after ${round}` }));
      const ids = (await Promise.all(all)).map(({ id }) => id);
      await until("all to have run", () => ids.every((id) => ran.has(id)));
      expect(ran.size).toBe((round + 1) * 2 * SHARDS);
    }
  } finally {
    await Promise.all([worker.stop(), pusher.stop()]);
  }
}

async function waits(): Promise<void> {
  const taskId = taskIn(0);
  const options = { redisConfig: cluster.config, logger: false, pushTimeout: "30s" } as const;
  const scheduler = createScheduler(options);
  const pushed: Promise<{ id: string; created: boolean }>[] = [];
  const push = () => scheduler.push(taskId, { id: `job ${pushed.length}`, retry: true });
  try {
    pushed.push(push());
    await Promise.all(pushed);
    let answered = 0;
    await cluster.migrate(0, await anotherThan(0), async () => {
      pushed.push(push());
      pushed.at(-1)?.finally(() => (answered += 1));
      // Time enough to be refused: it is not answered before the slot has arrived.
      await expect(scheduler.jobs.counts(taskId)).rejects.toMatchObject({
        code: "STORE_UNREACHABLE",
        message: expect.stringMatching(/slot 13907 of shard 0 .* \("(TRYAGAIN|ASK) /),
      });
      expect(answered).toBe(0);
    });
    expect(pushed.length).toBeGreaterThan(1);
    expect((await Promise.all(pushed)).every(({ created }) => created)).toBe(true);
    expect((await scheduler.jobs.counts(taskId)).ready).toBe(pushed.length);
  } finally {
    await scheduler.stop();
  }
}
