/** Which jobs have run in a worker's process, when, and at what cost. */
import { setTimeout as wait } from "node:timers/promises";
import { nowMs } from "./numbers.mjs";

/**
 * @typedef {import("./payload.mjs").Payload} Payload
 * @typedef {object} Work what the handlers do
 * @property {{ fromMs: number, toMs: number }} [takes] each waits for a whole number of ms between
 *   these, spread evenly; left out: nothing
 * @property {number} [failEvery] each job whose number this divides throws in its first run
 */

/**
 * @typedef {object} Report
 * @property {number} dup jobs that ran twice (a run that was told to fail does not count)
 * @property {number} stray runs of jobs that nobody pushed
 * @property {number} lost jobs that did not run
 * @property {number} failed runs that were told to fail
 * @property {number} ms from the first start to the last
 * @property {number} firstAt by `nowMs`
 * @property {number} lastAt by `nowMs`
 * @property {number} cpuUs since the first start
 * @property {number[]} lates how long after its instant each job began that carries one
 */

export class Tally {
  #runs;
  #failed;
  #jobs;
  #work;
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

  /**
   * @param {number} jobs
   * @param {Work} [work]
   */
  constructor(jobs, work = {}) {
    this.#jobs = jobs;
    this.#work = work;
    this.#runs = new Uint8Array(jobs);
    this.#failed = new Uint8Array(jobs);
    this.whenAll = new Promise((resolve) => {
      this.#all = resolve;
    });
  }

  /** Jobs that have run so far. */
  get seen() {
    return this.#seen;
  }

  /** How often each job ran, for a comparison with other workers' tallies. */
  get runs() {
    return Buffer.from(this.#runs).toString("base64");
  }

  /**
   * The handler; a promise only where the work takes time.
   * @param {Payload} data
   */
  run(data) {
    const { takes, failEvery } = this.#work;
    this.#begun(data, failEvery);
    if (takes === undefined) return undefined;
    const steps = takes.toMs - takes.fromMs + 1;
    // 7 is prime to the usual numbers of steps: neighbours take different times.
    return wait(takes.fromMs + ((data.n * 7) % steps));
  }

  /** @returns {Report} */
  report() {
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      dup: this.#dup,
      stray: this.#stray,
      lost: this.#jobs - this.#seen,
      failed: this.#failed.reduce((sum, one) => sum + one, 0),
      ms: this.#lastAt - this.#firstAt,
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      cpuUs: user + system,
      lates: this.#lates,
    };
  }

  /**
   * @param {Payload} data
   * @param {number | undefined} failEvery
   */
  #begun({ n, at }, failEvery) {
    const now = nowMs();
    if (this.#firstAt === 0) {
      this.#firstAt = now;
      this.#cpu = process.cpuUsage();
    }
    const runs = this.#runs[n];
    if (runs !== undefined && failEvery !== undefined && n % failEvery === 0) {
      if (this.#failed[n] === 0) {
        this.#failed[n] = 1;
        throw new Error("a failure that the bench asks for");
      }
    }
    if (runs === undefined) this.#stray += 1;
    else if (runs > 0) {
      this.#runs[n] = 2;
      this.#dup += 1;
    } else {
      this.#runs[n] = 1;
      this.#seen += 1;
      this.#lastAt = now;
      if (at > 0) this.#lates.push(now - at);
      if (this.#seen === this.#jobs) this.#all();
    }
  }
}
