/**
 * No system, but what the embedded store cannot beat: one row, one fsynced transaction, through the
 * same binding and with the same settings for durability.
 */
import { join } from "node:path";

/** @typedef {import("../lib/system.mjs").System} System */

const DRIVER = new URL("../../dist/store/sqlite/driver.js", import.meta.url).href;

const SETTINGS = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE job (number INTEGER PRIMARY KEY, task TEXT NOT NULL, payload TEXT NOT NULL);
`;

/** @type {System} */
export const system = {
  title: "bare SQLite transaction",
  usesRedis: false,
  against: "embedded",
  onlyCases: ["push-alone"],
  async produce({ folder }) {
    /** @type {typeof import("../../src/store/sqlite/driver.js")} */
    const { loadDriver } = await import(DRIVER);
    const database = (await loadDriver()).open(join(folder, "bare.db"));
    database.exec(SETTINGS);
    const insert = database.prepare("INSERT INTO job (task, payload) VALUES (?, ?)");
    const count = database.prepare("SELECT count(*) AS jobs FROM job WHERE task = ?");
    return {
      push: async (taskId, data) => insert.run(taskId, JSON.stringify(data)),
      async pushMany(taskId, items) {
        database.exec("BEGIN IMMEDIATE");
        for (const data of items) insert.run(taskId, JSON.stringify(data));
        database.exec("COMMIT");
      },
      left: async (taskId) => /** @type {{ jobs: number }} */ (count.get(taskId)).jobs,
      close: async () => database.close(),
    };
  },
  work: () => Promise.reject(new Error("a bare transaction runs no jobs")),
};
