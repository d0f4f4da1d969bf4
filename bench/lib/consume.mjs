/** What a worker's process does: runs jobs, and keeps a tally of each of them. */
import { setTimeout as wait } from "node:timers/promises";
import { nowMs } from "./numbers.mjs";

/**
 * @typedef {import("./system.mjs").System} System
 * @typedef {import("./system.mjs").Place} Place
 * @typedef {import("./system.mjs").Worker} Worker
 * @typedef {import("./system.mjs").Payload} Payload
 * @typedef {{ taskIds: string[], concurrency: number, jobs: number }} Open
 */

/** How long a second run of a job is waited for after all have run. */
const SECOND_RUN_MS = 100;

/** Which jobs have run, when, and at what cost. */
class Tally {
  #runs;
  #jobs;
  #seen = 0;
  #dup = 0;
  #stray = 0;
  #firstAt = 0;
  #lastAt = 0;
  /** @type {NodeJS.CpuUsage | undefined} */
  #cpu;
  /** @type {number[]} */
  #lates = [];
  /** @type {() => void} */
  #all = () => {};
  /** @type {Promise<void>} */
  whenAll;

  /** @param {number} jobs */
  constructor(jobs) {
    this.#jobs = jobs;
    this.#runs = new Uint8Array(jobs);
    this.whenAll = new Promise((resolve) => {
      this.#all = resolve;
    });
  }

  /** @param {Payload} data */
  run({ n, at }) {
    const now = nowMs();
    if (this.#firstAt === 0) {
      this.#firstAt = now;
      this.#cpu = process.cpuUsage();
    }
    const runs = this.#runs[n];
    if (runs === undefined) this.#stray += 1;
    else if (runs > 0) this.#dup += 1;
    else {
      this.#runs[n] = 1;
      this.#seen += 1;
      this.#lastAt = now;
      if (at > 0) this.#lates.push(now - at);
      if (this.#seen === this.#jobs) this.#all();
    }
  }

  report() {
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      dup: this.#dup,
      stray: this.#stray,
      lost: this.#jobs - this.#seen,
      ms: this.#lastAt - this.#firstAt,
      cpuUs: user + system,
      lates: this.#lates,
    };
  }
}

/**
 * @param {System} system
 * @param {Place} place
 */
export function consumer(system, place) {
  let tally = new Tally(0);
  /** @type {Worker | null} */
  let worker = null;
  /** @param {Open} args */
  const open = async ({ taskIds, concurrency, jobs }) => {
    const own = new Tally(jobs);
    tally = own;
    worker = await system.work(place, { taskIds, concurrency, run: (data) => own.run(data) });
  };
  /** @param {{ limitMs: number }} args */
  const finish = async ({ limitMs }) => {
    await Promise.race([tally.whenAll, wait(limitMs, undefined, { ref: false })]);
    await wait(SECOND_RUN_MS);
    await worker?.close();
    return tally.report();
  };
  return {
    open,
    /** Waits until all jobs have run (or the time is over), closes, and says how it went. */
    finish,
    /** @param {Open & { limitMs: number }} args */
    drain: async (args) => {
      await open(args);
      return await finish(args);
    },
    /**
     * How much CPU this process takes while nobody asks for anything.
     * @param {{ ms: number }} args
     */
    idle: async ({ ms }) => {
      const cpu = process.cpuUsage();
      await wait(ms);
      const { user, system: kernel } = process.cpuUsage(cpu);
      return { cpuUs: user + kernel };
    },
  };
}
