/** What our options cost: the whole life of a job with each of them switched on, beside none. */
import { OWN_SYSTEMS, rate } from "../lib/case.mjs";
import { problemsOf, withCosts } from "../lib/costs.mjs";
import { TASK, WARM } from "../lib/scene.mjs";

/** @typedef {import("../lib/case.mjs").Case} Case */

const CONCURRENCY = 100;
const IN_FLIGHT = 1_000;

/** Keys of `OPTIONS` in systems/ours.mjs; the first is what the others are compared with. */
const PRICED = ["", "retention", "events", "id", "priority", "timeout"];

/**
 * @param {string} option
 * @returns {Case}
 */
const priced = (option) => ({
  key: `option-${option || "none"}`,
  title: ({ jobs }) =>
    `a whole life: ${jobs} single pushes, then a drain at concurrency ${CONCURRENCY}; ` +
    (option ? `with ${option}` : "defaults"),
  sizes: { quick: { jobs: 4_000, warm: 1_000 }, full: { jobs: 50_000, warm: 5_000 } },
  systems: OWN_SYSTEMS,
  fullOnly: true,
  mode: { option },
  metrics: [
    rate("jobs/s drained"),
    { key: "produceUs", title: "producer µs/job", better: "less", digits: 1 },
    { key: "workUs", title: "worker µs/job", better: "less", digits: 1 },
    { key: "redisUs", title: "Redis µs/job", better: "less", digits: 1 },
  ],
  async run(scene) {
    const { jobs = 0, warm = 0 } = scene.size;
    const producer = scene.producer();
    const worker = scene.worker();
    await producer("single", { taskId: WARM, jobs: warm, inFlight: IN_FLIGHT });
    await worker("drain", { ...scene.load(WARM, CONCURRENCY), jobs: warm });
    const pushing = { taskId: TASK, jobs, inFlight: IN_FLIGHT };
    const pushed = await withCosts(scene, jobs, () => producer("single", pushing));
    const { took, costs } = await withCosts(scene, jobs, () =>
      worker("drain", { ...scene.load(TASK, CONCURRENCY), jobs }),
    );
    /** @type {Record<string, number>} */
    const figures = {
      perSecond: (jobs - took.lost - 1) / (took.ms / 1_000),
      produceUs: pushed.costs.nodeUs ?? 0,
      workUs: costs.nodeUs ?? 0,
    };
    if (costs.redisUs !== undefined) {
      figures.redisUs = costs.redisUs + (pushed.costs.redisUs ?? 0);
    }
    return { figures, problems: problemsOf(took) };
  },
});

export const cases = PRICED.map(priced);
