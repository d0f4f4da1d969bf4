/** Drain: one worker process runs jobs that wait, as fast as it can, with empty handlers. */
import { COSTS, rate } from "../lib/case.mjs";
import { problemsOf, withCosts } from "../lib/costs.mjs";
import { TASK, WARM } from "../lib/scene.mjs";

/** @typedef {import("../lib/case.mjs").Case} Case */

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
    const { jobs = 0, warm = 0 } = scene.size;
    const producer = scene.producer();
    await producer("many", { taskId: WARM, jobs: warm });
    await producer("many", { taskId: TASK, jobs });
    const worker = scene.worker();
    // A worker of its own in the same process: code is warm, and the measured one starts afresh.
    await worker("drain", { taskIds: [WARM], concurrency, jobs: warm });
    const { took, costs } = await withCosts(scene, jobs, () =>
      worker("drain", { taskIds: [TASK], concurrency, jobs }),
    );
    const problems = problemsOf(took);
    const left = await producer("left", { taskId: TASK });
    if (left !== 0) problems.push(`${left} jobs are left after the drain`);
    const ran = jobs - took.lost;
    return { problems, figures: { perSecond: (ran - 1) / (took.ms / 1_000), ...costs } };
  },
});

const SLOW = { quick: { jobs: 3_000, warm: 1_000 }, full: { jobs: 20_000, warm: 2_000 } };
const FAST = { quick: { jobs: 20_000, warm: 5_000 }, full: { jobs: 50_000, warm: 5_000 } };

export const cases = [drain(1, SLOW), drain(10, FAST), drain(100, FAST)];
