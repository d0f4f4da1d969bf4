/** A mix: most jobs at once, some delayed, some fail and are issued again; all while pushed. */
import { rate } from "../lib/case.mjs";
import { problemsOf } from "../lib/costs.mjs";
import { TASK, WARM } from "../lib/scene.mjs";

/** @typedef {import("../lib/case.mjs").Case} Case */

const CONCURRENCY = 100;
const IN_FLIGHT = 1_000;

/** Every so many-th job fails in its first run. */
const FAIL_EVERY = 20;
const RETRY_MS = 100;
const DELAYS = { fromMs: 100, toMs: 1_000 };

/** @type {Case} */
const mix = {
  key: "mix",
  title: ({ jobs }) =>
    `mix: ${jobs} single pushes while a worker runs them; 20 % delayed by ${DELAYS.fromMs} to ` +
    `${DELAYS.toMs} ms, 5 % fail once; concurrency ${CONCURRENCY}`,
  sizes: { quick: { jobs: 4_000, warm: 1_000 }, full: { jobs: 50_000, warm: 5_000 } },
  mode: { retryMs: RETRY_MS },
  metrics: [
    rate("jobs/s"),
    { key: "produceUs", title: "producer µs/job", better: "less", digits: 1 },
    { key: "workUs", title: "worker µs/job", better: "less", digits: 1 },
    { key: "redisUs", title: "Redis µs/job", better: "less", digits: 1 },
  ],
  async run(scene) {
    const { jobs = 0, warm = 0 } = scene.size;
    const producer = scene.producer();
    const worker = scene.worker();
    const warming = { taskId: WARM, jobs: warm, inFlight: IN_FLIGHT };
    await producer("single", warming);
    await worker("drain", { ...scene.load(WARM, CONCURRENCY), jobs: warm });
    const { redis } = scene;
    const before = (await redis?.cpuUs()) ?? 0;
    const work = { failEvery: FAIL_EVERY };
    await worker("open", { ...scene.load(TASK, CONCURRENCY), work, jobs });
    const pushed = await producer("mixed", { ...DELAYS, taskId: TASK, jobs, inFlight: IN_FLIGHT });
    const took = await worker("finish");
    /** @type {Record<string, number>} */
    const figures = {
      perSecond: (jobs - took.lost - 1) / (took.ms / 1_000),
      produceUs: pushed.cpuUs / jobs,
      workUs: took.cpuUs / jobs,
    };
    if (redis !== null) figures.redisUs = ((await redis.cpuUs()) - before) / jobs;
    const problems = problemsOf(took);
    const due = Math.ceil(jobs / FAIL_EVERY);
    if (took.failed !== due) problems.push(`${took.failed} runs failed, ${due} were to`);
    const left = await producer("left", { taskId: TASK });
    if (left !== 0) problems.push(`${left} jobs are left at the end`);
    return { figures, problems };
  },
};

export const cases = [mix];
