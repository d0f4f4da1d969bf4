/** One open SQLite database: prepared statements, transactions, and the row ids that are known. */
import type { Checkpoints } from "./checkpoints.js";
import type { Handle, Statement, Value } from "./driver.js";
import type { JournalSync } from "./sync.js";
import type { TaskRow } from "./tasks.js";

/**
 * What a transaction has to be: `read` sees one snapshot; `hint` writes what may be lost in a
 * power cut (sleepers, renewals); `durable` is on the disk when the commit returns, or, where there
 * is a `sync`, when that has been waited for.
 */
export type Mode = "read" | "hint" | "durable";

/** Rows as they were last read or written; good until another connection has written. */
export interface KnownRows {
  tasks: Map<number, TaskRow>;
  file: { last_number: number; last_fence: number } | null;
}

export class Connection {
  /** What to wait for after a durable commit; null: the commit itself syncs. */
  sync: JournalSync | null = null;
  /** Who moves the journal into the file; null: SQLite alone. */
  checkpoints: Checkpoints | null = null;
  /** Row ids by `space, name`, of committed rows only. */
  readonly taskIds: Map<string, number> = new Map();
  /** Row ids by prefix. */
  readonly spaceIds: Map<string, number> = new Map();
  readonly #handle: Handle;
  readonly #statements: Map<string, Statement> = new Map();
  #rows: KnownRows = { tasks: new Map(), file: null };
  /** SQLite's count of what other connections have written. */
  #version: unknown;
  #isSynced: boolean | undefined;
  #isWriting = false;
  /** How many writing transactions were committed. */
  commits = 0;
  /** Tells these data from those of every other store. */
  birth = "";
  /** The same, and of every copy of them that took their place. */
  dataKey = "";

  constructor(handle: Handle) {
    this.#handle = handle;
  }

  exec(sql: string): void {
    this.#handle.exec(sql);
  }

  /** Runs a statement; the number of rows changed. */
  run(sql: string, ...values: Value[]): number {
    const rows = Number(this.#prepared(sql).run(...values).changes);
    this.checkpoints?.wrote(rows, 0);
    return rows;
  }

  get<T>(sql: string, ...values: Value[]): T | undefined {
    return (this.#prepared(sql).get(...values) ?? undefined) as T | undefined;
  }

  all<T>(sql: string, ...values: Value[]): T[] {
    return this.#prepared(sql).all(...values) as T[];
  }

  /** The value of a PRAGMA. */
  pragma(text: string): Value {
    const row = this.#handle.prepare(`PRAGMA ${text}`).get() as Record<string, Value> | undefined;
    return row === undefined ? null : (Object.values(row)[0] ?? null);
  }

  /** Takes the write lock at once where it will be needed: an upgrade later could deadlock. */
  begin(mode: Mode): void {
    this.#isWriting = mode !== "read";
    if (mode === "read") {
      this.run("BEGIN");
      return;
    }
    const isSynced = mode === "durable" && this.sync === null;
    if (this.#isSynced !== isSynced) {
      this.exec(`PRAGMA synchronous = ${isSynced ? "FULL" : "NORMAL"}`);
      this.#isSynced = isSynced;
    }
    this.run("BEGIN IMMEDIATE");
  }

  commit(): void {
    this.run("COMMIT");
    if (!this.#isWriting) return;
    this.commits += 1;
    this.checkpoints?.committed();
  }

  /** The rows known from transactions before, as far as they still hold in the open one. */
  knownRows(): KnownRows {
    const row = this.get<{ data_version: number }>("PRAGMA data_version");
    if (row?.data_version !== this.#version) this.forgetRows();
    this.#version = row?.data_version;
    return this.#rows;
  }

  /** What was counted in them is not stored. */
  forgetRows(): void {
    this.#rows = { tasks: new Map(), file: null };
  }

  /** Undoes the open transaction, if SQLite has not done so itself. */
  rollback(): void {
    this.forgetRows();
    this.taskIds.clear();
    this.spaceIds.clear();
    try {
      this.run("ROLLBACK");
    } catch {
      // after a full disk or an input/output error there is no transaction left to undo
    }
  }

  /** Resolves when its files are closed and its thread is gone, as far as it has them. */
  async close(): Promise<void> {
    this.#statements.clear();
    const ends = [this.sync?.close(), this.checkpoints?.close()];
    try {
      this.#handle.close();
    } catch {
      // it is given up either way
    }
    await Promise.all(ends);
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#handle.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
