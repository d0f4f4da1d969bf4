/** What the bench asks of a system: the one small interface that every adapter implements. */

/** @typedef {import("./payload.mjs").Payload} Payload */

/**
 * Where a system keeps its jobs during one measurement.
 * @typedef {object} Place
 * @property {number} port of its Redis on 127.0.0.1; 0: it has none
 * @property {string} folder an empty one, on a real disk
 */

/**
 * @typedef {object} Producer
 * @property {(taskId: string, data: Payload, delayMs: number) => Promise<unknown>} push resolves
 *   when the store has the job
 * @property {(taskId: string, items: readonly Payload[], delayMs: number) => Promise<unknown>
 *   } pushMany
 * @property {(taskId: string) => Promise<number>} left jobs that wait, are due later, or run
 * @property {() => Promise<unknown>} close
 */

/**
 * @typedef {object} WorkerOptions
 * @property {readonly string[]} taskIds
 * @property {number} concurrency per task
 * @property {(data: Payload) => void} run the work of every job
 */

/**
 * @typedef {object} Worker
 * @property {() => Promise<unknown>} close resolves when all that ran is settled
 */

/**
 * @typedef {object} System
 * @property {string} title
 * @property {boolean} usesRedis
 * @property {readonly string[]} [onlyCases] the cases it is made for; default: all
 * @property {(place: Place) => Promise<Producer>} produce
 * @property {(place: Place, options: WorkerOptions) => Promise<Worker>} work
 */

/** @type {Readonly<Record<string, () => Promise<{ system: System }>>>} */
export const SYSTEMS = Object.freeze({
  redis: () => import("../systems/redis.mjs"),
  embedded: () => import("../systems/embedded.mjs"),
  bullmq: () => import("../systems/bullmq.mjs"),
  "bee-queue": () => import("../systems/bee-queue.mjs"),
  "bare-sqlite": () => import("../systems/bare-sqlite.mjs"),
});

/** All others are compared with it. */
export const OURS = "redis";

/**
 * @param {string} key
 * @returns {Promise<System>}
 */
export async function loadSystem(key) {
  const load = SYSTEMS[key];
  if (load === undefined) throw new Error(`no system is called ${key}`);
  return (await load()).system;
}
