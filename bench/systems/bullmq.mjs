/**
 * BullMQ 6 on ioredis. Its documented best: one shared connection, completed jobs removed by the
 * worker (they are kept for ever otherwise), stalled jobs watched (its default: at least once).
 */

/** @typedef {import("../lib/system.mjs").System} System */

/** Its types are there only when the peers are installed: so its name is no literal. */
const MODULES = { bullmq: "bullmq", ioredis: "ioredis" };

/** Enough for every job that fails once. */
const ATTEMPTS = 5;

/** @param {number} port */
async function connectTo(port) {
  const { Redis } = await import(MODULES.ioredis);
  return new Redis({ host: "127.0.0.1", port, maxRetriesPerRequest: null });
}

/** @type {System} */
export const system = {
  title: "BullMQ",
  usesRedis: true,
  imports: Object.values(MODULES),
  async produce({ port, retryMs = 0 }) {
    const { Queue } = await import(MODULES.bullmq);
    const connection = await connectTo(port);
    const queues = new Map();
    /** @param {string} taskId */
    const queueOf = (taskId) => {
      if (!queues.has(taskId)) queues.set(taskId, new Queue(taskId, { connection }));
      return queues.get(taskId);
    };
    const retries =
      retryMs > 0 ? { attempts: ATTEMPTS, backoff: { type: "fixed", delay: retryMs } } : {};
    /** @param {number} delay */
    const options = (delay) => (delay > 0 ? { ...retries, delay } : retries);
    return {
      push: (taskId, data, delayMs) => queueOf(taskId).add("job", data, options(delayMs)),
      pushMany: (taskId, items, delayMs) =>
        queueOf(taskId).addBulk(
          items.map((data) => ({ name: "job", data, opts: options(delayMs) })),
        ),
      async left(taskId) {
        const counts = await queueOf(taskId).getJobCounts(
          "waiting",
          "active",
          "delayed",
          "prioritized",
        );
        return counts.waiting + counts.active + counts.delayed + counts.prioritized;
      },
      async close() {
        for (const queue of queues.values()) await queue.close();
        connection.disconnect();
      },
    };
  },
  async work({ port }, { taskIds, concurrency, run }) {
    const { Worker } = await import(MODULES.bullmq);
    const connection = await connectTo(port);
    const workers = taskIds.map(
      (taskId) =>
        new Worker(taskId, async (/** @type {any} */ job) => run(job.data), {
          connection,
          concurrency,
          removeOnComplete: { count: 0 },
        }),
    );
    await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    return {
      async close() {
        await Promise.all(workers.map((worker) => worker.close()));
        connection.disconnect();
      },
    };
  },
};
