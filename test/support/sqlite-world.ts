/** Worlds on SQLite, in memory and on a file; time stands still unless a test moves it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chance, systemChance } from "../../src/chance.js";
import type { Store } from "../../src/store/contract.js";
import { type Handle, loadDriver } from "../../src/store/sqlite/driver.js";
import {
  createMemoryDatabase,
  createSqliteStore,
  type SqliteStoreOptions,
} from "../../src/store/sqlite/store.js";
import type { World } from "../contract/world.js";
import { createHandClock, type HandClock } from "./hand-clock.js";

const chance: Chance = systemChance;

/** Rows that must not be there, however full the store is: each question answers with none. */
const MUST_BE_EMPTY: readonly string[] = [
  "SELECT number FROM job WHERE state = 4 AND fence NOT IN (SELECT fence FROM lease)",
  "SELECT number FROM job WHERE state <> 4 AND (fence IS NOT NULL OR cancelling <> 0)",
  "SELECT fence FROM lease WHERE fence NOT IN (SELECT fence FROM job WHERE state = 4)",
  "SELECT number FROM job WHERE task NOT IN (SELECT id FROM task)",
  "SELECT id FROM known_id WHERE state IS NULL AND number NOT IN (SELECT number FROM job)",
  ...Object.entries({
    ready: 2,
    scheduled: 3,
    running: 4,
    completed: 5,
    dead: 6,
    cancelled: 7,
  }).map(
    ([name, state]) =>
      `SELECT id FROM task WHERE ${name} <>
         (SELECT count(*) FROM job WHERE job.task = task.id AND job.state = ${state})`,
  ),
];

/** Tables that hold nothing when no job is left and years have passed. */
const EMPTY_WHEN_DRAINED: readonly string[] = ["job", "known_id", "lease"];

export async function memoryWorld(): Promise<World> {
  const clock = createHandClock();
  const driver = await loadDriver();
  const opened: Handle[] = [];
  const open = (path: string) => {
    const handle = driver.open(path);
    opened.push(handle);
    return handle;
  };
  const target = createMemoryDatabase({ clock, chance, driver: { name: driver.name, open } });
  // An empty memory database is gone with its last store; this one outlives the test.
  const keeper = await openStore({ target, clock });
  return {
    ...hands(clock),
    open: () => openStore({ target, clock }),
    inspect: async () => inspect(opened.at(-1)),
    inspectDrained: async () => inspectDrained(opened.at(-1)),
    hold: async () => hold(opened.at(-1), clock),
    close: () => keeper.close(),
  };
}

export async function fileWorld(): Promise<World> {
  const clock = createHandClock();
  const driver = await loadDriver();
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-test-"));
  const path = join(folder, "store.db");
  const ask = async (question: (handle: Handle) => void) => {
    const handle = driver.open(path);
    try {
      question(handle);
    } finally {
      handle.close();
    }
  };
  return {
    ...hands(clock),
    open: () => openStore({ target: { path }, clock }),
    inspect: () => ask(inspect),
    inspectDrained: () => ask(inspectDrained),
    hold: () => ask((handle) => hold(handle, clock)),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

function hands(clock: HandClock): Pick<World, "now" | "advance" | "jump"> {
  return {
    now: async () => clock.now(),
    advance: async (ms) => clock.advance(ms),
    jump: async (ms) => clock.jump(ms),
  };
}

async function openStore(
  options: Pick<SqliteStoreOptions, "target"> & { clock: HandClock },
): Promise<Store> {
  const { target, clock } = options;
  const identity = chance.identity();
  const rest = { prefix: "contract:", durability: "store", identity, chance } as const;
  const store = createSqliteStore({ target, clock, ...rest });
  await store.open();
  return store;
}

function hold(handle: Handle | undefined, clock: HandClock): void {
  handle?.exec(`UPDATE space SET hold_until = ${clock.now() + 5_000}`);
}

function inspect(handle: Handle | undefined): void {
  if (handle === undefined) throw new Error("no database was opened");
  const wrong = MUST_BE_EMPTY.filter((sql) => handle.prepare(sql).all().length > 0);
  if (wrong.length > 0) throw new Error(`rows that do not belong: ${wrong.join("; ")}`);
}

function inspectDrained(handle: Handle | undefined): void {
  inspect(handle);
  const left = EMPTY_WHEN_DRAINED.flatMap((table) => {
    const rows = handle?.prepare(`SELECT * FROM ${table}`).all() ?? [];
    return rows.length > 0 ? [`${rows.length} in ${table}`] : [];
  });
  if (left.length > 0) throw new Error(`rows left though no job is: ${left.join(", ")}`);
}
