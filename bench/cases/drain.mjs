/** Drain: one worker process runs jobs that wait, as fast as it can, with empty handlers. */
import { COSTS, OWN_SYSTEMS, rate } from "../lib/case.mjs";
import { drainOnce } from "../lib/drain.mjs";

/** @typedef {import("../lib/case.mjs").Case} Case */

const SLOW = { quick: { jobs: 500, warm: 300 }, full: { jobs: 50_000, warm: 5_000 } };
const FAST = { quick: { jobs: 4_000, warm: 1_000 }, full: { jobs: 50_000, warm: 5_000 } };

/**
 * @param {number} concurrency
 * @param {Case["sizes"]} sizes
 * @returns {Case}
 */
const drain = (concurrency, sizes) => ({
  key: `drain-${concurrency}`,
  title: ({ jobs }) => `drain: ${jobs} waiting jobs, 1 worker process, concurrency ${concurrency}`,
  sizes,
  metrics: [rate("jobs/s"), ...COSTS],
  async run(scene) {
    const { perSecond, costs, problems } = await drainOnce(scene, { concurrency });
    return { problems, figures: { perSecond, ...costs } };
  },
});

/**
 * The same at most once: such a job may not be handed out again, which forbids some of the ways to
 * be fast.
 * @param {number} concurrency
 * @returns {Case}
 */
const retryOff = (concurrency) => {
  const { title, ...rest } = drain(concurrency, FAST);
  return {
    ...rest,
    key: `retry-off-${concurrency}`,
    title: (size) => `${title(size)}, retry off`,
    systems: OWN_SYSTEMS,
    mode: { retry: false },
  };
};

export const cases = [
  drain(1, SLOW),
  drain(10, FAST),
  drain(100, FAST),
  drain(500, FAST),
  retryOff(10),
  { ...retryOff(100), fullOnly: true },
];
