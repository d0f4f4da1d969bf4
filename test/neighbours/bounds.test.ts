/** What befell others when there was too much of something. Each must not befall us. */
import { describe, expect, test } from "vitest";
import { rowsOf } from "../sqlite/raw.js";
import { type SeenCommand, startMonitor } from "../support/monitor.js";
import { until } from "../support/until.js";
import { KINDS } from "../system/kit/worlds.js";
import { type Scene, withScene } from "./scene.js";

describe.concurrent("OptimalBits/bull#416, OptimalBits/bull#433", () => {
  test("12: a full server keeps no job from being run and ended, and loses none", () =>
    withScene("redis", async (scene) => {
      const pusher = scene.create();
      await pusher.pushMany(
        "task",
        Array.from({ length: 50 }, (_, n) => ({ retry: n % 2 === 0, retryTimeout: 1 })),
      );
      await scene.redis.config("SET", "maxmemory", "1");
      await scene.worker({ work: (_, { attempt }) => attempt > 1 || "done" });
      await scene.drained();
      expect(scene.ran).toHaveLength(50);
      await expect(pusher.push("task")).rejects.toMatchObject({ code: "STORE_REFUSED" });
      await scene.redis.config("SET", "maxmemory", "0");
      await scene.begun((await pusher.push("task")).id);
      expect((await pusher.jobs.counts("task")).total).toMatchObject({ completed: 51, dead: 0 });
    }));
});

describe.concurrent("taskforcesh/bullmq#2215, taskforcesh/bullmq#419", () => {
  test("12: no server that deletes what it likes is used without a warning", () =>
    withScene("redis", async (scene) => {
      const warned: string[] = [];
      const warn = (_: unknown, message = "") => void warned.push(message);
      const logger = { debug() {}, info() {}, warn, error() {} };
      await scene.worker({ options: { logger } });
      expect(warned).toEqual([]);
      await scene.redis.config("SET", "maxmemory-policy", "allkeys-lru");
      await scene.worker({ options: { logger } });
      expect(warned.splice(0).join()).toMatch(/allkeys-lru.*deletes jobs.*noeviction/);
      await scene.redis.config("SET", "maxmemory-policy", "volatile-ttl");
      await scene.worker({ options: { logger } });
      expect(warned.join()).toMatch(/volatile-ttl.*forgets who sleeps.*noeviction/);
    }));
});

describe.concurrent("bee-queue/bee-queue#171, taskforcesh/bullmq#458", () => {
  test.each(KINDS)(
    "13: no second push with an id passes for a job of its own, in bulk or after the end (%s)",
    (kind) =>
      withScene(kind, async (scene) => {
        const pusher = scene.create();
        const id = "order 7";
        expect(await pusher.push("task", { id, data: 1 })).toMatchObject({ created: true });
        const again = { id, created: false, state: "ready" };
        expect(await pusher.push("task", { id, data: 2 })).toMatchObject(again);
        const many = await pusher.pushMany("task", [
          { id, data: 3 },
          { id: "8", data: 4 },
          { id: "8" },
        ]);
        const created = many.map((answer) => answer.error ?? answer.created);
        expect(created).toEqual([false, true, false]);
        await scene.worker();
        await scene.drained();
        // Nothing is kept of completed jobs but this.
        expect(await pusher.push("task", { id, data: 5 })).toMatchObject({
          ...{ id, created: false, state: "completed" },
        });
        await scene.drained();
        expect(scene.ran.map(({ data }) => data).sort()).toEqual([1, 4]);
      }),
  );
});

const DUE = 5_000;
/** For each of the thousand jobs that one call may take. */
const MOST_WORDS = 1_000 * 10;

/** How many words each script has said to the server. */
function wordsOfScripts(seen: readonly SeenCommand[]): number[] {
  const sums = [0];
  for (const { byScript, words } of seen) {
    if (byScript) sums[sums.length - 1]! += words.length;
    else sums.push(0);
  }
  return sums;
}

describe.concurrent("bee-queue/bee-queue#448, OptimalBits/bull#1681", () => {
  test("14: no script blocks the server for all that is due at once", () =>
    withScene("redis", async (scene) => {
      const pusher = scene.create();
      const runAt = Date.now() + 1_500;
      const jobs = Array.from({ length: DUE }, () => ({ runAt, retry: true }));
      await pusher.pushMany("task", jobs);
      await until("all to be due", () => Date.now() > runAt);
      const monitor = await startMonitor(scene.world.server);
      await scene.worker({ concurrency: 100 });
      await until("all to be run", () => scene.ran.length === DUE, 20_000);
      const sums = wordsOfScripts(await monitor.stop(scene.redis));
      expect(sums.reduce((all, one) => all + one)).toBeGreaterThan(DUE);
      expect(Math.max(...sums)).toBeLessThan(MOST_WORDS);
    }));
});

/** Everything in the store, in pieces and bytes. */
async function sizeOf({ redis }: Scene): Promise<{ pieces: number; bytes: number }> {
  const keys = await redis.keys("*");
  const sizes = keys.map((key) => redis.memory("USAGE", key, "SAMPLES", 0));
  const bytes = (await Promise.all(sizes)).reduce<number>((all, one) => all + (one ?? 0), 0);
  return { pieces: keys.length, bytes };
}

async function rowsIn({ world }: Scene): Promise<{ pieces: number; bytes: number }> {
  const { path } = world.options.store as { path: string };
  const tables = await rowsOf(path, "SELECT name FROM sqlite_master WHERE type = 'table'");
  let pieces = 0;
  for (const { name } of tables) {
    const [row] = await rowsOf(path, `SELECT count(*) AS count FROM "${name}"`);
    pieces += Number(row?.count);
  }
  const [pages] = await rowsOf(path, "PRAGMA page_count");
  return { pieces, bytes: Number(pages?.page_count) * 4_096 };
}

describe.concurrent("taskforcesh/bullmq#366, taskforcesh/bullmq#3087", () => {
  test.each(KINDS)("15: no store grows by what has ended (%s)", (kind) =>
    withScene(kind, async (scene) => {
      const failsOnce = (data: unknown, { attempt }: { attempt: number }) =>
        data !== "fails" || attempt > 1;
      await scene.worker({ concurrency: 100, work: failsOnce });
      const pusher = scene.create();
      const run = async () => {
        const jobs = Array.from({ length: 500 }, (_, n) => ({
          ...{ retry: true, retryTimeout: 1, data: n % 10 === 0 ? "fails" : "x".repeat(100) },
        }));
        await pusher.pushMany("task", jobs);
        await scene.drained(pusher);
        return kind === "redis" ? await sizeOf(scene) : await rowsIn(scene);
      };
      const before = await run();
      for (let more = 0; more < 5; more += 1) await run();
      const after = await run();
      // Such as who sleeps, at the moment.
      expect(after.pieces).toBeLessThanOrEqual(before.pieces + 3);
      expect(after.bytes).toBeLessThan(1.25 * before.bytes + 4_096);
    }),
  );
});
