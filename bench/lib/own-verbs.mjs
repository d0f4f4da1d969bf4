/** Our Redis store, verb by verb, at one batch size: what each costs per job in exact counts. */
import { payloads } from "./payload.mjs";

/**
 * @typedef {import("../../src/store/contract.js").Store} Store
 * @typedef {import("../../src/store/contract.js").ClaimedBatch} ClaimedBatch
 * @typedef {import("../../src/store/contract.js").Settle} Settle
 * @typedef {import("../../src/store/contract.js").KeepRules} KeepRules
 * @typedef {import("./meter.mjs").Meter} Meter
 * @typedef {import("./meter.mjs").Passed} Passed
 * @typedef {{ verb: string, batch: number, jobs: number, passed: Passed }} Row
 */

const TASK = "bench";

/** How often each verb is called; what is shown is the mean. */
const CALLS = 20;

/** Long enough that nobody notes the time in between, which would be another command. */
const LEASE_MS = 3_600_000;

const DELAY_MS = 3_600_000;

const RULES = {
  retry: { attempts: 0, waitMs: 10_000, backoff: /** @type {const} */ ("fixed") },
  priority: 0,
  timeoutMs: null,
};

export class OwnVerbs {
  #store;
  #meter;
  #keep;
  #texts;

  /** @param {{ store: Store, meter: Meter, keep: KeepRules, bytes: number }} parts */
  constructor({ store, meter, keep, bytes }) {
    this.#store = store;
    this.#meter = meter;
    this.#keep = keep;
    this.#texts = payloads(100, bytes).map((payload) => JSON.stringify(payload));
  }

  /**
   * @param {number} batch jobs per call
   * @returns {Promise<Row[]>}
   */
  async rows(batch) {
    /** @type {ClaimedBatch[]} */
    const held = [];
    const jobs = batch * CALLS;
    /** @type {(verb: string, count: number, work: () => Promise<unknown>) => Promise<Row>} */
    const row = async (verb, count, work) => {
      const passed = await this.#meter.during(() => times(work));
      return { verb, batch, jobs: count, passed };
    };
    const push = await row("push", jobs, () => this.#push(batch, 0));
    const claim = await row("claim", jobs, async () => held.push(await this.#work([], batch)));
    const renew = await row("renew, a call", CALLS, () => this.#renew(held[0]));
    const settle = await row("settle", jobs, () => this.#work(held.splice(0, 1), 0));
    await times(() => this.#push(batch, 0));
    await this.#push(batch, 0);
    held.push(await this.#work([], batch));
    const both = await row("settle + claim", jobs, async () => {
      held.push(await this.#work(held.splice(0, 1), batch));
    });
    await this.#work(held.splice(0), 0);
    const later = await row("push, delayed", jobs, () => this.#push(batch, DELAY_MS));
    return [push, claim, settle, both, later, renew];
  }

  /**
   * The look of an idle scheduler with so many bound tasks.
   * @param {number} tasks
   * @returns {Promise<Row>}
   */
  async look(tasks) {
    const taskIds = Array.from({ length: tasks }, (_, index) => `idle-${index}`);
    const fireable = { taskIds, scheduleIds: [] };
    const look = () => this.#store.look({ taskIds, fireable, registration: null, sleepMs: 1_000 });
    const passed = await this.#meter.during(() => times(look));
    return { verb: `look, ${tasks} tasks, a call`, batch: 1, jobs: CALLS, passed };
  }

  /**
   * @param {number} jobs
   * @param {number} delayMs
   */
  #push(jobs, delayMs) {
    const due = delayMs === 0 ? null : { in: delayMs };
    const specs = this.#texts.slice(0, jobs).map((payload) => ({
      taskId: TASK,
      id: null,
      payload,
      due,
      rules: RULES,
      occurrence: null,
    }));
    return this.#store.push({ jobs: specs, timeoutMs: 5_000 });
  }

  /**
   * Settles whole batches and claims a new one.
   * @param {readonly ClaimedBatch[]} ended
   * @param {number} limit 0: claims nothing
   */
  async #work(ended, limit) {
    const claims = limit === 0 ? [] : [{ taskId: TASK, limit }];
    const settles = ended.flatMap(settlesOf);
    const keep = this.#keep;
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

  /** @param {ClaimedBatch | undefined} batch */
  #renew(batch) {
    if (batch === undefined) throw new Error("nothing was claimed");
    return this.#store.renew({ leases: [{ fence: batch.fence, taskId: TASK }], progress: [] });
  }
}

/**
 * @param {ClaimedBatch} batch
 * @returns {Settle[]}
 */
function settlesOf({ fence, taskId, jobs }) {
  return jobs.map(({ number }) => ({
    fence,
    taskId,
    number,
    id: null,
    scheduleId: null,
    outcome: { kind: "completed", result: null },
  }));
}

/** @param {() => Promise<unknown>} work */
async function times(work) {
  for (let call = 0; call < CALLS; call += 1) await work();
}
