/** Idle: what one worker process with nothing to do asks of Redis, and what it costs. */
import { setTimeout as wait } from "node:timers/promises";
import { total } from "../lib/redis-facts.mjs";

/** @typedef {import("../lib/case.mjs").Case} Case */

const CONCURRENCY = 10;

/**
 * @param {number} tasks
 * @returns {Case}
 */
const idle = (tasks) => ({
  key: `idle-${tasks}`,
  title: ({ seconds }) => `idle: 1 worker process, ${tasks} bound tasks, ${seconds} s`,
  sizes: { quick: { seconds: 5, settleMs: 1_500 }, full: { seconds: 20, settleMs: 6_000 } },
  together: true,
  metrics: [
    { key: "commands", title: "client commands/s", better: "less", digits: 2 },
    { key: "connections", title: "connections", better: "less", digits: 0 },
    { key: "inside", title: "in scripts/s", better: null, digits: 2 },
    { key: "nodeMs", title: "Node ms/s", better: "less", digits: 2 },
    { key: "redisMs", title: "Redis ms/s", better: "less", digits: 2 },
  ],
  async run(scene) {
    const { seconds = 1, settleMs = 0 } = scene.size;
    const worker = scene.worker();
    const taskIds = Array.from({ length: tasks }, (_, index) => `idle-${index}`);
    await worker("open", { taskIds, concurrency: CONCURRENCY, jobs: 0 });
    await wait(settleMs);
    const { redis } = scene;
    const connections = await redis?.connections();
    const monitor = await scene.monitor();
    await monitor?.take();
    const { cpuUs } = await worker("idle", { ms: seconds * 1_000 });
    const heard = await monitor?.take();
    monitor?.stop();
    /** @type {Record<string, number>} */
    const figures = { nodeMs: cpuUs / 1_000 / seconds };
    if (redis !== null && heard && connections !== undefined) {
      // Listening to every command costs Redis more than they do: its CPU is measured without.
      const before = await redis.cpuUs();
      await wait(seconds * 500);
      figures.redisMs = ((await redis.cpuUs()) - before) / 500 / seconds;
      figures.commands = total(heard.sent) / seconds;
      figures.inside = total(heard.inside) / seconds;
      figures.connections = connections;
    }
    return { figures, problems: [] };
  },
});

export const cases = [idle(10), idle(50)];
