/** One drain: a full task, a warm worker that empties it, and what that took. */
import { problemsOf, withCosts } from "./costs.mjs";
import { TASK, WARM } from "./scene.mjs";

/** @typedef {import("./scene.mjs").Scene} Scene */

/**
 * Pushes `size.jobs` jobs and lets one worker process run them, after `size.warm` jobs of another
 * task in the same way.
 * @param {Scene} scene
 * @param {object} how
 * @param {number} how.concurrency in all
 * @param {import("./tally.mjs").Work} [how.work]
 * @param {boolean} [how.watch] watches the event loop, too
 */
export async function drainOnce(scene, { concurrency, work = {}, watch = false }) {
  const { jobs = 0, warm = 0 } = scene.size;
  const producer = scene.producer();
  await producer("many", { taskId: WARM, jobs: warm });
  await producer("many", { taskId: TASK, jobs });
  const worker = scene.worker();
  // A worker of its own in the same process: code is warm, and the measured one starts afresh.
  await worker("drain", { ...scene.load(WARM, concurrency), work, jobs: warm });
  const { took, costs } = await withCosts(scene, jobs, () =>
    worker("drain", { ...scene.load(TASK, concurrency), work, watch, jobs }),
  );
  const problems = problemsOf(took);
  const left = await producer("left", { taskId: TASK });
  if (left !== 0) problems.push(`${left} jobs are left after the drain`);
  return { took, costs, problems, perSecond: (jobs - took.lost - 1) / (took.ms / 1_000) };
}
