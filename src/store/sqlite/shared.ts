/**
 * Which schedulers of this process share a database: one connection per file, counted, closed with
 * its last user; a database in memory is shared only through its handle.
 */
import { type Chance, systemChance } from "../../chance.js";
import { type Clock, systemClock } from "../../clock.js";
import { Database } from "./database.js";
import type { Driver } from "./driver.js";
import { canonicalPath, prepareFolder } from "./paths.js";

export interface SharedOptions {
  clock: Clock;
  chance: Chance;
  /** For tests of other engines. */
  driver?: Driver | undefined;
}

/** A database in memory for several stores; it lives as long as this handle and its stores do. */
export class MemoryDatabase {
  readonly database: Database;

  constructor(options: SharedOptions = { clock: systemClock, chance: systemChance }) {
    this.database = new Database({ ...options, path: null });
  }
}

/** A database in memory that several stores can be given as their target. */
export function createMemoryDatabase(options?: SharedOptions): MemoryDatabase {
  return new MemoryDatabase(options);
}

const files = new Map<string, { database: Database; users: number }>();

/** The database of a file, shared by all who acquire it; each gives it back once. */
export function acquireFile(path: string, options: SharedOptions): Database {
  prepareFolder(path);
  const name = canonicalPath(path);
  let entry = files.get(name);
  if (entry === undefined) {
    entry = { database: new Database({ ...options, path: name }), users: 0 };
    files.set(name, entry);
  }
  entry.users += 1;
  return entry.database;
}

/** A thread may wait for the disk; then it is left behind. */
const CLOSE_WITHIN_MS = 1_000;

/** Resolves when nothing of it runs or is open any more, or in a second. */
export async function releaseFile(database: Database): Promise<void> {
  const name = database.path;
  const entry = name === null ? undefined : files.get(name);
  if (name === null || entry === undefined || entry.database !== database) return;
  entry.users -= 1;
  if (entry.users > 0) return;
  files.delete(name);
  const closed = database.close();
  await new Promise<void>((resolve) => {
    const timer = database.clock.after(CLOSE_WITHIN_MS, resolve);
    void closed.then(() => {
      timer.cancel();
      resolve();
    });
  });
}
