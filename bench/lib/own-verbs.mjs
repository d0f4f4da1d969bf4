/** Our Redis store, verb by verb, at one batch size: what each costs per job in exact counts. */
import { payloads } from "./payload.mjs";

/**
 * @typedef {import("../../src/store/contract.js").Store} Store
 * @typedef {import("../../src/store/contract.js").ClaimedBatch} ClaimedBatch
 * @typedef {import("../../src/store/contract.js").Settle} Settle
 * @typedef {import("../../src/store/contract.js").KeepRules} KeepRules
 * @typedef {import("../../src/store/contract.js").NewJob} NewJob
 */

/**
 * @template T
 * @typedef {{ during: (work: () => Promise<unknown>) => Promise<T> }} Meter
 */

/**
 * @template T
 * @typedef {{ verb: string, batch: number | null, jobs: number, passed: T }} Row batch null: what
 *   is measured is a call
 */

const TASK = "bench";

/** The largest batch. */
const MOST_JOBS = 400;

/** How often each verb is called, where nothing else is said; what counts is the mean. */
const CALLS = 20;

/** Long enough that nobody notes the time in between, which would be another command. */
const LEASE_MS = 3_600_000;

const DELAY_MS = 3_600_000;

/** Of a life with an option, what costs more than without. */
const DEARER = [
  "push, ids",
  "settle, ids",
  "settle, kept",
  "push, priorities",
  "claim, priorities",
];

const RULES = {
  retry: { attempts: 0, waitMs: 10_000, backoff: /** @type {const} */ ("fixed") },
  priority: 0,
  timeoutMs: null,
};

/** @template T what the meter says */
export class OwnVerbs {
  #store;
  #meter;
  #keep;
  #texts;
  #calls;

  /**
   * A job that is retried for ever.
   * @param {string} taskId
   * @param {string} payload
   * @param {number} delayMs
   * @returns {NewJob}
   */
  static job(taskId, payload, delayMs) {
    const due = delayMs === 0 ? null : { in: delayMs };
    return { taskId, id: null, payload, due, rules: RULES, occurrence: null };
  }

  /**
   * @param {{
   *   store: Store, meter: Meter<T>, keep: KeepRules, bytes: number, calls?: number,
   * }} parts
   */
  constructor({ store, meter, keep, bytes, calls = CALLS }) {
    this.#calls = calls;
    this.#store = store;
    this.#meter = meter;
    this.#keep = keep;
    this.#texts = payloads(MOST_JOBS, bytes).map((payload) => JSON.stringify(payload));
  }

