/** How long the event loop is blocked at a time while one process pushes or runs at full speed. */
import { OWN_SYSTEMS } from "../lib/case.mjs";
import { drainOnce } from "../lib/drain.mjs";
import { WARM } from "../lib/scene.mjs";

/** @typedef {import("../lib/case.mjs").Case} Case */

const IN_FLIGHT = 1_000;
const CONCURRENCY = 100;

/** Nobody runs these. */
const PUSHED = "pushed";

/** @type {Case} */
const loop = {
  key: "loop",
  title: ({ jobs }) =>
    `event loop blocked at a time: ${jobs} single pushes, ${IN_FLIGHT} in flight; drain, ` +
    `concurrency ${CONCURRENCY}`,
  // A turn takes a thousand pushes: of fewer than a thousand turns p99.9 would be the worst one.
  sizes: { quick: { jobs: 10_000, warm: 4_000 }, full: { jobs: 1_000_000, warm: 10_000 } },
  systems: OWN_SYSTEMS,
  metrics: [
    { key: "pushP999", title: "push p99.9 ms", better: null, digits: 1 },
    { key: "pushWorst", title: "push worst ms", better: null, digits: 1 },
    { key: "drainP999", title: "drain p99.9 ms", better: null, digits: 1 },
    { key: "drainWorst", title: "drain worst ms", better: null, digits: 1 },
  ],
  async run(scene) {
    const { jobs = 0, warm = 0 } = scene.size;
    const producer = scene.producer();
    const watched = { inFlight: IN_FLIGHT, watch: true };
    await producer("single", { ...watched, taskId: WARM, jobs: warm });
    const { blocked: pushing } = await producer("single", { ...watched, taskId: PUSHED, jobs });
    const { took, problems } = await drainOnce(scene, { concurrency: CONCURRENCY, watch: true });
    const draining = took.blocked;
    return {
      figures: {
        pushP999: pushing.p999Ms,
        pushWorst: pushing.worstMs,
        drainP999: draining.p999Ms,
        drainWorst: draining.worstMs,
      },
      problems,
    };
  },
};

export const cases = [loop];
