/** This library as a system of the bench, on whichever store: built, not from its sources. */

/**
 * @typedef {import("../lib/system.mjs").System} System
 * @typedef {import("../lib/system.mjs").Place} Place
 * @typedef {import("../../src/index.js").SchedulerOptions} SchedulerOptions
 */

const BUILT = new URL("../../dist/bundle/index.js", import.meta.url).href;

/** At least once: what the peers do, too. */
const SAFE = { retry: true };

/** @returns {Promise<typeof import("../../src/index.js")>} */
const library = () => import(BUILT);

/**
 * @param {string} title
 * @param {boolean} usesRedis
 * @param {(place: Place) => SchedulerOptions} optionsAt
 * @returns {System}
 */
export function scheduleMq(title, usesRedis, optionsAt) {
  /** @param {Place} place */
  const create = async (place) =>
    (await library()).createScheduler({ logger: false, ...optionsAt(place) });
  return {
    title,
    usesRedis,
    async produce(place) {
      const scheduler = await create(place);
      /** @param {number} delayMs */
      const options = (delayMs) => (delayMs > 0 ? { ...SAFE, delay: delayMs } : SAFE);
      return {
        push: (taskId, data, delayMs) => scheduler.push(taskId, { data, ...options(delayMs) }),
        async pushMany(taskId, items, delayMs) {
          const rest = options(delayMs);
          const answers = await scheduler.pushMany(
            taskId,
            items.map((data) => ({ data, ...rest })),
          );
          for (const answer of answers) if (answer.error !== undefined) throw answer.error;
        },
        async left(taskId) {
          const { ready, scheduled, running } = await scheduler.jobs.counts(taskId);
          return ready + scheduled + running;
        },
        close: () => scheduler.stop(),
      };
    },
    async work(place, { taskIds, concurrency, run }) {
      const scheduler = await create(place);
      for (const taskId of taskIds) {
        scheduler.bind(taskId, (data) => run(/** @type {any} */ (data)), { concurrency });
      }
      await scheduler.start({ mustConnect: true });
      return { close: () => scheduler.stop() };
    },
  };
}
