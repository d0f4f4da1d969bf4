/** What the bench asks of a system: the one small interface that every adapter implements. */

/** @typedef {import("./payload.mjs").Payload} Payload */

/**
 * What a case asks for besides a system's defaults.
 * @typedef {object} Mode
 * @property {boolean} retry false: at most once, where the system has that
 * @property {number} retryMs a job whose handler threw is issued again so long after it; 0: as the
 *   system does by itself
 * @property {number} pollMs the longest time between two looks; 0: the system's own
 * @property {number} schedules so many are registered by the worker, of which none becomes due
 * @property {string} option of ours, switched on: a key of `OPTIONS` in systems/ours.mjs; "": none
 */

/** @type {Mode} */
export const DEFAULT_MODE = Object.freeze({
  retry: true,
  retryMs: 0,
  pollMs: 0,
  schedules: 0,
  option: "",
});

/**
 * Where a system keeps its jobs during one measurement, and how it is to run them.
 * @typedef {object} Spot
 * @property {number} port of its Redis on 127.0.0.1; 0: it has none
 * @property {string} folder an empty one, on a real disk
 * @typedef {Spot & Partial<Mode>} Place
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
 * @property {(data: Payload) => unknown} run the work of every job; a promise where it takes time
 */

/**
 * @typedef {object} Worker
 * @property {() => Promise<unknown>} close resolves when all that ran is settled
 */

/**
 * @typedef {object} System
 * @property {string} title
 * @property {boolean} usesRedis
 * @property {string} [against] the system that it is compared with; default: ours on Redis
 * @property {readonly string[]} [onlyCases] the cases it is made for; default: all
 * @property {readonly string[]} [imports] what its users import
 * @property {readonly string[]} [unwanted] packages that it must not load, whatever is done with it
 * @property {(place: Place) => Promise<Producer>} produce
 * @property {(place: Place, options: WorkerOptions) => Promise<Worker>} work
 */

/** @type {Readonly<Record<string, () => Promise<{ system: System }>>>} */
export const SYSTEMS = Object.freeze({
  redis: () => import("../systems/redis.mjs"),
  embedded: () => import("../systems/embedded.mjs"),
  bullmq: () => import("../systems/bullmq.mjs"),
  "bee-queue": () => import("../systems/bee-queue.mjs"),
  plainjob: () => import("../systems/plainjob.mjs"),
  "bare-redis": () => import("../systems/bare-redis.mjs"),
  "bare-sqlite": () => import("../systems/bare-sqlite.mjs"),
});

/** All are compared with it that say nothing else. */
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
