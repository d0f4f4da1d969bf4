/**
 * A world on a file in which every scheduler has a connection of its own, as if each had its own
 * process: they meet at the file's lock, and hear each other by the bell.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { systemChance } from "../../src/chance.js";
import type { Store } from "../../src/store/contract.js";
import type { World } from "../contract/world.js";
import { createHandClock, type HandClock } from "../support/hand-clock.js";
import { openRaw, rowsOf } from "./raw.js";

export async function apartWorld(): Promise<World> {
  const clock = createHandClock();
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-"));
  const path = join(folder, "store.db");
  const find = async (queries: Record<string, string>) => {
    for (const [what, sql] of Object.entries(queries)) {
      const found = await rowsOf(path, sql);
      if (found.length > 0) throw new Error(`${what}: ${JSON.stringify(found.slice(0, 5))}`);
    }
  };
  return {
    open: () => openStore(path, clock),
    now: async () => clock.now(),
    advance: async (ms) => clock.advance(ms),
    jump: async (ms) => clock.jump(ms),
    inspect: () => find(STRANGE),
    inspectDrained: () => find(LEFT),
    hold: async () => {
      const raw = await openRaw(path);
      raw.exec(`UPDATE space SET hold_until = ${clock.now() + 5_000}`);
      raw.close();
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The module shares a connection among all who import it; imported anew it shares nothing. */
async function openStore(path: string, clock: HandClock): Promise<Store> {
  vi.resetModules();
  const { createSqliteStore } = await import("../../src/store/sqlite/store.js");
  const store = createSqliteStore({
    target: { path },
    prefix: "contract:",
    durability: "store",
    identity: systemChance.identity(),
    clock,
    chance: systemChance,
  });
  await store.open();
  return store;
}

/** Each finds rows that must not be there, whatever the store holds. */
const STRANGE: Record<string, string> = {
  "damage in the file": "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
  "running jobs without a lease of their task": `SELECT number FROM job
    WHERE state = 4 AND fence NOT IN (SELECT fence FROM lease WHERE lease.task = job.task)`,
  "leases without jobs": `SELECT fence FROM lease
    WHERE NOT EXISTS (SELECT 1 FROM job WHERE state = 4 AND job.fence = lease.fence)`,
  "jobs in no line": `SELECT number FROM job
    WHERE (state = 2 AND place IS NULL) OR (state = 3) <> (due_at IS NOT NULL)`,
  "jobs in the wrong lane": `SELECT number FROM job
    WHERE state = 2 AND lane <> (crashes_in_row >= 3)`,
  "wrong counts of ended ids": `SELECT name FROM task WHERE ended_ids <>
    (SELECT count(*) FROM known_id WHERE known_id.task = task.id AND state IS NOT NULL)`,
  "living ids without a job": `SELECT id FROM known_id
    WHERE state IS NULL AND number NOT IN (SELECT number FROM job WHERE state < 5)`,
};

const LEFT: Record<string, string> = {
  jobs: "SELECT number FROM job",
  leases: "SELECT fence FROM lease",
  ids: "SELECT id FROM known_id",
};
