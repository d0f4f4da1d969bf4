/**
 * What our Redis store and what is around it cost in CPU per job, part by part: of this process, of
 * Redis, and of the scripts alone. These are measurements: other in each run, unlike the counts.
 */
import { OwnVerbs } from "./own-verbs.mjs";
import { wakes } from "./own-wakes.mjs";
import { WHOLES } from "./own-wholes.mjs";
import { payloads } from "./payload.mjs";
import { RedisFacts } from "./redis-facts.mjs";

/**
 * @typedef {import("./own-counts.mjs").Own} Own
 * @typedef {{ nodeUs: number, redisUs: number, scriptUs: number }} Spent
 * @typedef {Spent & { part: string }} Cost per job, or per call where the part says so
 */

const BATCHES = [1, 10, 100, 400];
const LOOKS = [10, 100];

/** Calls of each verb, so that about so many jobs take part, and never too few calls. */
const JOBS = 20_000;
const FEWEST_CALLS = 100;
const MOST_CALLS = 1_500;

const JSON_ROUNDS = 20;
const PROMISES = 500_000;

/** Measures stretches of work; nothing else may be under way. */
export class CostMeter {
  #facts;

  /** @param {number} port */
  constructor(port) {
    this.#facts = new RedisFacts(port);
  }

  /**
   * @param {() => Promise<unknown>} work
   * @returns {Promise<Spent>}
   */
  async during(work) {
    const before = await this.#facts.spent();
    const cpu = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(cpu);
    const after = await this.#facts.spent();
    return {
      nodeUs: user + system,
      redisUs: after.cpuUs - before.cpuUs,
      scriptUs: after.scriptUs - before.scriptUs,
    };
  }

  stop() {
    this.#facts.close();
  }
}

/**
 * @param {string} part
 * @param {Spent} spent
 * @param {number} times
 * @returns {Cost}
 */
const costOf = (part, { nodeUs, redisUs, scriptUs }, times) => ({
  part,
  nodeUs: nodeUs / times,
  redisUs: redisUs / times,
  scriptUs: scriptUs / times,
});

/**
 * @param {Own} own
 * @param {{ port: number, bytes: number }} args
 * @returns {Promise<Cost[]>}
 */
export async function costsOfVerbs(own, { port, bytes }) {
  const meter = new CostMeter(port);
  const store = own.storeAt(port, "bench-costs");
  try {
    await store.open();
    const make = (/** @type {number} */ calls) =>
      new OwnVerbs({ store, meter, keep: own.keep, bytes, calls });
    // Code is compiled and connections are warm before anything is measured.
    for (const batch of BATCHES) await make(FEWEST_CALLS).rows(batch);
    const rows = [];
    for (const batch of BATCHES) rows.push(...(await make(callsOf(batch)).rows(batch)));
    rows.push(await make(MOST_CALLS).renew());
    for (const tasks of LOOKS) rows.push(await make(MOST_CALLS).look(tasks));
    const costs = rows.map(({ verb, batch, jobs, passed }) =>
      costOf(batch === null ? verb : `${verb} ×${batch}`, passed, jobs),
    );
    return [...costs, await costOfWake(own, meter, port)];
  } finally {
    await store.close();
    meter.stop();
  }
}

/** @param {number} batch */
function callsOf(batch) {
  return Math.max(FEWEST_CALLS, Math.min(MOST_CALLS, Math.ceil(JOBS / batch)));
}

/**
 * What the sleep, the hint and the wake-up add to the push of one job and its run.
 * @param {Own} own
 * @param {CostMeter} meter
 * @param {number} port
 */
async function costOfWake(own, meter, port) {
  const { open, close, cycle } = wakes(own, port);
  try {
    await open();
    /** @param {boolean} asleep */
    const cycles = async (asleep) => {
      for (let call = 0; call < MOST_CALLS; call += 1) await cycle(asleep);
    };
    await cycles(true);
    const awake = await meter.during(() => cycles(false));
    const asleep = await meter.during(() => cycles(true));
    const extra = {
      nodeUs: asleep.nodeUs - awake.nodeUs,
      redisUs: asleep.redisUs - awake.redisUs,
      scriptUs: asleep.scriptUs - awake.scriptUs,
    };
    return costOf("wake (sleep, hint, look), a time", extra, MOST_CALLS);
  } finally {
    await close();
  }
}

/**
 * JSON and promises by themselves: no store.
 * @param {Own} own
 * @param {number} bytes
 * @returns {Promise<Cost[]>}
 */
export async function costsOfNode({ encode, decode }, bytes) {
  const items = payloads(10_000, bytes);
  const texts = items.map((item) => encode(item));
  const nothing = async () => {};
  const times = JSON_ROUNDS * items.length;
  /** @type {[string, number, () => unknown][]} */
  const parts = [
    ["JSON of a push (check, stringify)", times, () => rounds(items, encode)],
    ["JSON of a run (parse)", times, () => rounds(texts, decode)],
    ["one promise, awaited", PROMISES, () => awaits(nothing)],
  ];
  const costs = [];
  for (const [part, count, work] of parts) {
    await work();
    const cpu = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(cpu);
    costs.push(costOf(part, { nodeUs: user + system, redisUs: 0, scriptUs: 0 }, count));
  }
  return costs;
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => unknown} each
 */
function rounds(items, each) {
  for (let round = 0; round < JSON_ROUNDS; round += 1) for (const item of items) each(item);
}

/** @param {() => Promise<void>} each */
async function awaits(each) {
  for (let count = 0; count < PROMISES; count += 1) await each();
}

/**
 * The whole of a push and of a run, through the public face, split into the parts above; what no
 * part explains is checks, slots, leases, attempts, events and promises.
 * @param {{ port: number, bytes: number, parts: readonly Cost[] }} args
 * @returns {Promise<{ whole: Cost, of: Cost[] }[]>}
 */
export async function costsOfWholes({ port, bytes, parts }) {
  const meter = new CostMeter(port);
  try {
    const found = [];
    for (const { title, jobs, made, run } of WHOLES) {
      await run({ port, bytes, jobs: jobs / 5, during: (work) => work() });
      /** @type {Spent | null} */
      let spent = null;
      await run({
        port,
        bytes,
        jobs,
        during: async (work) => {
          spent = await meter.during(work);
        },
      });
      if (spent === null) throw new Error(`${title} was not measured`);
      const whole = costOf(title, spent, jobs);
      const of = parts.filter(({ part }) => made.includes(part));
      const rest = { ...whole, part: "the rest" };
      for (const { nodeUs, redisUs, scriptUs } of of) {
        rest.nodeUs -= nodeUs;
        rest.redisUs -= redisUs;
        rest.scriptUs -= scriptUs;
      }
      found.push({ whole, of: [...of, rest] });
    }
    return found;
  } finally {
    meter.stop();
  }
}
