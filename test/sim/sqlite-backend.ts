/**
 * The real SQLite store in memory as a server that can lose what was not synced: its transactions
 * are savepoints inside one that a sync commits and a power cut rolls back.
 */
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import type { Store } from "../../src/store/contract.js";
import { Database } from "../../src/store/sqlite/database.js";
import {
  type Driver,
  type Handle,
  loadDriver,
  type Statement,
} from "../../src/store/sqlite/driver.js";
import {
  createMemoryDatabase,
  createSqliteStore,
  type MemoryDatabase,
} from "../../src/store/sqlite/store.js";
import type { Backend, BackendMaker, BackendParts } from "./backend.js";
import { soundness } from "./soundness.js";

/** Changes a statement before SQLite sees it; how bugs are planted. */
export type Rewrite = (sql: string) => string;

const PREFIX = "sim:";

const INSTEAD: Record<string, string> = {
  BEGIN: "SAVEPOINT step",
  "BEGIN IMMEDIATE": "SAVEPOINT step",
  COMMIT: "RELEASE step",
};

/**
 * One database, made once and used by one world after the other: each is a transaction that is
 * rolled back in the end, and in it a savepoint marks what has been synced.
 */
class Disk {
  readonly #handle: Handle;
  readonly #rewrite: Rewrite;
  readonly #statements = new Map<string, Statement>();
  #isInUse = false;

  constructor(driver: Driver, rewrite: Rewrite) {
    this.#handle = driver.open(":memory:");
    this.#rewrite = rewrite;
  }

  /** What the store is given as its driver. */
  driver(): Driver {
    const connection: Handle = {
      exec: (sql) => this.#exec(sql),
      prepare: (sql) => this.#prepare(sql),
      close: () => {},
    };
    return { name: "a simulated disk", open: () => connection };
  }

  /** A world begins, or begins again, with nothing. */
  begin(birth: string): void {
    this.end();
    this.#handle.exec("BEGIN; SAVEPOINT synced");
    this.#isInUse = true;
    this.name(birth);
  }

  /** Tells these data from others. */
  name(birth: string): void {
    this.#handle.exec(`UPDATE file SET birth = '${birth}'`);
  }

  sync(): void {
    this.#handle.exec("RELEASE synced; SAVEPOINT synced");
  }

  forget(): void {
    this.#handle.exec("ROLLBACK TO synced");
  }

  end(): void {
    if (this.#isInUse) this.#handle.exec("ROLLBACK");
    this.#isInUse = false;
  }

  all(sql: string): Record<string, unknown>[] {
    return this.#statement(sql).all() as Record<string, unknown>[];
  }

  /** Settings are made once, before the transaction that all others are part of. */
  #exec(sql: string): void {
    if (!this.#isInUse || !sql.trimStart().startsWith("PRAGMA")) this.#handle.exec(sql);
  }

  #prepare(sql: string): Statement {
    if (!this.#isInUse) return this.#handle.prepare(sql);
    return sql === "ROLLBACK" ? this.#rollback() : this.#statement(INSTEAD[sql] ?? sql);
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#handle.prepare(this.#rewrite(sql));
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #rollback(): Statement {
    const run = (): { changes: number } => {
      this.#handle.exec("ROLLBACK TO step; RELEASE step");
      return { changes: 0 };
    };
    return { run, get: run, all: () => [] };
  }
}

class SqliteBackend implements Backend {
  readonly #parts: BackendParts;
  readonly #disk: Disk;
  readonly #memory: MemoryDatabase;
  readonly #stores = new Set<Store>();

  constructor(disk: Disk, parts: BackendParts) {
    this.#parts = parts;
    this.#disk = disk;
    disk.begin(parts.chance.identity());
    this.#memory = createMemoryDatabase({ ...parts, driver: disk.driver() });
  }

  store(identity: string): Store {
    const store = createSqliteStore({
      ...this.#parts,
      target: this.#memory,
      prefix: PREFIX,
      durability: "store",
      identity,
    });
    this.#stores.add(store);
    return store;
  }

  sync(): void {
    this.#disk.sync();
  }

  restart(forgets: boolean): void {
    if (forgets) this.#disk.forget();
    // A server that was started again is another one to those that knew it.
    this.#disk.name(this.#parts.chance.identity());
    this.#connectAnew();
  }

  wipe(): void {
    this.#disk.begin(this.#parts.chance.identity());
    this.#connectAnew();
  }

  invariants(): string[] {
    return soundness((sql) => this.#disk.all(sql));
  }

  close(): void {
    this.#disk.end();
  }

  /** The stores keep what they know; what they are connected to is new. */
  #connectAnew(): void {
    for (const store of this.#stores) void store.close();
    const database = new Database({ ...this.#parts, path: null, driver: this.#disk.driver() });
    Object.assign(this.#memory, { database });
  }
}

/** Makes servers of the SQLite store, one at a time; `rewrite` may change its statements. */
export async function sqliteBackend(rewrite: Rewrite = (sql) => sql): Promise<BackendMaker> {
  const disk = new Disk(await loadDriver(), rewrite);
  await createMemoryDatabase({
    ...{ clock: systemClock, chance: systemChance },
    driver: disk.driver(),
  }).database.open();
  return (parts) => new SqliteBackend(disk, parts);
}
