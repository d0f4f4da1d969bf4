/** Dies by SIGKILL right after it has made an occurrence a job: the handler may not have begun. */
import { createScheduler } from "schedule-mq";
import { handlerFor } from "./handler.mjs";
import { orders, tell } from "./parent.mjs";

/**
 * @typedef {object} AssassinOrders
 * @property {import("schedule-mq").SchedulerOptions} scheduler
 * @property {string} journal
 * @property {import("schedule-mq").RegisterOptions} schedule
 */

/** @type {AssassinOrders} */
const { scheduler: options, journal, schedule } = orders();
const scheduler = createScheduler(options);
scheduler.bind("task", handlerFor(journal));
scheduler.register("task", schedule);
scheduler.on("schedule:fired", () => process.kill(process.pid, "SIGKILL"));
await scheduler.start();
tell("started");
