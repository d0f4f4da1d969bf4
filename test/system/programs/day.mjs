/**
 * A day's jobs as fast as they go: of every kind, with ids, delayed, failing, cancelled, beside a
 * schedule. Says after each part of the day what this process holds on to, and waits for a word.
 */
import { setTimeout as wait } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createScheduler } from "schedule-mq";
import { onWord, orders, tell } from "./parent.mjs";

/**
 * @typedef {object} DayOrders
 * @property {import("schedule-mq").SchedulerOptions} scheduler
 * @property {number} parts
 * @property {number} jobs of each part
 */

/** @type {DayOrders} */
const { scheduler: options, parts, jobs } = orders();

setFlagsFromString("--expose-gc");
/** @type {() => void} */
const collect = runInNewContext("gc");

const few = { count: 100 };
const scheduler = createScheduler({
  ...options,
  ...{ idRetention: "1s", retention: { completed: few, dead: few, cancelled: few } },
});
let ran = 0;
/** @param {{ fails?: boolean }} data */
const handler = (data) => {
  ran += 1;
  if (data?.fails) throw new Error("as it was told");
};
scheduler.bind("task", handler, { concurrency: 100 });
scheduler.register("task", { scheduleId: "often", every: "1s", overlap: "bufferOne" });

/** @type {import("schedule-mq").PushOptions<{ fails?: boolean }>[]} */
const KINDS = [
  { data: {} },
  { data: {}, delay: "50ms" },
  { data: { fails: true } },
  { data: { fails: true }, retry: { attempts: 2 }, retryTimeout: "10ms" },
  { data: {}, priority: 5 },
  { data: {}, retry: true, timeout: "1m" },
];
const AT_ONCE = 600;
const ALONE = 20;

/** @param {number} part */
async function live(part) {
  for (let n = 0; n < jobs; n += AT_ONCE) {
    const items = Array.from({ length: AT_ONCE }, (_, k) => ({
      ...KINDS[k % KINDS.length],
      // Ids are remembered for longer than this takes: those of the last hours alone would grow.
      ...(k % 5 === 0 && part < 2 ? { id: `${part} ${n + k}` } : {}),
    }));
    await scheduler.pushMany("task", items);
    const late = await scheduler.push("task", { delay: "1h" });
    const alone = Array.from({ length: ALONE }, () => scheduler.push("task"));
    await Promise.all([scheduler.jobs.cancel("task", late.id), ...alone]);
  }
  for (;;) {
    const { ready, running, scheduled } = await scheduler.jobs.counts("task");
    if (ready + running + scheduled === 0) return;
    await wait(20);
  }
}

function held() {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const names = process.eventNames();
  return {
    heap: heapUsed + arrayBuffers,
    resources: process.getActiveResourcesInfo().length,
    listeners: names.reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

let goOn = () => {};
onWord(() => goOn());
// Waiting for a word keeps no process alive.
const staysAlive = setInterval(() => {}, 60_000);
await scheduler.start();
for (let part = 0; part < parts; part += 1) {
  await live(part);
  const word = new Promise((resolve) => {
    goOn = () => resolve(null);
  });
  tell("part", { ran, ...held() });
  await word;
}
clearInterval(staysAlive);
await scheduler.stop();
tell("stopped");
