/** Two worker processes under the largest loads, and those who give them work, on any store. */
import { fork } from "node:child_process";
import { setPriority } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { percentile } from "./numbers.mjs";
import { number } from "./table.mjs";

/** @typedef {import("../../src/index.js").Scheduler<any>} Scheduler */

/**
 * @typedef {object} Facts of a worker process
 * @property {number} ran
 * @property {number} lastAt
 * @property {number[]} waits
 * @property {number} heapMb
 * @property {number} p999Ms
 * @property {number} worstMs
 * @property {number} handles
 */

const WORKER = new URL("./bounds-worker.mjs", import.meta.url);
export const WORKERS = 2;
const LIMIT_MS = 400_000;
const PIECE = 5_000;

/** @param {import("./bounds-worker.mjs").Orders} orders */
export function startWorker(orders) {
  const child = fork(WORKER, [JSON.stringify(orders)], { execArgv: ["--expose-gc"] });
  // Where cores are few, a script would be timed together with what it waited for a core.
  if (child.pid !== undefined) setPriority(child.pid, 19);
  /** @type {(word: string) => Promise<Facts>} */
  const ask = (word) =>
    new Promise((resolve, reject) => {
      child.once("exit", reject);
      /** @param {any} said */
      const hear = (said) => {
        if (said.word !== word) return;
        child.off("message", hear);
        child.off("exit", reject);
        resolve(said.answer);
      };
      child.on("message", hear);
      child.send(word);
    });
  return { ask };
}

/** @param {readonly Facts[]} facts */
export function workerLines(facts) {
  return facts.map(
    (one, k) =>
      `worker ${k + 1}: ran ${one.ran}, heap ${number(one.heapMb, 0)} MB, event loop p99.9 ` +
      `${number(one.p999Ms, 1)} ms, worst ${number(one.worstMs, 1)} ms, ${one.handles} handles`,
  );
}

/**
 * Pushes jobs that are due at the same instant.
 * @param {Scheduler} producer
 * @param {{ jobs: number, taskIds: string[], isMixed: boolean, dueAt: number }} load
 */
export async function park(producer, { jobs, taskIds, isMixed, dueAt }) {
  const runAt = new Date(dueAt);
  /** @param {number} n */
  const optionsOf = (n) => {
    if (!isMixed) return { runAt };
    const retry = n % 2 === 0 ? { attempts: 3 } : false;
    return { runAt, id: `job ${n}`, priority: n % 3, retry };
  };
  for (let from = 0; from < jobs; from += PIECE) {
    const taskId = taskIds[(from / PIECE) % taskIds.length] ?? "";
    const items = Array.from({ length: Math.min(PIECE, jobs - from) }, (_, k) => ({
      data: { n: from + k },
      ...optionsOf(from + k),
    }));
    await producer.pushMany(taskId, items);
  }
}

/** @param {ReturnType<typeof startWorker>[]} workers */
export async function ranBy(workers) {
  const facts = await Promise.all(workers.map(({ ask }) => ask("facts")));
  return facts.reduce((sum, one) => sum + one.ran, 0);
}

/**
 * Workers run what is parked, while another job is pushed now and then.
 * @param {ReturnType<typeof startWorker>[]} workers
 * @param {{ producer: Scheduler, jobs: number, dueAt: number, meanwhile: () => Promise<unknown> }}
 *   load
 */
export async function runParked(workers, { producer, jobs, dueAt, meanwhile }) {
  const before = await Promise.all(workers.map(({ ask }) => ask("begin")));
  await wait(Math.max(0, dueAt - Date.now()));
  const from = Date.now();
  let ran = 0;
  while (ran < jobs && Date.now() - from < LIMIT_MS) {
    await producer.push("other", { data: { at: Date.now() } });
    await wait(100);
    await meanwhile();
    ran = await ranBy(workers);
  }
  const tookMs = Date.now() - from;
  await wait(1_000);
  const after = await Promise.all(workers.map(({ ask }) => ask("end")));
  return { ran, tookMs, before, after };
}

/** @param {{ before: Facts[], after: Facts[] }} facts */
export function parkedLines({ before, after }) {
  const waits = after.flatMap((one) => one.waits);
  return [
    `other jobs pushed meanwhile: ${waits.length}, begun after p50 ${percentile(waits, 0.5)} ms, ` +
      `p99 ${percentile(waits, 0.99)} ms`,
    ...workerLines(after),
    `heap at the beginning: ${before.map((one) => `${number(one.heapMb, 0)} MB`).join(", ")}; ` +
      `handles ${before.map((one) => one.handles).join(", ")}`,
  ];
}
