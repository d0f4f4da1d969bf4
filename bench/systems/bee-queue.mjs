/**
 * Bee-Queue 2. Its documented best: no events, no job objects kept, ended jobs removed, delayed
 * jobs not grouped; stalled jobs are looked for, which makes it at least once.
 */

/** @typedef {import("../lib/system.mjs").System} System */

/** Its types are there only when the peers are installed: so its name is no literal. */
const MODULE = "bee-queue";

/** How often stalled jobs are looked for; in the range that its manual calls good. */
const STALLED_MS = 5_000;

const CLOSE_MS = 5_000;

/** Enough for every job that fails once. */
const RETRIES = 4;

/** @param {number} port */
const settings = (port) => ({
  redis: { host: "127.0.0.1", port },
  getEvents: false,
  sendEvents: false,
  storeJobs: false,
});

async function library() {
  return (await import(MODULE)).default;
}

/** @type {System} */
export const system = {
  title: "Bee-Queue",
  usesRedis: true,
  imports: [MODULE],
  async produce({ port, retryMs = 0 }) {
    const Queue = await library();
    const queues = new Map();
    /** @param {string} taskId */
    const queueOf = (taskId) => {
      if (!queues.has(taskId)) {
        queues.set(taskId, new Queue(taskId, { ...settings(port), isWorker: false }));
      }
      return queues.get(taskId);
    };
    /** @type {(taskId: string, data: object, delayMs: number) => any} */
    const jobOf = (taskId, data, delayMs) => {
      const job = queueOf(taskId).createJob(data);
      if (retryMs > 0) job.retries(RETRIES).backoff("fixed", retryMs);
      return delayMs > 0 ? job.delayUntil(Date.now() + delayMs) : job;
    };
    return {
      push: (taskId, data, delayMs) => jobOf(taskId, data, delayMs).save(),
      async pushMany(taskId, items, delayMs) {
        const jobs = items.map((data) => jobOf(taskId, data, delayMs));
        const errors = await queueOf(taskId).saveAll(jobs);
        for (const error of errors.values()) throw error;
      },
      async left(taskId) {
        const { waiting, active, delayed } = await queueOf(taskId).checkHealth();
        return waiting + active + delayed;
      },
      async close() {
        await Promise.all([...queues.values()].map((queue) => queue.close(CLOSE_MS)));
      },
    };
  },
  async work({ port }, { taskIds, concurrency, run }) {
    const Queue = await library();
    const queues = taskIds.map(
      (taskId) =>
        new Queue(taskId, {
          ...settings(port),
          removeOnSuccess: true,
          activateDelayedJobs: true,
          delayedDebounce: 1,
        }),
    );
    for (const queue of queues) {
      await queue.ready();
      queue.process(concurrency, async (/** @type {any} */ job) => run(job.data));
      queue.checkStalledJobs(STALLED_MS);
    }
    return { close: () => Promise.all(queues.map((queue) => queue.close(CLOSE_MS))) };
  },
};
