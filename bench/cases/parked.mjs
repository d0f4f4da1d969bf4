/** Parked: many jobs of the same task are due much later; what do they cost the others? */
import { rate } from "../lib/case.mjs";
import { problemsOf } from "../lib/costs.mjs";
import { TASK, WARM } from "../lib/scene.mjs";

/**
 * @typedef {import("../lib/case.mjs").Case} Case
 * @typedef {import("../lib/scene.mjs").Scene} Scene
 */

const IN_FLIGHT = 1_000;
const CONCURRENCY = 100;

/** Far enough away that none becomes due meanwhile. */
const LATER_MS = 24 * 3_600_000;

/**
 * @param {Scene} scene
 * @param {(name: string, args?: object) => Promise<any>} producer
 * @param {(name: string, args?: object) => Promise<any>} worker
 */
async function rates(scene, producer, worker) {
  const { jobs = 0 } = scene.size;
  const pushed = await producer("single", { taskId: TASK, jobs, inFlight: IN_FLIGHT });
  const ran = await worker("drain", { ...scene.load(TASK, CONCURRENCY), jobs });
  return {
    pushes: jobs / (pushed.ms / 1_000),
    runs: (jobs - ran.lost - 1) / (ran.ms / 1_000),
    problems: problemsOf(ran),
  };
}

/** @type {Case} */
const parked = {
  key: "parked",
  title: ({ jobs, parked: many }) =>
    `${many} delayed jobs parked on the same task: ${jobs} single pushes, then their drain, ` +
    `concurrency ${CONCURRENCY}; × is with ÷ without them`,
  sizes: {
    quick: { jobs: 4_000, warm: 3_000, parked: 100_000 },
    full: { jobs: 50_000, warm: 25_000, parked: 1_000_000 },
  },
  metrics: [
    { key: "pushShare", title: "pushes: ×", better: null, digits: 2 },
    { key: "runShare", title: "drain: ×", better: null, digits: 2 },
    { ...rate("pushes/s"), key: "pushes" },
    { ...rate("drained/s"), key: "runs" },
  ],
  async run(scene) {
    const { warm = 0, parked: many = 0 } = scene.size;
    const producer = scene.producer();
    const worker = scene.worker();
    await producer("single", { taskId: WARM, jobs: warm, inFlight: IN_FLIGHT });
    await worker("drain", { ...scene.load(WARM, CONCURRENCY), jobs: warm });
    const without = await rates(scene, producer, worker);
    await producer("many", { taskId: TASK, jobs: many, delayMs: LATER_MS });
    const beside = await rates(scene, producer, worker);
    const left = await producer("left", { taskId: TASK });
    const problems = [...without.problems, ...beside.problems];
    if (left !== many) problems.push(`${left} jobs are parked, ${many} were pushed`);
    const { pushes, runs } = beside;
    return {
      figures: {
        pushShare: pushes / without.pushes,
        runShare: runs / without.runs,
        pushes,
        runs,
      },
      problems,
    };
  },
};

export const cases = [parked];
