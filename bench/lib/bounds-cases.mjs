/** The largest loads: a million jobs, or ten thousand schedules, due at the same instant. */
import { setTimeout as wait } from "node:timers/promises";
import {
  park,
  parkedLines,
  ranBy,
  runParked,
  startWorker,
  WORKERS,
  workerLines,
} from "./bounds-fleet.mjs";
import { number } from "./table.mjs";

/** @typedef {{ title: string, lines: string[], problems: string[] }} Outcome */

/**
 * @typedef {object} Stand a store under load, and eyes on it
 * @property {import("../../src/index.js").SchedulerOptions} options of schedulers on it
 * @property {() => Promise<void>} weigh how much it holds now
 * @property {() => Promise<unknown>} meanwhile called all the time
 * @property {() => Promise<string[]>} lines what was seen
 * @property {() => Promise<string[]>} problems after all jobs have run
 * @property {() => Promise<void>} end
 */

const { href } = new URL("../../dist/bundle/index.js", import.meta.url);
/** @type {typeof import("../../src/index.js")} */
const { createScheduler } = await import(href);

/** Schedules may take so long to be through, ms. */
const LIMIT_MS = 100_000;

/**
 * @param {Stand} stand
 * @param {{ jobs: number, tasks: number, isMixed: boolean }} load
 * @returns {Promise<Outcome>}
 */
export async function parkedCase(stand, { jobs, tasks, isMixed }) {
  const taskIds = Array.from({ length: tasks }, (_, n) => `parked-${n}`);
  await stand.weigh();
  const producer = createScheduler({ ...stand.options, logger: false });
  const dueAt = Date.now() + 5_000 + jobs / 10;
  await park(producer, { jobs, taskIds, isMixed, dueAt });
  const lateMs = Date.now() - dueAt;
  await stand.weigh();
  const { options, meanwhile } = stand;
  const workers = Array.from({ length: WORKERS }, () =>
    startWorker({ options, taskIds, schedules: 0, every: "" }),
  );
  const facts = await runParked(workers, { producer, jobs, dueAt, meanwhile });
  const { ran, tookMs } = facts;
  await stand.weigh();
  const problems = await stand.problems();
  if (ran !== jobs) problems.push(`${ran} of ${jobs} jobs have run`);
  if (lateMs > 0) problems.push(`parking took ${lateMs} ms too long: not all were due at once`);
  const lines = await stand.lines();
  await producer.stop();
  return {
    title:
      `${jobs} delayed jobs due at once, ${tasks} tasks` +
      `${isMixed ? ", with ids, priorities and retry" : ""}, ${WORKERS} processes`,
    lines: [
      `${number(tookMs / 1_000, 1)} s, ${number((jobs / tookMs) * 1_000, 0)} jobs/s`,
      ...lines,
      ...parkedLines(facts),
    ],
    problems,
  };
}

/**
 * @param {Stand} stand
 * @param {{ schedules: number }} load
 * @returns {Promise<Outcome>}
 */
export async function schedulesCase(stand, { schedules }) {
  const start = new Date(Math.ceil((Date.now() + 45_000) / 60_000) * 60_000);
  const every = `0 ${start.getUTCMinutes()} ${start.getUTCHours()} * * *`;
  const { options } = stand;
  const workers = Array.from({ length: WORKERS }, () =>
    startWorker({ options, taskIds: ["report"], schedules, every }),
  );
  await Promise.all(workers.map(({ ask }) => ask("begin")));
  let ran = 0;
  while (ran < schedules && Date.now() < start.getTime() + LIMIT_MS) {
    await wait(100);
    await stand.meanwhile();
    ran = await ranBy(workers);
  }
  const problems = await unfired(stand, schedules);
  if (ran !== schedules) problems.push(`${ran} of ${schedules} occurrences have run`);
  const lines = await stand.lines();
  const facts = await Promise.all(workers.map(({ ask }) => ask("end")));
  const lastAt = Math.max(...facts.map((one) => one.lastAt));
  const took = number((lastAt - start.getTime()) / 1_000, 2);
  return {
    title: `${schedules} schedules due in the same second, ${WORKERS} processes`,
    lines: [...lines, ...workerLines(facts), `the last has run ${took} s after its instant`],
    problems,
  };
}

/**
 * Of two hundred schedules, those whose ledger does not say that they fired once.
 * @param {Stand} stand
 * @param {number} schedules
 */
async function unfired({ options }, schedules) {
  const reader = createScheduler({ ...options, logger: false });
  const wrong = [];
  for (let n = 0; n < schedules; n += Math.ceil(schedules / 200)) {
    const ledger = await reader.schedules.ledger(`s-${n}`);
    if (ledger.length !== 1 || ledger[0]?.outcome !== "fired") wrong.push(`s-${n}`);
  }
  await reader.stop();
  return wrong.length > 0 ? [`did not fire once: ${wrong.join(", ")}`] : [];
}
