/** A whole push and a whole run through the public face: what users pay per job, and for what. */
import { system } from "../systems/redis.mjs";
import { payloads } from "./payload.mjs";

/**
 * @typedef {object} Args
 * @property {number} port
 * @property {number} bytes
 * @property {number} jobs
 * @property {(work: () => Promise<unknown>) => Promise<unknown>} during measures only that
 */

/**
 * @typedef {object} Whole
 * @property {string} title
 * @property {"producer" | "worker"} name of its profile
 * @property {number} jobs
 * @property {readonly string[]} made names of the parts that it is made of
 * @property {(args: Args) => Promise<void>} run
 */

const TASK = "whole";
const IN_FLIGHT = 1_000;
const CONCURRENCY = 100;

/** A run that takes longer than this has lost a job. */
const LIMIT_MS = 30_000;

/** @param {number} port */
const placeAt = (port) => ({ port, folder: "" });

/** @type {Whole["run"]} */
async function pushes({ port, bytes, jobs, during }) {
  const producer = await system.produce(placeAt(port));
  const items = payloads(jobs, bytes);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const item = items[next];
      next += 1;
      if (item !== undefined) await producer.push(TASK, item, 0);
    }
  };
  try {
    await producer.push(TASK, { n: 0, at: 0, pad: "" }, 0);
    await during(() => Promise.all(Array.from({ length: IN_FLIGHT }, lane)));
  } finally {
    await producer.close();
  }
  await emptied({ port, jobs: jobs + 1, during: (work) => work() });
}

/**
 * @param {{ port: number, jobs: number, during: Args["during"] }} args
 */
async function emptied({ port, jobs, during }) {
  /** @type {() => void} */
  let all = () => {};
  const done = new Promise((resolve, reject) => {
    const late = () => reject(new Error(`${jobs - ran} of ${jobs} jobs did not run`));
    const timer = setTimeout(late, LIMIT_MS);
    all = () => {
      clearTimeout(timer);
      resolve(undefined);
    };
  });
  let ran = 0;
  const run = () => {
    ran += 1;
    if (ran === jobs) all();
  };
  await during(async () => {
    const options = { taskIds: [TASK], concurrency: CONCURRENCY, run };
    const worker = await system.work(placeAt(port), options);
    await done.finally(() => worker.close());
  });
}

/** @type {Whole["run"]} */
async function runs({ port, bytes, jobs, during }) {
  const producer = await system.produce(placeAt(port));
  try {
    for (let at = 0; at < jobs; at += IN_FLIGHT) {
      await producer.pushMany(TASK, payloads(Math.min(IN_FLIGHT, jobs - at), bytes), 0);
    }
  } finally {
    await producer.close();
  }
  await emptied({ port, jobs, during });
}

/** @type {readonly Whole[]} */
export const WHOLES = Object.freeze([
  {
    title: `push, ${IN_FLIGHT} in flight`,
    name: "producer",
    jobs: 50_000,
    made: ["push ×400", "JSON of a push (check, stringify)"],
    run: pushes,
  },
  {
    title: `run, concurrency ${CONCURRENCY}`,
    name: "worker",
    jobs: 50_000,
    made: ["work ×100", "JSON of a run (parse)"],
    run: runs,
  },
]);
