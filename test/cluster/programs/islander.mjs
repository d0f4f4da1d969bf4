/**
 * Whoever lives on one side of a cut: a pusher and a worker, which say on a line of standard output
 * each what they have pushed, and what has begun. A worker that is idle is heard of by jobs only.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createScheduler } from "schedule-mq";

/**
 * @typedef {object} IslanderOrders
 * @property {string} side ids of its jobs begin with it
 * @property {import("schedule-mq").RedisConfig} redisConfig
 * @property {string[]} tasks
 * @property {{ taskId: string, jobs: number } | null} backlog jobs that take a while to run, one
 *   after the other
 */

const EVERY_MS = 15;
const SLOW_MS = 100;

/** @type {IslanderOrders} */
const { side, redisConfig, tasks, backlog } = JSON.parse(process.argv[2] ?? "{}");

/** @param {object} event */
function tell(event) {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), ...event })}\n`);
}

/** @type {import("schedule-mq").SchedulerOptions} */
const options = { redisConfig, lease: "3s", pushTimeout: "2s", stopTimeout: "2s", logger: false };
const worker = createScheduler(options);
const pusher = createScheduler(options);
for (const scheduler of [worker, pusher]) scheduler.on("error", () => {});
for (const taskId of tasks) {
  worker.bind(taskId, async (_data, { jobId, scheduledFor }) => {
    if (scheduledFor === undefined) tell({ kind: "began", id: jobId, taskId });
    else tell({ kind: "fired", id: `${taskId}@${scheduledFor}`, taskId, scheduledFor });
    await pause(5);
  });
  worker.register(taskId, { every: "1s" });
}
if (backlog !== null) {
  const { taskId } = backlog;
  worker.bind(
    taskId,
    async (_data, { jobId: id }) => {
      tell({ kind: "began", id, taskId });
      await pause(SLOW_MS);
    },
    { concurrency: 1 },
  );
}
await worker.start();
for (let n = 0; n < (backlog?.jobs ?? 0); n += 1) await pushTo(backlog?.taskId ?? "", -1 - n, 0);
tell({ kind: "up" });

let isOver = false;
// The pipe closes when whoever started this is gone.
process.stdin.on("end", () => {
  isOver = true;
});
process.stdin.resume();

/**
 * @param {string} taskId
 * @param {number} n
 * @param {number} kind
 */
async function pushTo(taskId, n, kind) {
  const id = `${side} ${n}`;
  /** @type {import("schedule-mq").PushOptions} */
  const more = kind === 3 ? { retry: true } : kind === 4 ? { delay: "10m" } : {};
  const job = { id, taskId, isLater: kind === 4, isOnce: kind !== 3, sentAt: Date.now() };
  try {
    await pusher.push(taskId, { id, ...more });
    tell({ kind: "pushed", ...job });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : String(error);
    tell({ kind: "refused", ...job, code });
  }
}

const pushes = [];
for (let n = 0; !isOver; n += 1) {
  pushes.push(pushTo(tasks[n % tasks.length] ?? "", n, n % 5));
  await pause(EVERY_MS);
}
await Promise.all(pushes);
await Promise.all([worker.stop(), pusher.stop()]);
tell({ kind: "over" });
process.exit(0);
