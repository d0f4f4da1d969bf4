/**
 * Who has stopped leaves no file open: neither the connection nor a thread of its own does. One
 * binding closes a file only when its statements are garbage: then nobody else may hold them.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadDriver } from "../../src/store/sqlite/driver.js";

const CLOSER = join(import.meta.dirname, "programs/closer.mjs");

interface Told {
  before: string[];
  after: string[];
  collected: string[];
}

const isLinux = process.platform === "linux";

test.runIf(isLinux)("stop() leaves no file open, whatever was at work", async () => {
  const isLate = (await loadDriver()).name === "@photostructure/sqlite";
  for (const [kind, connections] of Object.entries({ plain: 1, deputy: 2, journal: 2 })) {
    const folder = mkdtempSync(join(tmpdir(), "schedule-mq-system-"));
    try {
      const args = ["--expose-gc", CLOSER, join(folder, "jobs.db"), kind];
      const { stdout, stderr } = spawnSync(process.execPath, args);
      expect(stderr.toString()).toBe("");
      const { before, after, collected } = JSON.parse(stdout.toString()) as Told;
      const files = before.filter((name) => name.endsWith("jobs.db"));
      expect(files, kind).toHaveLength(connections);
      expect(isLate ? collected : after, kind).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
});
