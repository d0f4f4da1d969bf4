/** What the largest loads do to an embedded store: the size of its file, and what is left in it. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { number } from "./table.mjs";

/** The database and its journal. */
const FILES = ["jobs.db", "jobs.db-wal"];

/** @returns {Promise<import("./bounds-cases.mjs").Stand>} */
export async function fileStand() {
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-bench-"));
  const path = join(folder, "jobs.db");
  /** @type {string[]} */
  const sizes = [];
  return {
    options: { store: { path } },
    async weigh() {
      const bytes = FILES.map((name) => statSync(join(folder, name), { throwIfNoEntry: false }));
      sizes.push(bytes.map((found) => number((found?.size ?? 0) / 1e6, 1)).join(" + "));
    },
    meanwhile: async () => {},
    lines: async () => [
      ...(sizes.length > 0
        ? [`file and journal: before, parked, after: ${sizes.join(", ")} MB`]
        : []),
    ],
    async problems() {
      const { loadDriver } = await import(
        new URL("../../dist/store/sqlite/driver.js", import.meta.url).href
      );
      const database = (await loadDriver()).open(path);
      const { jobs } = database.prepare("SELECT count(*) AS jobs FROM job").get();
      database.close();
      return jobs > 0 ? [`${jobs} jobs are left`] : [];
    },
    end: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
