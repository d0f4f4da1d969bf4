/** A worker whose handler is a file; says how long its own event loop was held up. */
import { createScheduler } from "schedule-mq";
import { onWord, orders, tell } from "./parent.mjs";

/**
 * @typedef {object} ThreadsOrders
 * @property {import("schedule-mq").SchedulerOptions} scheduler
 * @property {import("schedule-mq").BindOptions} bind
 */

/** @type {ThreadsOrders} */
const { scheduler: options, bind } = orders();

/** @param {object} fields @param {string} message */
const info = (fields, message) => {
  if (message === "from the thread") tell("log", fields);
};
const nothing = () => {};
const logger = { debug: nothing, info, warn: nothing, error: nothing };

const scheduler = createScheduler({ ...options, logger });
scheduler.bind("task", new URL("./computing.mjs", import.meta.url), bind);

let longestMs = 0;
let at = performance.now();
const timer = setInterval(() => {
  longestMs = Math.max(longestMs, performance.now() - at);
  at = performance.now();
}, 5);

onWord((word) => {
  if (word === "stop") void scheduler.stop();
  if (word === "longest") tell("longest", { ms: longestMs });
});

await scheduler.start();
tell("started");
await scheduler.run();
clearInterval(timer);
tell("stopped");
