/**
 * Registers a schedule again and again, each time within a few ms of an instant at which it is due:
 * a new scheduler each time, as after a restart.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createScheduler } from "schedule-mq";
import { handlerFor } from "./handler.mjs";
import { onWord, orders, tell } from "./parent.mjs";

/**
 * @typedef {object} StormOrders
 * @property {import("schedule-mq").SchedulerOptions} scheduler
 * @property {string} journal
 * @property {import("schedule-mq").RegisterOptions} schedule due each full second
 * @property {number} spreadMs how far from the instant it registers, to either side
 */

/** @type {StormOrders} */
const { scheduler: options, journal, schedule, spreadMs } = orders();

let isOver = false;
onWord((word) => {
  isOver = word === "stop";
});

for (let round = 0; !isOver; round += 1) {
  const scheduler = createScheduler(options);
  scheduler.bind("task", handlerFor(journal));
  scheduler.register("task", schedule);
  const offMs = (Math.random() * 2 - 1) * spreadMs;
  const dueAt = Math.ceil((Date.now() + spreadMs + 5) / 1_000) * 1_000;
  await pause(dueAt + offMs - Date.now());
  await scheduler.start();
  if (round === 0) tell("started");
  await pause(200 + Math.random() * 500);
  await scheduler.stop();
}
tell("stopped");
