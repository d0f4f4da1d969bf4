/**
 * A worker process of the bench's largest loads: runs the tasks that it is told, and answers what
 * that did to it.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

const { href } = new URL("../../dist/bundle/index.js", import.meta.url);
/** @type {typeof import("../../src/index.js")} */
const { createScheduler } = await import(href);

/**
 * @typedef {object} Orders
 * @property {import("../../src/index.js").SchedulerOptions} options
 * @property {string[]} taskIds
 * @property {number} schedules
 * @property {string} every their expression
 */

const orders = /** @type {Orders} */ (JSON.parse(process.argv[2] ?? "{}"));
const scheduler = createScheduler({ ...orders.options, logger: false });
let ran = 0;
let lastAt = 0;
/** @type {number[]} from the push to the handler, ms */
const waits = [];
for (const taskId of orders.taskIds) {
  const bound = async () => {
    ran += 1;
    lastAt = Date.now();
  };
  scheduler.bind(taskId, bound, { concurrency: 100 });
}
scheduler.bind("other", async (/** @type {{ at: number }} */ { at }) => {
  waits.push(Date.now() - at);
});
for (let n = 0; n < orders.schedules; n += 1) {
  const taskId = orders.taskIds[n % orders.taskIds.length] ?? "";
  scheduler.register(taskId, { scheduleId: `s-${n}`, cronExpr: orders.every });
}

const delays = monitorEventLoopDelay({ resolution: 1 });
const answers = {
  begin: async () => {
    await scheduler.start();
    globalThis.gc?.();
    delays.enable();
    return facts();
  },
  facts: async () => facts(),
  end: async () => {
    globalThis.gc?.();
    const last = facts();
    await scheduler.stop();
    setTimeout(() => process.exit(0), 100);
    return last;
  },
};

function facts() {
  return {
    ran,
    lastAt,
    waits,
    heapMb: process.memoryUsage().heapUsed / 1e6,
    p999Ms: delays.percentile(99.9) / 1e6 - 1,
    worstMs: delays.max / 1e6 - 1,
    handles: process.getActiveResourcesInfo().length,
  };
}

process.on("message", async (word) => {
  const answer = answers[/** @type {keyof typeof answers} */ (word)];
  process.send?.({ word, answer: await answer() });
});
