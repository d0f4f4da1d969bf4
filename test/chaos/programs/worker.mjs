/** A worker in a fault run: handlers, schedules, and notes of what the library says of itself. */
import { createScheduler } from "schedule-mq";
import { handlerFor } from "./handler.mjs";
import { historyOf, noteLags } from "./history.mjs";
import { orders, tell } from "./parent.mjs";

/**
 * @typedef {object} WorkerOrders
 * @property {string} by
 * @property {string} file
 * @property {import("schedule-mq").SchedulerOptions} scheduler
 * @property {Record<string, number>} tasks the concurrency of each
 * @property {({ taskId: string } & import("schedule-mq").RegisterOptions)[]} schedules
 */

/** @type {WorkerOrders} */
const { by, file, scheduler: options, tasks, schedules } = orders();
const note = historyOf(file, by);
const scheduler = createScheduler({ ...options, logger: false });
const handler = handlerFor(note);
for (const [taskId, concurrency] of Object.entries(tasks)) {
  scheduler.bind(taskId, handler, { concurrency });
}
for (const { taskId, ...schedule } of schedules) scheduler.register(taskId, schedule);

scheduler.on("job:completed", ({ jobId, taskId, attempt }) => {
  note("completed", { jobId, taskId, attempt });
});
scheduler.on("lease:lost", ({ jobId, taskId, attempt, fence }) => {
  note("leaseLost", { jobId, taskId, attempt, fence });
});
scheduler.on("store:lost", () => note("storeLost"));
scheduler.on("store:back", ({ emptied }) => note("storeBack", { emptied }));
scheduler.on("error", (error) => {
  const code = "code" in error ? error.code : error.name;
  note("trouble", { code, text: error.message.slice(0, 200) });
});
process.on("SIGTERM", () => note("term"));

let said = "";
const watch = setInterval(() => {
  const { live, ready, reasons } = scheduler.health();
  const says = JSON.stringify({ live, ready, reasons });
  if (says !== said) note("health", { live, ready, reasons });
  said = says;
}, 100);
watch.unref();

note("hello");
noteLags(note);
// From here on it knows what to do on SIGTERM.
const over = scheduler.run();
scheduler.start().then(
  () => {
    note("up");
    tell("up");
  },
  () => {},
);
await over;
note("stopped");