  /**
   * @param {number} batch jobs per call
   * @returns {Promise<Row<T>[]>}
   */
  async rows(batch) {
    /** @type {ClaimedBatch[]} */
    const held = [];
    /** @type {(verb: string, work: () => Promise<unknown>) => Promise<Row<T>>} */
    const row = async (verb, work) => {
      const passed = await this.#meter.during(() => this.#times(work));
      return { verb, batch, jobs: batch * this.#calls, passed };
    };
    const push = await row("push", () => this.#push(batch, 0));
    const claim = await row("claim", async () => held.push(await this.#work([], batch)));
    const settle = await row("settle", () => this.#work(held.splice(0, 1), 0));
    await this.#times(() => this.#push(batch, 0));
    await this.#push(batch, 0);
    held.push(await this.#work([], batch));
    const both = await row("work", async () => {
      held.push(await this.#work(held.splice(0, 1), batch));
    });
    await this.#work(held.splice(0), 0);
    const later = await row("push, delayed", () => this.#push(batch, DELAY_MS));
    return [push, claim, settle, both, later];
  }

  /**
   * Of jobs with an id of their caller's, of such that are kept, of such with priorities.
   * @param {number} batch jobs per call
   * @returns {Promise<Row<T>[]>}
   */
  async optionRows(batch) {
    /** @type {Row<T>[]} */
    const rows = [];
    /** @type {(verb: string, work: () => Promise<unknown>) => Promise<unknown>} */
    const row = async (verb, work) => {
      const passed = await this.#meter.during(() => this.#times(work));
      return rows.push({ verb, batch, jobs: batch * this.#calls, passed });
    };
    /**
     * @param {string} name
     * @param {KeepRules} keep
     * @param {(n: number) => object} change what each job has beside its data
     */
    const life = async (name, keep, change) => {
      /** @type {ClaimedBatch[]} */
      const held = [];
      let made = 0;
      const next = () => {
        made += 1;
        return change(made);
      };
      await row(`push, ${name}`, () => this.#push(batch, 0, next));
      await row(`claim, ${name}`, async () => held.push(await this.#work([], batch)));
      return await row(`settle, ${name}`, () => this.#work(held.splice(0, 1), 0, keep));
    };
    const completed = { ageMs: DELAY_MS, count: MOST_JOBS };
    await life("ids", this.#keep, (n) => ({ id: `job ${1_000_000 + n}` }));
    await life("kept", { ...this.#keep, completed }, () => ({}));
    await life("priorities", this.#keep, (n) => ({ rules: { ...RULES, priority: 1 + (n % 3) } }));
    return rows.filter(({ verb }) => DEARER.includes(verb));
  }

  /**
   * The renewal of one lease, whatever the number of its jobs.
   * @returns {Promise<Row<T>>}
   */
  async renew() {
    await this.#push(1, 0);
    const batch = await this.#work([], 1);
    const leases = [{ fence: batch.fence, taskId: TASK }];
    const renew = () => this.#store.renew({ leases, progress: [] });
    const passed = await this.#meter.during(() => this.#times(renew));
    await this.#work([batch], 0);
    return { verb: "renew, a call", batch: null, jobs: this.#calls, passed };
  }

  /**
   * The look of an idle scheduler with so many bound tasks.
   * @param {number} tasks
   * @returns {Promise<Row<T>>}
   */
  async look(tasks) {
    const taskIds = Array.from({ length: tasks }, (_, index) => `idle-${index}`);
    const fireable = { taskIds, scheduleIds: [] };
    const look = () => this.#store.look({ taskIds, fireable, registration: null, sleepMs: 1_000 });
    const passed = await this.#meter.during(() => this.#times(look));
    return { verb: `look, ${tasks} tasks, a call`, batch: null, jobs: this.#calls, passed };
  }

  /**
   * @param {number} jobs
   * @param {number} delayMs
   * @param {() => object} change what each has beside its data
   */
  #push(jobs, delayMs, change = () => ({})) {
    const specs = this.#texts
      .slice(0, jobs)
      .map((text) => ({ ...OwnVerbs.job(TASK, text, delayMs), ...change() }));
    return this.#store.push({ jobs: specs, timeoutMs: 5_000 });
  }

  /**
   * Settles whole batches and claims a new one.
   * @param {readonly ClaimedBatch[]} ended
   * @param {number} limit 0: claims nothing
   */
  async #work(ended, limit, keep = this.#keep) {
    const claims = limit === 0 ? [] : [{ taskId: TASK, limit }];
    const settles = ended.flatMap(settlesOf);
    const answer = await this.#store.work({
      settles,
      claims,
      idle: false,
      leaseMs: LEASE_MS,
      keep,
    });
    const [batch] = answer.batches;
    const jobs = answer.batches.reduce((sum, { jobs: own }) => sum + own.length, 0);
    if (jobs !== limit) throw new Error(`${jobs} jobs were claimed, ${limit} were asked for`);
    const lost = answer.settled.filter((one) => one === "lost" || one.state !== "completed");
    if (lost.length > 0) throw new Error(`${lost.length} settles did not complete their jobs`);
    return /** @type {ClaimedBatch} */ (batch);
  }

  /** @param {() => Promise<unknown>} work */
  async #times(work) {
    for (let call = 0; call < this.#calls; call += 1) await work();
  }
}

/**
 * All jobs of a batch are completed.
 * @param {ClaimedBatch} batch
 * @returns {Settle[]}
 */
export function settlesOf({ fence, taskId, jobs }) {
  return jobs.map(({ number, id, ownId }) => ({
    fence,
    taskId,
    number,
    id: ownId ? id : null,
    scheduleId: null,
    outcome: { kind: "completed", result: null },
  }));
}
