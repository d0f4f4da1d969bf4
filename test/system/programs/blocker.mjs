/** A worker whose handler computes: it holds the event loop for as long as its data say. */
import { createScheduler } from "schedule-mq";
import { note } from "./journal.mjs";
import { onWord, orders, tell } from "./parent.mjs";

/**
 * @typedef {object} BlockerOrders
 * @property {import("schedule-mq").SchedulerOptions} scheduler
 * @property {string} journal
 * @property {import("schedule-mq").BindOptions} [bind]
 */

/** @typedef {{ name?: string, blockMs?: number[] }} BlockerData one time for each attempt */

/** @type {BlockerOrders} */
const { scheduler: options, journal, bind = {} } = orders();

const scheduler = createScheduler({ ...options, logger: console });

/**
 * @param {BlockerData} data
 * @param {import("schedule-mq").HandlerContext} context
 */
function handler({ name, blockMs = [] }, context) {
  const called = name === undefined ? {} : { name };
  note(journal, "start", context, called);
  const endAt = performance.now() + (blockMs[context.attempt - 1] ?? 0);
  while (performance.now() < endAt);
  note(journal, "end", context, called);
}

scheduler.bind("task", handler, bind);
for (const event of /** @type {const} */ (["lease:lost", "error"])) {
  scheduler.on(event, () => tell(event));
}

onWord((word) => {
  if (word === "stop") void scheduler.stop();
});

await scheduler.start();
tell("started");
await scheduler.run();
tell("stopped");
