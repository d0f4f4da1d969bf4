/** Handlers that take time: 1 to 10 ms, asynchronous; here the concurrency sets the limit. */
import { COSTS, rate } from "../lib/case.mjs";
import { drainOnce } from "../lib/drain.mjs";

/** @typedef {import("../lib/case.mjs").Case} Case */

const TAKES = { fromMs: 1, toMs: 10 };
const MEAN_MS = (TAKES.fromMs + TAKES.toMs) / 2;

/**
 * @param {number} concurrency
 * @param {Case["sizes"]} sizes
 * @returns {Case}
 */
const handlers = (concurrency, sizes) => ({
  key: `handlers-${concurrency}`,
  title: ({ jobs }) =>
    `drain: ${jobs} waiting jobs whose handlers wait ${TAKES.fromMs} to ${TAKES.toMs} ms, ` +
    `concurrency ${concurrency}`,
  sizes,
  metrics: [
    rate("jobs/s"),
    { key: "share", title: "of the possible", better: null, digits: 2 },
    ...COSTS,
  ],
  async run(scene) {
    const how = { concurrency, work: { takes: TAKES } };
    const { perSecond, costs, problems } = await drainOnce(scene, how);
    const possible = (concurrency * 1_000) / MEAN_MS;
    return { problems, figures: { perSecond, share: perSecond / possible, ...costs } };
  },
});

export const cases = [
  {
    ...handlers(100, { quick: { jobs: 4_000, warm: 1_500 }, full: { jobs: 40_000, warm: 4_000 } }),
    fullOnly: true,
  },
  handlers(500, { quick: { jobs: 5_000, warm: 1_000 }, full: { jobs: 80_000, warm: 10_000 } }),
];
