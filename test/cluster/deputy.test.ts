/**
 * Claims about the thread that renews for an event loop that is blocked, while one primary of a
 * Cluster does not answer: what the others have is renewed, and handed back, all the same.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import { DEFAULT_KEEP } from "../../src/core/keep.js";
import { checkPush } from "../../src/core/options.js";
import { createScheduler } from "../../src/index.js";
import { Board, BoardView } from "../../src/loops/deputy/board.js";
import { Duty } from "../../src/loops/deputy/duty.js";
import type { Store } from "../../src/store/contract.js";
import { createRedisDeputyStore } from "../../src/store/redis/deputy-store.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { type ClusterNode, startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";
import { allowPart, chooseVictim, SHARDS } from "./victim.js";

const LEASE_MS = 2_000;

let cluster: TestCluster;
let victim: ClusterNode;
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0, nodeTimeoutMs: 60_000 });
  await allowPart(cluster);
}, 60_000);

afterEach(async () => {
  if (victim !== undefined) process.kill(victim.server.pid, "SIGCONT");
  for (const end of endings.splice(0).reverse()) await end();
}, 60_000);

afterAll(async () => await cluster?.stop());

const partsOf = (prefix: string) => ({
  ...{ redis: cluster.config, prefix, keep: DEFAULT_KEEP, leaseMs: LEASE_MS },
  ...{ clock: systemClock, chance: systemChance, identity: systemChance.identity() },
});

async function running(store: Store, taskId: string) {
  const retry = { retry: true, retryTimeout: 1 };
  const job = checkPush(taskId, retry, { payloadLimitBytes: 1_000 });
  await store.push({ jobs: [job], timeoutMs: 5_000 });
  const { batches } = await store.work({
    ...{ settles: [], claims: [{ taskId, limit: 1 }], idle: false, leaseMs: LEASE_MS },
    ...{ shard: shardOfTask(taskId, SHARDS), keep: DEFAULT_KEEP },
  });
  return batches[0]!;
}

/** Another scheduler, which takes what nobody has. */
async function rivalOf(redisPrefix: string, taskIds: readonly string[]) {
  const options = { redisPrefix, logger: false, pollInterval: 100 } as const;
  const rival = createScheduler({ redisConfig: cluster.config, ...options });
  endings.push(() => rival.stop());
  const ran: string[] = [];
  for (const taskId of taskIds) rival.bind(taskId, () => void ran.push(taskId));
  await rival.start();
  return ran;
}

test.each([
  { what: "one that cannot be given back its jobs keeps nobody from renewing elsewhere" },
  { what: "nor does the first one, of which nothing was known yet", hasFirst: true },
])(
  "$what",
  async ({ hasFirst = false }) => {
    const { node, there, elsewhere } = await chooseVictim(cluster, { hasFirst });
    victim = node;
    const [[away = ""], [runs = "", waits = ""]] = [there, elsewhere];
    const prefix = `deputy-${hasFirst}:`;
    const parts = () => partsOf(prefix);
    const store = createRedisStore(parts());
    endings.push(() => store.close());
    const board = new Board(() => {});
    const taskIds = [away, runs, waits];
    const leases: { fence: string; taskId: string; shard: number }[] = [];
    for (const [task, taskId] of taskIds.entries()) {
      const { fence, jobs } = await running(store, taskId);
      const shard = shardOfTask(taskId, SHARDS);
      leases.push({ fence, taskId, shard });
      const lease = { fence, task, shard, leaseMs: LEASE_MS, limitMs: 60_000, jobs };
      const place = board.hold(lease);
      if (taskId === runs) board.mayBegin(place, 0);
    }
    const deputyStore = await createRedisDeputyStore({ ...parts(), shards: SHARDS });
    endings.push(() => deputyStore.close());
    const duty = new Duty({
      ...{ clock: systemClock, board: new BoardView(board.memory), leaseMs: LEASE_MS, taskIds },
      ...{ store: async () => deputyStore, closeStore: () => {} },
    });
    // It has been there before: its way to each shard is known.
    if (!hasFirst) await deputyStore.renew({ leases: [], progress: [] });
    const ran = await rivalOf(prefix, [runs, waits]);
    // The last sign of life of their own loop.
    await store.renew({ leases, progress: [] });
    process.kill(victim.server.pid, "SIGSTOP");
    // Nobody beats: the event loop of these jobs is blocked.
    let isOver = false;
    const look = (): void => {
      const delayMs = duty.look();
      if (!isOver && delayMs !== null) systemClock.after(delayMs, look);
    };
    look();
    endings.push(async () => {
      isOver = true;
    });
    await until("what had not begun to run elsewhere", () => ran.includes(waits));
    const endsAt = systemClock.monotonic() + 4 * LEASE_MS;
    await until("four leases to pass", () => systemClock.monotonic() > endsAt, 20_000);
    expect(ran, "it is renewed").toEqual([waits]);
    process.kill(victim.server.pid, "SIGCONT");
    await until(
      "the rest to be handed back",
      async () => (await store.counts({ taskId: away })).ready,
    );
  },
  60_000,
);
