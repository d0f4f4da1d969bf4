/** A member of the fleet: binds, registers, starts, and stops when told to or by SIGTERM. */
import { createScheduler } from "schedule-mq";
import { handlerFor } from "./handler.mjs";
import { onWord, orders, tell } from "./parent.mjs";

/**
 * @typedef {object} WorkerOrders
 * @property {import("schedule-mq").SchedulerOptions} scheduler
 * @property {string} journal
 * @property {Record<string, import("schedule-mq").BindOptions>} tasks
 * @property {({ taskId: string } & import("schedule-mq").RegisterOptions)[]} [schedules]
 * @property {import("schedule-mq").StartOptions} [start]
 * @property {number} [copies] how many schedulers in this process; default 1
 */

/** @type {WorkerOrders} */
const { scheduler: options, journal, tasks, schedules = [], start = {}, copies = 1 } = orders();

const fleet = Array.from({ length: copies }, () => {
  const scheduler = createScheduler(options);
  const handler = handlerFor(journal);
  for (const [taskId, bind] of Object.entries(tasks)) scheduler.bind(taskId, handler, bind);
  for (const { taskId, ...schedule } of schedules) scheduler.register(taskId, schedule);
  for (const event of /** @type {const} */ (["store:lost", "store:back", "lease:lost"])) {
    scheduler.on(event, () => tell(event));
  }
  return scheduler;
});

onWord((word) => {
  if (word === "stop") for (const scheduler of fleet) void scheduler.stop();
});

try {
  const ends = fleet.map(async (scheduler) => {
    tell("starting");
    await scheduler.start(start);
    tell("started");
    await scheduler.run();
    tell("stopped");
  });
  await Promise.all(ends);
} catch (error) {
  tell("failed", { code: error instanceof Error && "code" in error ? error.code : String(error) });
}
