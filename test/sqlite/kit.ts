/** Stores on a temporary file in this process, and ways to watch what they do to it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, type TestAPI } from "vitest";
import { systemChance } from "../../src/chance.js";
import type { NewJob, PushAnswer, Store } from "../../src/store/contract.js";
import type { Database } from "../../src/store/sqlite/database.js";
import { type Driver, loadDriver } from "../../src/store/sqlite/driver.js";
import { acquireFile, releaseFile } from "../../src/store/sqlite/shared.js";
import { createSqliteStore, type SqliteStoreOptions } from "../../src/store/sqlite/store.js";
import { createHandClock, type HandClock } from "../support/hand-clock.js";
import { newJob } from "./processes.js";

export class Kit {
  readonly folder: string = mkdtempSync(join(tmpdir(), "schedule-mq-"));
  readonly path: string = join(this.folder, "store.db");
  readonly clock: HandClock = createHandClock();
  readonly #stores: Store[] = [];
  readonly #databases: Database[] = [];

  store(options: Partial<SqliteStoreOptions> = {}): Store {
    const store = createSqliteStore({
      target: { path: this.path },
      prefix: "kit:",
      durability: "fsync",
      identity: systemChance.identity(),
      clock: this.clock,
      chance: systemChance,
      ...options,
    });
    this.#stores.push(store);
    return store;
  }

  /** The connection that all stores of this path share. */
  database(): Database {
    const database = acquireFile(this.path, { clock: this.clock, chance: systemChance });
    this.#databases.push(database);
    return database;
  }

  async end(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()));
    await Promise.all(this.#databases.map((database) => releaseFile(database)));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `test` of Vitest with a kit of its own for each test. */
export const test: TestAPI<{ kit: Kit }> = base.extend<{ kit: Kit }>({
  kit: async ({ task: _ }, use) => {
    const kit = new Kit();
    await use(kit);
    await kit.end();
  },
});

export async function pushOne(store: Store, change: Partial<NewJob> = {}): Promise<PushAnswer> {
  const [answer] = await store.push({ jobs: [newJob(change)], timeoutMs: 5_000 });
  return answer!;
}

/** The real binding, which also tells what it was asked. */
export async function listeningDriver(heard: (sql: string) => void): Promise<Driver> {
  const driver = await loadDriver();
  const open: Driver["open"] = (path) => {
    const handle = driver.open(path);
    return {
      exec: (sql) => {
        heard(sql);
        return handle.exec(sql);
      },
      prepare: (sql) => {
        heard(sql);
        return handle.prepare(sql);
      },
      close: () => handle.close(),
    };
  };
  return { name: driver.name, open };
}

/** The real binding, which gives itself out for another version of SQLite. */
export async function pretendingDriver(version: string): Promise<Driver> {
  const driver = await loadDriver();
  const open: Driver["open"] = (path) => {
    const handle = driver.open(path);
    return {
      exec: (sql) => handle.exec(sql),
      prepare: (sql) => handle.prepare(sql.replace("sqlite_version()", `'${version}'`)),
      close: () => handle.close(),
    };
  };
  return { name: driver.name, open };
}
