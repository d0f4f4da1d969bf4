/** Registers the schedules again and again, each time within a few ms of a full second. */
import { setTimeout as pause } from "node:timers/promises";
import { createScheduler } from "schedule-mq";
import { handlerFor } from "./handler.mjs";
import { historyOf, noteLags } from "./history.mjs";
import { orders, tell } from "./parent.mjs";

const SPREAD_MS = 20;

/** @type {import("./worker.mjs").WorkerOrders} */
const { by, file, scheduler: options, schedules } = orders();
const note = historyOf(file, by);
let isOver = false;
process.on("SIGTERM", () => {
  note("term");
  isOver = true;
});

note("hello");
noteLags(note);
for (let round = 0; !isOver; round += 1) {
  const scheduler = createScheduler({ ...options, logger: false });
  scheduler.on("error", () => {});
  for (const { taskId, ...schedule } of schedules) {
    scheduler.bind(taskId, handlerFor(note));
    scheduler.register(taskId, schedule);
  }
  const dueAt = Math.ceil((Date.now() + SPREAD_MS + 5) / 1_000) * 1_000;
  await pause(dueAt + (Math.random() * 2 - 1) * SPREAD_MS - Date.now());
  await scheduler.start();
  if (round === 0) {
    note("up");
    tell("up");
  }
  await pause(100 + Math.random() * 400);
  await scheduler.stop();
}
note("stopped");
