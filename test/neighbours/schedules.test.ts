/** What befell the schedules of others. Each must not befall ours. */
import { describe, expect, test } from "vitest";
import { createTestWorld } from "../../src/testing/index.js";
import type { Scheduler } from "../../src/types.js";
import { until } from "../support/until.js";
import { rowOf, twice } from "../system/kit/occurrences.js";
import { KINDS } from "../system/kit/worlds.js";
import { type Scene, withScene } from "./scene.js";

/** The instants for which jobs were begun, in order. */
function instants({ ran }: Scene): number[] {
  return ran.map(({ scheduledFor = 0 }) => scheduledFor).sort((a, b) => a - b);
}

async function more(scene: Scene, count: number, timeoutMs = 10_000): Promise<void> {
  const wanted = scene.ran.length + count;
  await until(`${count} more occurrences`, () => scene.ran.length >= wanted, timeoutMs);
}

/** What stands in one key for each kind, without the names of tasks and schedulers. */
const KIND = /^.*\{0\}:(?:(t):[^:]*:)?(session|\w+).*$/;
/** The definitions themselves, and who the data belong to: what all else is derived from. */
const TRUTH = ["schedules", "layout"];

describe.concurrent("taskforcesh/bullmq#2790, OptimalBits/bull#2167, OptimalBits/bull#747", () => {
  test("4: no key that is lost, and no job that is deleted, stops a schedule", () =>
    withScene("redis", async (scene) => {
      const every = 200;
      await scene.worker({ schedules: [{ every }], options: { pollInterval: 200 } });
      await more(scene, 2);
      const lost: string[] = [];
      for (;;) {
        const keys = await scene.redis.keys("*");
        const kindOf = (key: string) => key.replace(KIND, "$1$2");
        const kinds = new Set(keys.map(kindOf).filter((kind) => !TRUTH.includes(kind)));
        const [next] = [...kinds].filter((kind) => !lost.includes(kind));
        if (next === undefined) break;
        lost.push(next);
        await scene.redis.del(...keys.filter((key) => kindOf(key) === next));
        await more(scene, 2);
      }
      expect(lost).toEqual(expect.arrayContaining(["meta", "cursors", "firing", "keepers"]));
      expect(twice(instants(scene))).toEqual([]);
    }));
});

describe.concurrent("taskforcesh/bullmq#2876, taskforcesh/bullmq#2988, hibiken/asynq#1013", () => {
  test.each(KINDS)(
    "5: registering again, by many at the due time, fires nothing twice and swallows nothing (%s)",
    (kind) =>
      withScene(kind, async (scene) => {
        const every = 250;
        const schedules = [{ every }];
        const first = await scene.worker({ schedules });
        await more(scene, 1);
        await first.stop();
        // Nobody stays: what is due as one of them comes is there for it to spoil.
        const storm = [0, 1, 2, 3].map(async () => {
          for (let round = 0; round < 8; round += 1) {
            const now = Date.now();
            const dueAt = Math.ceil((now + 20) / every) * every;
            const offMs = Math.random() * 40 - 15;
            await new Promise((resolve) => setTimeout(resolve, dueAt + offMs - now));
            const registrar = await scene.worker({ schedules });
            await registrar.stop();
          }
        });
        await Promise.all(storm);
        await scene.worker({ schedules });
        await more(scene, 1);
        await scene.drained();
        const ran = instants(scene);
        expect(twice(ran), "fired twice").toEqual([]);
        expect(ran, "swallowed").toEqual(rowOf(ran, every));
      }),
  );
});

describe.concurrent("taskforcesh/bullmq#3095, taskforcesh/bullmq#3430", () => {
  test("6: no change of a schedule is forgotten or done twice, by upsert again and again", () =>
    withScene("redis", async (scene) => {
      const worker = await scene.worker();
      for (let version = 1; version <= 6; version += 1) {
        const every = 200 + 100 * (version % 2);
        const change = { scheduleId: "s", every, data: { version } };
        await worker.schedules.upsert("task", change);
        const upsertedAt = Date.now();
        const since = () => scene.ran.filter(({ scheduledFor = 0 }) => scheduledFor > upsertedAt);
        await until("two occurrences", () => since().length >= 2);
        for (const { data, scheduledFor = 0 } of since()) {
          expect(data).toEqual({ version });
          expect(scheduledFor % every).toBe(0);
        }
      }
      expect(twice(instants(scene))).toEqual([]);
    }));

  test("6: two versions of a program side by side fire by the newer one only", () =>
    withScene("redis", async (scene) => {
      const old = { every: 200, data: "old" };
      const young = { every: 300, data: "young" };
      await scene.worker({ schedules: [old] });
      await more(scene, 1);
      await scene.worker({ schedules: [young] });
      const changedAt = Date.now();
      const again = await scene.worker({ schedules: [old] });
      await more(scene, 4);
      await again.stop();
      await more(scene, 1);
      const since = scene.ran.filter(({ scheduledFor = 0 }) => scheduledFor > changedAt);
      expect(new Set(since.map(({ data }) => data))).toEqual(new Set(["young"]));
      expect(since.filter(({ scheduledFor = 0 }) => scheduledFor % 300 !== 0)).toEqual([]);
      expect(twice(instants(scene))).toEqual([]);
    }));
});

const HOUR_MS = 3_600_000;
const QUARTER_MS = HOUR_MS / 4;

describe("node-cron/node-cron#492", () => {
  // There it was silent for 28 hours. From three hours before the change to five after it:
  test.each([
    ["Europe/Vienna", "2025-10-25T22:00:00Z"],
    ["America/New_York", "2025-11-02T03:00:00Z"],
    ["America/Sao_Paulo", "2018-11-04T00:00:00Z"],
  ])("17: no clock change stops a schedule or makes it late (%s)", async (timezone, from) => {
    const startAt = Date.parse(from);
    const { clock, createScheduler } = createTestWorld(startAt);
    const scheduler: Scheduler = createScheduler({ logger: false, pollInterval: "1h" });
    const fired: [instant: number, at: number][] = [];
    scheduler.bind("task", (_, { scheduledFor = 0 }) => {
      fired.push([scheduledFor, clock.now()]);
    });
    scheduler.register("task", { cronExpr: "*/15 * * * *", timezone });
    const started = scheduler.start();
    await clock.settle();
    await started;
    await clock.advance(8 * HOUR_MS);
    const stopped = scheduler.stop();
    await clock.settle();
    await stopped;
    const expected = Array.from({ length: 32 }, (_, n) => startAt + (n + 1) * QUARTER_MS);
    expect(fired).toEqual(expected.map((at) => [at, at]));
  });
});
