/** Memory: what a waiting and a delayed job takes in Redis, and whether anything stays of it. */
import { TASK, WARM } from "../lib/scene.mjs";

/**
 * @typedef {import("../lib/case.mjs").Case} Case
 * @typedef {import("../lib/scene.mjs").Scene} Scene
 */

/** Far enough away that none becomes due meanwhile. */
const LATER_MS = 3_600_000;

/**
 * Memory of the server, with nobody else connected.
 * @param {Scene} scene
 */
async function memory(scene) {
  await scene.endAgents();
  return (await scene.redis?.memoryBytes()) ?? 0;
}

/**
 * Bytes of each of `jobs` jobs, in a store that is empty but for them.
 * @param {Scene} scene
 * @param {number} delayMs
 */
async function bytesPerJob(scene, delayMs) {
  const { jobs = 0 } = scene.size;
  // Scripts are loaded by the first use and stay when everything is deleted.
  const first = scene.producer();
  await first("many", { taskId: WARM, jobs: 2, delayMs });
  await first("left", { taskId: WARM });
  await first("close");
  await scene.redis?.flush();
  const before = await memory(scene);
  const producer = scene.producer();
  await producer("many", { taskId: TASK, jobs, delayMs });
  const stored = await producer("left", { taskId: TASK });
  await producer("close");
  const bytes = ((await memory(scene)) - before) / jobs;
  await scene.redis?.flush();
  return { bytes, problems: stored === jobs ? [] : [`${stored} of ${jobs} jobs are stored`] };
}

/** @type {Case} */
const bytes = {
  key: "bytes",
  title: ({ jobs }) => `memory of Redis: ${jobs} waiting jobs, then ${jobs} delayed ones`,
  sizes: { quick: { jobs: 5_000 }, full: { jobs: 100_000 } },
  redisOnly: true,
  metrics: [
    { key: "waiting", title: "bytes/waiting job", better: "less", digits: 0 },
    { key: "delayed", title: "bytes/delayed job", better: "less", digits: 0 },
  ],
  async run(scene) {
    const waiting = await bytesPerJob(scene, 0);
    const delayed = await bytesPerJob(scene, LATER_MS);
    return {
      figures: { waiting: waiting.bytes, delayed: delayed.bytes },
      problems: [...waiting.problems, ...delayed.problems],
    };
  },
};

export const cases = [bytes];
