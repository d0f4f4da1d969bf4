/** What a stretch of work costs per job: CPU of its process and of Redis. */

/**
 * Runs `work`, which answers with its own CPU, and adds what Redis had to do for it.
 * @template {{ cpuUs: number }} T
 * @param {import("./scene.mjs").Scene} scene
 * @param {number} jobs
 * @param {() => Promise<T>} work
 * @returns {Promise<{ took: T, costs: Record<string, number> }>}
 */
export async function withCosts({ redis }, jobs, work) {
  const cpuUs = (await redis?.cpuUs()) ?? 0;
  const took = await work();
  /** @type {Record<string, number>} */
  const costs = { nodeUs: took.cpuUs / jobs };
  if (redis !== null) costs.redisUs = ((await redis.cpuUs()) - cpuUs) / jobs;
  return { took, costs };
}

/**
 * What a worker's report says against "every job ran exactly once".
 * @param {{ dup: number, lost: number, stray: number }} report
 */
export function problemsOf({ dup, lost, stray }) {
  const problems = [];
  if (dup > 0) problems.push(`dup ${dup}: jobs ran twice`);
  if (lost > 0) problems.push(`lost ${lost}: jobs did not run in time`);
  if (stray > 0) problems.push(`${stray} jobs ran that nobody pushed`);
  return problems;
}
