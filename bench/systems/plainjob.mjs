/**
 * plainjob 0.0.14, the fastest job queue on SQLite: the peer of the embedded store. It knows only
 * relaxed durability (synchronous = NORMAL), no leases and one job at a time. It is given the
 * binding that the embedded store uses here, behind the connection that it asks for.
 */
import { join } from "node:path";

/**
 * @typedef {import("../lib/system.mjs").System} System
 * @typedef {import("../../src/store/sqlite/driver.js").Handle} Handle
 */

/** Its types are there only when the peers are installed: so its name is no literal. */
const MODULE = "plainjob";

const DRIVER = new URL("../../dist/store/sqlite/driver.js", import.meta.url).href;

const nothing = () => {};
const SILENT = { error: nothing, warn: nothing, info: nothing, debug: nothing };

/** Statuses of a job, as it stores them. */
const OPEN = { pending: 0, processing: 1 };

/** @returns {Promise<any>} */
const library = () => import(MODULE);

/**
 * A connection in the shape of better-sqlite3, which the other bindings lack in part.
 * @param {Handle} database
 * @param {string} filename
 */
function connectionOf(database, filename) {
  /** @param {(...args: any[]) => unknown} work */
  const transaction = (work) => {
    /** @type {(begin: string) => (...args: any[]) => unknown} */
    const from =
      (begin) =>
      (...args) => {
        database.exec(begin);
        try {
          const answer = work(...args);
          database.exec("COMMIT");
          return answer;
        } catch (error) {
          database.exec("ROLLBACK");
          throw error;
        }
      };
    return Object.assign(from("BEGIN"), { immediate: from("BEGIN IMMEDIATE") });
  };
  return {
    driver: "better-sqlite3",
    filename,
    transaction,
    pragma: (/** @type {string} */ text) => database.exec(`PRAGMA ${text}`),
    exec: (/** @type {string} */ text) => database.exec(text),
    prepare: (/** @type {string} */ text) => database.prepare(text),
    close: () => database.close(),
  };
}

/** @param {string} folder */
async function queueIn(folder) {
  /** @type {typeof import("../../src/store/sqlite/driver.js")} */
  const { loadDriver } = await import(DRIVER);
  const { defineQueue } = await library();
  const file = join(folder, "plainjob.db");
  const connection = connectionOf((await loadDriver()).open(file), file);
  return defineQueue({ connection, logger: SILENT });
}

/** @type {System} */
export const system = {
  title: "plainjob (relaxed)",
  usesRedis: false,
  against: "embedded",
  onlyCases: ["enqueue-single", "enqueue-many", "push-alone", "drain-10", "drain-100", "start"],
  imports: [MODULE],
  async produce({ folder }) {
    const queue = await queueIn(folder);
    return {
      push: async (taskId, data, delayMs) => queue.add(taskId, data, { delay: delayMs }),
      pushMany: async (taskId, items, delayMs) => queue.addMany(taskId, items, { delay: delayMs }),
      left: async (type) =>
        queue.countJobs({ type, status: OPEN.pending }) +
        queue.countJobs({ type, status: OPEN.processing }),
      close: async () => queue.close(),
    };
  },
  async work({ folder }, { taskIds, run }) {
    const { defineWorker } = await library();
    const queue = await queueIn(folder);
    const workers = taskIds.map((taskId) =>
      defineWorker(taskId, (/** @type {any} */ job) => run(JSON.parse(job.data)), {
        queue,
        logger: SILENT,
      }),
    );
    const ends = workers.map((worker) => worker.start());
    return {
      async close() {
        await Promise.all(workers.map((worker) => worker.stop()));
        await Promise.all(ends);
        queue.close();
      },
    };
  },
};
