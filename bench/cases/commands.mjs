/** Commands: what clients send per job, and what scripts run for it, as MONITOR hears it. */
import { problemsOf } from "../lib/costs.mjs";
import { total } from "../lib/redis-facts.mjs";
import { TASK, WARM } from "../lib/scene.mjs";

/**
 * @typedef {import("../lib/case.mjs").Case} Case
 * @typedef {import("../lib/redis-facts.mjs").Heard} Heard
 */

const IN_FLIGHT = 1_000;
const CONCURRENCY = 10;
const WARM_JOBS = 100;

const SIZE = { jobs: 2_000 };

/** @type {Case} */
const commands = {
  key: "commands",
  title: ({ jobs }) =>
    `commands: ${jobs} single pushes, ${IN_FLIGHT} in flight; drain, concurrency ${CONCURRENCY}`,
  sizes: { quick: SIZE, full: SIZE },
  redisOnly: true,
  together: true,
  metrics: [
    { key: "pushSent", title: "sent/push", better: "less", digits: 3 },
    { key: "pushInside", title: "in scripts/push", better: null, digits: 2 },
    { key: "runSent", title: "sent/run", better: "less", digits: 3 },
    { key: "runInside", title: "in scripts/run", better: null, digits: 2 },
  ],
  async run(scene) {
    const { jobs = 0 } = scene.size;
    const producer = scene.producer();
    const worker = scene.worker();
    // Connections are open and scripts are loaded before anything is counted.
    await producer("single", { taskId: WARM, jobs: WARM_JOBS, inFlight: IN_FLIGHT });
    await worker("drain", { ...scene.load(WARM, CONCURRENCY), jobs: WARM_JOBS });
    const monitor = await scene.monitor();
    if (monitor === null) throw new Error("only Redis can be listened to");
    await monitor.take();
    await producer("single", { taskId: TASK, jobs, inFlight: IN_FLIGHT });
    const pushed = await monitor.take();
    const report = await worker("drain", { ...scene.load(TASK, CONCURRENCY), jobs });
    const ran = await monitor.take();
    const figures = {
      pushSent: total(pushed.sent) / jobs,
      pushInside: total(pushed.inside) / jobs,
      runSent: total(ran.sent) / jobs,
      runInside: total(ran.inside) / jobs,
    };
    return { figures, problems: problemsOf(report) };
  },
};

export const cases = [commands];
