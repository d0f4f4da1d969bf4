/**
 * Finds a SQLite binding for this Node, and gives all of them one small face.
 * Nothing is loaded before a SQLite store is opened; without a binding there is a clear error,
 * never a silent change to memory.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { SchedulerError } from "../../core/errors.js";

export type Value = string | number | null;

export interface Statement {
  run(...values: Value[]): { changes: number | bigint };
  get(...values: Value[]): unknown;
  all(...values: Value[]): unknown[];
}

/** An open database, as the binding gives it. */
export interface Handle {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  /**
   * Ends its statements and closes its files; with `@photostructure/sqlite` 1.2, which cannot end
   * statements, only once these have been collected as garbage.
   */
  close(): unknown;
}

export interface Driver {
  /** The name of the module, for people. */
  name: string;
  open(path: string): Handle;
}

type Constructor = new (path: string) => Handle;
/** What a candidate answers: a driver, or why it is not one. */
type Found = Driver | string;

/** The Node-API version that better-sqlite3 13 is compiled for; on less it crashes the process. */
const NODE_API_OF_BETTER_SQLITE3_13 = 10;

let loading: Promise<Driver> | undefined;

/** The best binding that is there; looked for once per process, and again after a failure. */
export function loadDriver(): Promise<Driver> {
  loading ??= findDriver().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function findDriver(): Promise<Driver> {
  const reasons: string[] = [];
  for (const find of [builtIn, photostructure, betterSqlite3]) {
    const found = await find();
    if (typeof found !== "string") return found;
    reasons.push(found);
  }
  throw new SchedulerError(
    "SQLITE_MISSING",
    `no SQLite binding for Node ${process.version}: ${reasons.join("; ")}`,
    {
      fix:
        "use Node 22.13 or newer, or run `npm install @photostructure/sqlite@1.2.1` " +
        "(or `npm install better-sqlite3@12`), or give `redisConfig`",
    },
  );
}

function builtIn(): Found {
  const name = "node:sqlite";
  const module = withoutSqliteWarning(() => process.getBuiltinModule?.(name));
  return driverOf(name, module) ?? `${name} is not part of it`;
}

async function photostructure(): Promise<Found> {
  const name = "@photostructure/sqlite";
  try {
    return driverOf(name, await import(name)) ?? `${name} has no Database class`;
  } catch (error) {
    return `${name} ${whyNot(error)}`;
  }
}

function betterSqlite3(): Found {
  const name = "better-sqlite3";
  let reason = "";
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    try {
      const require = createRequire(from);
      const { version } = require(`${name}/package.json`) as { version: string };
      const nodeApi = Number(process.versions.napi);
      if (Number.parseInt(version, 10) >= 13 && nodeApi < NODE_API_OF_BETTER_SQLITE3_13) {
        reason = `${version} needs Node-API ${NODE_API_OF_BETTER_SQLITE3_13}, this is ${nodeApi}`;
        continue;
      }
      const Database = require(name) as Constructor;
      return { name, open: (path) => new Database(path) };
    } catch (error) {
      reason ||= whyNot(error);
    }
  }
  return `${name} ${reason}`;
}

function driverOf(name: string, module: unknown): Driver | null {
  if (typeof module !== "object" || module === null) return null;
  const { Database, DatabaseSync } = module as Partial<Record<string, Constructor>>;
  const Class = Database ?? DatabaseSync;
  return Class === undefined ? null : { name, open: (path) => new Class(path) };
}

function whyNot(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") return "is not installed";
  return `does not load (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`;
}

/** Node 22 warns that its SQLite is experimental; users of this library can do nothing about it. */
function withoutSqliteWarning<T>(load: () => T): T {
  const emit = process.emitWarning;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    const text = typeof warning === "string" ? warning : warning.message;
    if (rest[0] === "ExperimentalWarning" && text.startsWith("SQLite ")) return;
    Reflect.apply(emit, process, [warning, ...rest]);
  }) as typeof process.emitWarning;
  try {
    return load();
  } finally {
    process.emitWarning = emit;
  }
}
