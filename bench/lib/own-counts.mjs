/**
 * What our Redis store costs in exact counts: commands, script calls and bytes per job for each
 * verb at several batch sizes, and memory per job. The same on every machine and in every run.
 */
import { Meter } from "./meter.mjs";
import { OwnVerbs } from "./own-verbs.mjs";
import { payloads } from "./payload.mjs";
import { RedisFacts } from "./redis-facts.mjs";

/**
 * @typedef {import("../../src/store/contract.js").Store} Store
 * @typedef {import("../../src/store/contract.js").KeepRules} KeepRules
 */

/**
 * Where the store comes from: built, or from its sources.
 * @typedef {object} Own
 * @property {(port: number, identity: string) => Store} storeAt
 * @property {KeepRules} keep
 * @property {(data: unknown) => string} encode the data of a push, as text
 * @property {(text: string) => unknown} decode
 */

/**
 * @typedef {object} Count of one verb at one batch size, per job (or per call, where it says so)
 * @property {number} commands that the client sent
 * @property {number} scripts script calls among them
 * @property {number} inside commands that ran inside scripts
 * @property {number} sentBytes
 * @property {number} receivedBytes
 */

/**
 * @typedef {object} Counts
 * @property {string} redis its version
 * @property {number} payloadBytes
 * @property {Record<string, Count>} perJob by verb and batch size
 * @property {{ waiting: number, delayed: number }} memoryBytes per job
 */

const BATCHES = [1, 10, 100, 400];
const LOOKS = [10, 50, 100];

/** Of jobs with options. */
const OPTIONS_BATCH = 100;

const MEMORY = { jobs: 20_000, per: 400, bytes: 100 };
const LATER_MS = 24 * 3_600_000;

/**
 * Counts on the empty server at `port`.
 * @param {Pick<Own, "storeAt" | "keep">} own
 * @param {{ port: number, bytes: number }} args
 * @returns {Promise<Counts>}
 */
export async function countOwn(own, { port, bytes }) {
  const facts = new RedisFacts(port);
  const meter = new Meter(port);
  try {
    const memoryBytes = await memoryPerJob(own, { port, facts });
    await meter.start();
    const perJob = await countVerbs(own, meter, bytes);
    return { redis: await facts.version(), payloadBytes: bytes, perJob, memoryBytes };
  } finally {
    meter.stop();
    facts.close();
  }
}

/**
 * @param {Pick<Own, "storeAt" | "keep">} own
 * @param {Meter} meter
 * @param {number} bytes
 */
async function countVerbs({ storeAt, keep }, meter, bytes) {
  // An identity of fixed length, as it is sent with many calls.
  const store = storeAt(meter.port, "bench-own");
  try {
    await store.open();
    const verbs = new OwnVerbs({ store, meter, keep, bytes });
    // The first calls load the scripts, and numbers of jobs have their usual length after them.
    await verbs.rows(100);
    await verbs.look(1);
    const rows = [];
    for (const batch of BATCHES) rows.push(...(await verbs.rows(batch)));
    rows.push(...(await verbs.optionRows(OPTIONS_BATCH)));
    rows.push(await verbs.renew());
    for (const tasks of LOOKS) rows.push(await verbs.look(tasks));
    /** @type {Record<string, Count>} */
    const perJob = {};
    for (const { verb, batch, jobs, passed } of rows) {
      perJob[batch === null ? verb : `${verb} ×${batch}`] = {
        commands: passed.commands / jobs,
        scripts: passed.scripts / jobs,
        inside: passed.inside / jobs,
        sentBytes: passed.sentBytes / jobs,
        receivedBytes: passed.receivedBytes / jobs,
      };
    }
    return perJob;
  } finally {
    await store.close();
  }
}

/**
 * What a waiting and a delayed job take in the server, no client of the store connected.
 * @param {Pick<Own, "storeAt">} own
 * @param {{ port: number, facts: RedisFacts }} server
 */
async function memoryPerJob({ storeAt }, { port, facts }) {
  const texts = payloads(MEMORY.per, MEMORY.bytes).map((payload) => JSON.stringify(payload));
  /** @param {string} taskId @param {number} jobs @param {number} delayMs */
  const store = async (taskId, jobs, delayMs) => {
    const own = storeAt(port, "bench-memory");
    try {
      await own.open();
      for (let at = 0; at < jobs; at += MEMORY.per) {
        const items = texts.slice(0, Math.min(MEMORY.per, jobs - at));
        await own.push({
          jobs: items.map((text) => OwnVerbs.job(taskId, text, delayMs)),
          timeoutMs: 5_000,
        });
      }
    } finally {
      await own.close();
    }
    await facts.alone();
    return await facts.memoryBytes();
  };
  const empty = await store("first", 1, 0);
  const waiting = await store("waiting", MEMORY.jobs, 0);
  const delayed = await store("delayed", MEMORY.jobs, LATER_MS);
  return {
    waiting: (waiting - empty) / MEMORY.jobs,
    delayed: (delayed - waiting) / MEMORY.jobs,
  };
}
