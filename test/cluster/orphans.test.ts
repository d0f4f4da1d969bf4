/**
 * Claims about an outage of one shard of a Cluster that is longer than `orphanAfter`: whoever comes
 * back there first does not take the schedules of the others, who live, for orphans.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import { createSchedulerWith } from "../../src/create.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { testScripts } from "../../src/store/redis/testing-scripts.js";
import type { Scheduler } from "../../src/types.js";
import { type Recorded, record, unreachable } from "../loops/scene.js";
import { type ClusterNode, startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";

const SHARDS = 16;
const PREFIX = "orphans:";
const HOUR_MS = 3_600_000;

let cluster: TestCluster;
let victim: ClusterNode;
let away: string;
let shard: number;
const members: Scheduler[] = [];

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0, nodeTimeoutMs: 60_000 });
  const first = await cluster.ownerOf(0);
  const shards = Array.from({ length: SHARDS }, (_, index) => index);
  const owners = await Promise.all(shards.map((index) => cluster.ownerOf(index)));
  shard = owners.findIndex((owner) => owner !== first);
  victim = owners[shard] as ClusterNode;
  const names = Array.from({ length: 100 }, (_, n) => `task-${n}`);
  away = names.find((name) => shardOfTask(name, SHARDS) === shard) as string;
}, 60_000);

afterAll(async () => {
  if (victim !== undefined) process.kill(victim.server.pid, "SIGCONT");
  await Promise.all(members.map((member) => member.stop()));
  await cluster?.stop();
}, 60_000);

interface Member extends Recorded {
  scheduler: Scheduler;
  fired: number[];
  orphaned: string[];
}

/** Its store's clock is moved by a key of each shard. */
function member(): Member {
  const identity = systemChance.identity();
  const recorded = record(
    createRedisStore({
      ...{ redis: cluster.config, prefix: PREFIX, identity },
      ...{ clock: systemClock, chance: systemChance, scripts: testScripts },
    }),
  );
  const options = { logger: false, stopTimeout: "2s", redisPrefix: PREFIX };
  const scheduler = createSchedulerWith({ options, store: recorded.store, instanceId: identity });
  members.push(scheduler);
  const fired: number[] = [];
  const orphaned: string[] = [];
  scheduler.on("error", () => {});
  scheduler.on("schedule:orphaned", ({ scheduleId }) => void orphaned.push(scheduleId));
  scheduler.bind(away, (_data, { scheduledFor = 0 }) => void fired.push(scheduledFor));
  return Object.assign(recorded, { scheduler, fired, orphaned });
}

test("after two hours without one shard its schedules are no orphans", async () => {
  const owner = member();
  const options = { every: "1s", orphan: "remove", orphanAfter: "1m" } as const;
  owner.scheduler.register(away, options);
  await owner.scheduler.start();
  const other = member();
  await other.scheduler.start();
  const fired = () => [...owner.fired, ...other.fired];
  await until("it to fire", () => fired().length > 1, 10_000);

  process.kill(victim.server.pid, "SIGSTOP");
  for (const { scheduler } of [owner, other]) {
    await until("it to be missed", () => !scheduler.health().store.connected, 20_000);
  }
  // The owner comes back there a little later than the other one.
  owner.before = ({ args }) => {
    const shards = [args?.shard, ...(args?.schedules ?? []).map(() => shard)];
    if (shards.includes(shard)) throw unreachable();
  };
  const seenAt = Date.now();
  const later = victim.client.incrby(`${PREFIX}{${shard}}:test:offset`, 2 * HOUR_MS);
  process.kill(victim.server.pid, "SIGCONT");
  await later;

  const isLater = (instant: number) => instant > seenAt + HOUR_MS;
  await until("the other one to fire", () => other.fired.filter(isLater).length > 1, 15_000);
  owner.before = () => {};
  const before = fired().length;
  await until("it to fire again", () => fired().length > before + 2, 15_000);
  expect([...owner.orphaned, ...other.orphaned]).toEqual([]);
  const info = await owner.scheduler.schedules.get(away);
  expect(info).toMatchObject({ scheduleId: away, paused: null });
  expect(new Set(fired()).size).toBe(fired().length);
}, 90_000);
