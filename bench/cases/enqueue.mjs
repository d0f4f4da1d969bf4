/** Enqueue: single pushes with many in flight, bulk pushes, and one push with nothing beside it. */
import { COSTS, rate } from "../lib/case.mjs";
import { withCosts } from "../lib/costs.mjs";
import { percentile } from "../lib/numbers.mjs";
import { TASK, WARM } from "../lib/scene.mjs";

/**
 * @typedef {import("../lib/case.mjs").Case} Case
 * @typedef {import("../lib/scene.mjs").Scene} Scene
 */

const IN_FLIGHT = 1_000;
const BULK = 1_000;

/** Of 50,000 a fifth of a second would be measured, while the heap of a process still grows. */
const SIZES = { quick: { jobs: 10_000, warm: 3_000 }, full: { jobs: 200_000, warm: 5_000 } };

/**
 * Pushes in the way called `name`, after a warm-up in the same way, and checks what is stored.
 * @param {Scene} scene
 * @param {string} name
 * @param {object} [args]
 */
async function enqueue(scene, name, args = {}) {
  const { jobs = 0, warm = 0 } = scene.size;
  const producer = scene.producer();
  await producer(name, { ...args, taskId: WARM, jobs: warm });
  const { took, costs } = await withCosts(scene, jobs, () =>
    producer(name, { ...args, taskId: TASK, jobs }),
  );
  const stored = await producer("left", { taskId: TASK });
  const problems = stored === jobs ? [] : [`${stored} jobs are stored, ${jobs} were pushed`];
  return { took, problems, figures: { perSecond: jobs / (took.ms / 1_000), ...costs } };
}

/** @type {Case} */
const single = {
  key: "enqueue-single",
  title: ({ jobs }) => `enqueue: ${jobs} single pushes, each awaited, ${IN_FLIGHT} in flight`,
  sizes: SIZES,
  metrics: [rate("pushes/s"), ...COSTS],
  run: (scene) => enqueue(scene, "single", { inFlight: IN_FLIGHT }),
};

/** @type {Case} */
const many = {
  key: "enqueue-many",
  title: ({ jobs }) => `enqueue: ${jobs} jobs by bulk pushes of ${BULK}`,
  sizes: SIZES,
  metrics: [rate("jobs/s"), ...COSTS],
  run: (scene) => enqueue(scene, "many", { per: BULK }),
};

/** @type {Case} */
const alone = {
  key: "push-alone",
  title: ({ jobs }) => `one push after the other, ${jobs} times, each awaited`,
  sizes: { quick: { jobs: 300, warm: 150 }, full: { jobs: 3_000, warm: 500 } },
  metrics: [
    { key: "p50Ms", title: "p50 ms", better: "less", digits: 3 },
    { key: "p99Ms", title: "p99 ms", better: "less", digits: 2 },
    ...COSTS,
  ],
  async run(scene) {
    const { took, problems, figures } = await enqueue(scene, "alone");
    const { perSecond: _, ...costs } = figures;
    const [p50Ms, p99Ms] = [percentile(took.times, 0.5), percentile(took.times, 0.99)];
    return { problems, figures: { p50Ms, p99Ms, ...costs } };
  },
};

export const cases = [single, many, alone];
