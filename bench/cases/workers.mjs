/** Two worker processes on one full task, against one. */
import { COSTS, rate } from "../lib/case.mjs";
import { withCosts } from "../lib/costs.mjs";
import { TASK, WARM } from "../lib/scene.mjs";
import { drainTogether } from "../lib/two.mjs";

/**
 * @typedef {import("../lib/case.mjs").Case} Case
 * @typedef {import("../lib/scene.mjs").Scene} Scene
 * @typedef {import("../lib/two.mjs").Calls} Calls
 */

const CONCURRENCY = 100;

/**
 * @param {Scene} scene
 * @param {Calls} producer
 * @param {readonly Calls[]} workers
 */
async function drained(scene, producer, workers) {
  const { jobs = 0 } = scene.size;
  await producer("many", { taskId: TASK, jobs });
  const load = { ...scene.load(TASK, CONCURRENCY), jobs };
  const { took, costs } = await withCosts(scene, jobs, () => drainTogether(scene, workers, load));
  const problems = [...took.problems];
  const left = await producer("left", { taskId: TASK });
  if (left !== 0) problems.push(`${left} jobs are left after ${workers.length} workers`);
  const perSecond = (jobs - took.lost - 1) / (took.ms / 1_000);
  return { perSecond, problems, evenness: took.evenness, costs };
}

/** @type {Case} */
const two = {
  key: "two-workers",
  title: ({ jobs }) =>
    `drain: ${jobs} waiting jobs, 2 worker processes, concurrency ${CONCURRENCY} each`,
  sizes: { quick: { jobs: 5_000, warm: 1_000 }, full: { jobs: 100_000, warm: 5_000 } },
  metrics: [
    rate("jobs/s"),
    { key: "ofOne", title: "× of 1 worker", better: null, digits: 2 },
    { key: "evenness", title: "smaller share ÷ even", better: null, digits: 2 },
    ...COSTS,
  ],
  async run(scene) {
    const { warm = 0 } = scene.size;
    const producer = scene.producer();
    const first = scene.worker();
    const second = scene.worker();
    for (const worker of [first, second]) {
      await producer("many", { taskId: WARM, jobs: warm });
      await worker("drain", { ...scene.load(WARM, CONCURRENCY), jobs: warm });
    }
    const one = await drained(scene, producer, [first]);
    const { perSecond, problems, evenness, costs } = await drained(scene, producer, [
      first,
      second,
    ]);
    const ofOne = perSecond / one.perSecond;
    return {
      figures: { perSecond, ofOne, evenness, ...costs },
      problems: [...one.problems, ...problems],
    };
  },
};

export const cases = [two];
