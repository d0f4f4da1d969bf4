/** Latency on an idle system: from a push to the start of its handler, and after a delay. */
import { problemsOf } from "../lib/costs.mjs";
import { percentile } from "../lib/numbers.mjs";
import { TASK, WARM } from "../lib/scene.mjs";

/**
 * @typedef {import("../lib/case.mjs").Case} Case
 * @typedef {import("../lib/case.mjs").Metric} Metric
 * @typedef {import("../lib/scene.mjs").Scene} Scene
 */

const CONCURRENCY = 10;

/** A clock of whole ms may be this far off; less than that is not early. */
const CLOCK_STEP_MS = 1;

/** @type {Metric[]} */
const METRICS = [
  { key: "p50Ms", title: "p50 ms", better: "less", digits: 2 },
  { key: "p99Ms", title: "p99 ms", better: "less", digits: 2 },
  { key: "worstMs", title: "worst ms", better: "less", digits: 1 },
];

/**
 * Starts an idle worker, lets the producer push in the way called `name`, and collects how long
 * after its instant each job began.
 * @param {Scene} scene
 * @param {string} name
 * @param {object} args
 */
async function lates(scene, name, args) {
  const { jobs = 0, warm = 0 } = scene.size;
  const producer = scene.producer();
  await producer("many", { taskId: WARM, jobs: warm });
  const worker = scene.worker();
  await worker("drain", { ...scene.load(WARM, CONCURRENCY), jobs: warm });
  await worker("open", { ...scene.load(TASK, CONCURRENCY), jobs });
  await producer(name, { ...args, taskId: TASK, jobs });
  const took = await worker("finish");
  const figures = {
    p50Ms: percentile(took.lates, 0.5),
    p99Ms: percentile(took.lates, 0.99),
    worstMs: percentile(took.lates, 1),
    firstMs: percentile(took.lates, 0),
  };
  return { problems: problemsOf(took), figures };
}

/** @type {Case} */
const latency = {
  key: "latency",
  title: ({ jobs }) => `latency: push → start of the handler, idle system, ${jobs} times`,
  sizes: {
    quick: { jobs: 100, warm: 300, gapMs: 12 },
    full: { jobs: 600, warm: 1_000, gapMs: 20 },
  },
  metrics: METRICS,
  run: (scene) => lates(scene, "paced", { gapMs: scene.size.gapMs }),
};

/** @type {Case} */
const delayed = {
  key: "delayed",
  title: ({ jobs, fromMs, toMs }) => `lateness: ${jobs} jobs delayed by ${fromMs} to ${toMs} ms`,
  sizes: {
    quick: { jobs: 100, warm: 300, fromMs: 300, toMs: 1_000 },
    full: { jobs: 600, warm: 1_000, fromMs: 1_000, toMs: 6_000 },
  },
  metrics: [...METRICS, { key: "firstMs", title: "earliest ms", better: null, digits: 2 }],
  async run(scene) {
    const { fromMs, toMs } = scene.size;
    const outcome = await lates(scene, "delayed", { fromMs, toMs });
    const { firstMs } = outcome.figures;
    if (firstMs < -CLOCK_STEP_MS) {
      outcome.problems.push(`a delayed job began ${(-firstMs).toFixed(1)} ms early`);
    }
    return outcome;
  },
};

export const cases = [latency, delayed];
