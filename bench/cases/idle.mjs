/** Idle: what one worker process with nothing to do asks of Redis, and what it costs. */
import { setTimeout as wait } from "node:timers/promises";
import { OWN_SYSTEMS } from "../lib/case.mjs";
import { total } from "../lib/redis-facts.mjs";

/** @typedef {import("../lib/case.mjs").Case} Case */

const CONCURRENCY = 10;

/** Connection probes are counted apart. */
const PROBE = "PING";

/** BullMQ and Bee-Queue ask every 5 s: a shorter time may hear nothing of them. */
const SIZES = { quick: { seconds: 5, settleMs: 1_500 }, full: { seconds: 20, settleMs: 6_000 } };

/** Twice the longest sleep, so that a look more or less does not decide. */
const LONG = { quick: { seconds: 20, settleMs: 6_000 }, full: { seconds: 40, settleMs: 15_000 } };

/**
 * @param {string} key
 * @param {object} how
 * @param {string} how.what
 * @param {number} [how.tasks]
 * @param {Case["sizes"]} [how.sizes]
 * @returns {Case}
 */
const idle = (key, { what, tasks = 10, sizes = SIZES }) => ({
  key: `idle-${key}`,
  title: ({ seconds }) => `idle: 1 worker process, ${tasks} bound tasks${what}, ${seconds} s`,
  sizes,
  together: true,
  metrics: [
    { key: "commands", title: "client commands/s", better: "less", digits: 2 },
    { key: "probes", title: "PING/s", better: null, digits: 2 },
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
      const probes = heard.sent.get(PROBE) ?? 0;
      figures.commands = (total(heard.sent) - probes) / seconds;
      figures.probes = probes / seconds;
      figures.inside = total(heard.inside) / seconds;
      figures.connections = connections;
    }
    return { figures, problems: [] };
  },
});

/** @type {(schedules: number, fullOnly: boolean) => Case} */
const registered = (schedules, fullOnly) => ({
  ...idle(`schedules-${schedules}`, {
    what: ` with ${schedules} schedules in all, none due`,
  }),
  systems: OWN_SYSTEMS,
  mode: { schedules },
  once: true,
  fullOnly,
});

export const cases = [
  { ...idle("10", { what: "" }), fullOnly: true },
  { ...idle("50", { tasks: 50, what: "" }), once: true, fullOnly: true },
  idle("100", { tasks: 100, what: "" }),
  {
    ...idle("poll", { what: ", pollInterval 10 s", sizes: LONG }),
    systems: OWN_SYSTEMS,
    mode: { pollMs: 10_000 },
    once: true,
    fullOnly: true,
  },
  registered(10, true),
  registered(10_000, false),
];
