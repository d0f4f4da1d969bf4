/** Only pushes, and never says good-bye: it has to end by itself all the same. */
import { createScheduler } from "schedule-mq";
import { orders, tell } from "./parent.mjs";

/**
 * @typedef {object} ProducerOrders
 * @property {import("schedule-mq").SchedulerOptions} scheduler
 * @property {string} taskId
 * @property {import("schedule-mq").PushOptions[]} pushes
 */

/** @type {ProducerOrders} */
const { scheduler: options, taskId, pushes } = orders();
const scheduler = createScheduler(options);
const answers = await Promise.all(pushes.map((push) => scheduler.push(taskId, push)));
tell("pushed", { ids: answers.map(({ id }) => id) });
