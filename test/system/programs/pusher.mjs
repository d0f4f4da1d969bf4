/**
 * Pushes without end until told to stop, a few at a time, and notes what became of each push:
 * `ok`, or `unknown` when it was rejected. The name of the job is in its data, for its handler.
 */
import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { createScheduler } from "schedule-mq";
import { onWord, orders, tell } from "./parent.mjs";

/**
 * @typedef {object} PusherOrders
 * @property {import("schedule-mq").SchedulerOptions} scheduler
 * @property {string} ledger the file for what became of the pushes
 * @property {{ taskId: string, push: import("schedule-mq").PushOptions }[]} kinds in turns
 * @property {number} everyMs
 */

/** @type {PusherOrders} */
const { scheduler: options, ledger, kinds, everyMs } = orders();
const scheduler = createScheduler(options);
let going = true;
onWord(() => {
  going = false;
});

/**
 * @param {string} name
 * @param {PusherOrders["kinds"][number]} kind
 */
async function pushOne(name, { taskId, push }) {
  const data = { .../** @type {object} */ (push.data), name };
  const what = await scheduler.push(taskId, { ...push, data }).then(
    () => "ok",
    () => "unknown",
  );
  appendFileSync(ledger, `${JSON.stringify({ at: Date.now(), taskId, name, what })}\n`);
}

const pending = [];
for (let n = 0; going; n += 1) {
  const kind = kinds[n % kinds.length];
  if (kind !== undefined) pending.push(pushOne(`${process.pid}-${n}`, kind));
  await pause(everyMs);
}
await Promise.all(pending);
tell("finished", { pushed: pending.length });
await scheduler.stop();
