/**
 * Pushes far more than may wait, at once and again and again, without waiting for any answer; tells
 * what became of them, and how much memory that took.
 */
import { createScheduler } from "schedule-mq";
import { onWord, orders, tell } from "./parent.mjs";

/**
 * @typedef {object} FloodOrders
 * @property {import("schedule-mq").SchedulerOptions} scheduler
 * @property {import("schedule-mq").SchedulerOptions} [more]
 * @property {number} pushes in one turn of the event loop
 */

/** @type {FloodOrders} */
const { scheduler: options, more = {}, pushes } = orders();

const scheduler = createScheduler({ ...options, ...more });
const data = { to: "x".repeat(80) };

/** @type {Record<string, number>} */
const fates = {};
/** The ids of a few of each fate. @type {Record<string, string[]>} */
const some = {};
let heap = 0;
let open = 0;
let pushed = 0;
let isOver = false;

/** @param {string} fate @param {string} id */
function settled(fate, id) {
  if (fates[fate] === undefined) tell(fate);
  fates[fate] = (fates[fate] ?? 0) + 1;
  some[fate] ??= [];
  if (some[fate].length < 100 && fates[fate] % 97 === 1) some[fate].push(id);
  open -= 1;
  if (open === 0 && isOver) void report();
}

function wave() {
  for (let n = 0; n < pushes; n += 1) {
    if (n % 10_000 === 0) heap = Math.max(heap, process.memoryUsage().heapUsed);
    const id = `job ${pushed}`;
    pushed += 1;
    open += 1;
    scheduler.push("task", { id, data }).then(
      () => settled("stored", id),
      (error) => settled(error.code, id),
    );
  }
  heap = Math.max(heap, process.memoryUsage().heapUsed);
}

async function report() {
  await scheduler.stop();
  process.channel?.unref();
  tell("report", { heap, pushed, fates, some });
}

/** On a busy machine the first connection may take longer than a push may. */
async function connect() {
  for (;;) {
    const isStored = await scheduler.push("task", { id: "first" }).then(
      () => true,
      () => false,
    );
    if (isStored) return;
  }
}

await connect();
tell("started");
onWord((word) => {
  if (word === "wave") {
    wave();
    tell("waved");
  }
  if (word === "end") {
    isOver = true;
    if (open === 0) void report();
  }
});
// A producer keeps no process alive: only the test knows what is still to come.
process.channel?.ref();
