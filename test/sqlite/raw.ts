/** A second way into a database file, past the store: to look at it, to lock it, to damage it. */
import { type Handle, loadDriver } from "../../src/store/sqlite/driver.js";

export async function openRaw(path: string): Promise<Handle> {
  const driver = await loadDriver();
  const raw = driver.open(path);
  raw.exec("PRAGMA busy_timeout = 5000");
  return raw;
}

/** All rows of a question. */
export async function rowsOf(path: string, sql: string): Promise<Record<string, unknown>[]> {
  const raw = await openRaw(path);
  try {
    return raw.prepare(sql).all() as Record<string, unknown>[];
  } finally {
    raw.close();
  }
}
