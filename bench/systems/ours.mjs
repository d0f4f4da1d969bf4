/** This library as a system of the bench, on whichever store: built, not from its sources. */

/**
 * @typedef {import("../lib/system.mjs").System} System
 * @typedef {import("../lib/system.mjs").Place} Place
 * @typedef {import("../../src/index.js").Scheduler} Scheduler
 * @typedef {import("../../src/index.js").SchedulerOptions} SchedulerOptions
 */

const BUILT = new URL("../../dist/bundle/index.js", import.meta.url).href;

/** Of schedules that are not to become due while somebody measures. */
const ONCE_A_YEAR = "0 0 1 1 *";

/** How many schedules are asked for at once. */
const PAGE = 1_000;

/**
 * An option whose price is asked for: what it adds to the scheduler's options, to those of each
 * push, and to the scheduler.
 * @typedef {object} Priced
 * @property {SchedulerOptions} [scheduler]
 * @property {(n: number) => object} [push]
 * @property {(scheduler: Scheduler) => unknown} [with]
 */

const EVENTS = /** @type {const} */ ([
  "job:pushed",
  "job:started",
  "job:completed",
  "job:failed",
  "job:retrying",
  "job:dead",
]);

/** @type {Readonly<Record<string, Priced>>} */
export const OPTIONS = Object.freeze({
  "": {},
  retention: { scheduler: { retention: { completed: { age: "1h", count: 1_000_000 } } } },
  events: {
    with: (scheduler) => {
      for (const event of EVENTS) scheduler.on(event, () => {});
    },
  },
  id: { push: (n) => ({ id: `job ${n}` }) },
  priority: { push: (n) => ({ priority: 1 + (n % 3) }) },
  timeout: { push: () => ({ timeout: "30s" }) },
});

/** @returns {Promise<typeof import("../../src/index.js")>} */
const library = () => import(BUILT);

/**
 * At least once, which is what the peers do, too, unless the mode says otherwise.
 * @param {Place} place
 */
const safety = ({ retry = true, retryMs = 0 }) =>
  retry && retryMs > 0 ? { retry, retryTimeout: retryMs } : { retry };

/**
 * Resolves when the store has all of so many schedules.
 * @param {Scheduler} scheduler
 * @param {number} schedules
 */
async function stored(scheduler, schedules) {
  for (let cursor, found = 0; found < schedules; ) {
    const page = await scheduler.schedules.list({ cursor, limit: PAGE });
    found = (cursor === undefined ? 0 : found) + page.schedules.length;
    cursor = page.cursor ?? undefined;
  }
}

/**
 * @param {Place} place
 * @param {SchedulerOptions} options
 */
async function createAt({ pollMs = 0, option = "" }, options) {
  const poll = pollMs > 0 ? { pollInterval: pollMs } : {};
  const { createScheduler } = await library();
  const priced = OPTIONS[option] ?? {};
  const scheduler = createScheduler({ logger: false, ...poll, ...options, ...priced.scheduler });
  priced.with?.(scheduler);
  return scheduler;
}

/**
 * @param {{
 *   title: string,
 *   usesRedis: boolean,
 *   unwanted: readonly string[],
 *   optionsAt: (place: Place) => SchedulerOptions,
 * }} parts
 * @returns {System}
 */
export function scheduleMq({ title, usesRedis, unwanted, optionsAt }) {
  /** @param {Place} place */
  const create = (place) => createAt(place, optionsAt(place));
  return {
    title,
    usesRedis,
    unwanted,
    imports: [BUILT],
    async produce(place) {
      const scheduler = await create(place);
      const safe = safety(place);
      const own = OPTIONS[place.option ?? ""]?.push;
      let pushed = 0;
      /** @param {number} delayMs */
      const options = (delayMs) => (delayMs > 0 ? { ...safe, delay: delayMs } : safe);
      return {
        push: (taskId, data, delayMs) => {
          const given = { data, ...options(delayMs) };
          pushed += 1;
          return scheduler.push(taskId, own === undefined ? given : { ...given, ...own(pushed) });
        },
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
      const { schedules = 0 } = place;
      for (let made = 0; made < schedules; made += 1) {
        const taskId = taskIds[made % taskIds.length] ?? "";
        scheduler.register(taskId, { scheduleId: `bench-${made}`, cronExpr: ONCE_A_YEAR });
      }
      await scheduler.start({ mustConnect: true });
      await stored(scheduler, schedules);
      return { close: () => scheduler.stop() };
    },
  };
}
