/** Opens a database: settings, journal mode, layout; waits for whoever is faster. */
import type { Chance } from "../../chance.js";
import { type Clock, sleep } from "../../clock.js";
import { SchedulerError } from "../../core/errors.js";
import { Checkpoints } from "./checkpoints.js";
import { Connection } from "./connection.js";
import { type Driver, type Handle, loadDriver } from "./driver.js";
import { isBusy, schedulerErrorOf } from "./faults.js";
import { prepareFolder } from "./paths.js";
import { type LayoutTask, layoutTask, prepareLayout } from "./schema.js";
import { JournalSync } from "./sync.js";

/** How long a lock may keep us waiting before a step is given up. */
export const GIVE_UP_MS = 30_000;

/** Opening gives up earlier: whoever starts wants to hear that somebody holds the file. */
const OPEN_GIVE_UP_MS = 5_000;

/** How long other processes keep away from WAL after one whose SQLite is not safe with it. */
const ROLLBACK_MS = 30 * 86_400_000;

/** busy_timeout sleeps inside the call and stops the event loop: short, and tried again outside. */
const SETTINGS = `
PRAGMA busy_timeout = 2;
PRAGMA cache_size = -8192;
PRAGMA temp_store = MEMORY;
PRAGMA trusted_schema = OFF;
`;

export interface Opened {
  connection: Connection;
  /** Which SQLite, by which binding, in which journal mode. */
  engine: string;
  warnings: string[];
  /** True when this call made the layout. */
  isNew: boolean;
}

export interface ConnectOptions {
  /** null: in memory. */
  path: string | null;
  clock: Clock;
  chance: Chance;
  /** For tests of other engines; else the best one that is there. */
  driver?: Driver | undefined;
  /** Told each time that somebody else's lock is in the way. */
  onBusy?: ((error: unknown) => void) | undefined;
}

export async function connect(options: ConnectOptions): Promise<Opened> {
  const { path, clock, chance } = options;
  const driver = options.driver ?? (await loadDriver());
  if (path !== null) prepareFolder(path);
  const deadline = clock.monotonic() + OPEN_GIVE_UP_MS;
  for (;;) {
    try {
      return openOnce(driver, options);
    } catch (error) {
      if (!isBusy(error)) throw schedulerErrorOf(error, path ?? "in memory");
      if (clock.monotonic() >= deadline) throw lockedError(path, error);
      options.onBusy?.(error);
    }
    await sleep(clock, retryDelayMs(chance));
  }
}

/** Spread, so that those who wait do not come back together. */
export function retryDelayMs(chance: Chance): number {
  return 1 + 4 * chance.random();
}

export function lockedError(path: string | null, cause: unknown): SchedulerError {
  return new SchedulerError(
    "STORE_UNREACHABLE",
    `the store ${path ?? "in memory"} stayed locked by another process; nothing was written`,
    { value: path, cause, fix: "look for a program that keeps a transaction on the file open" },
  );
}

/** In one view of the file: another process may be making its layout at this moment. */
function lookAtLayout(connection: Connection, name: string): LayoutTask {
  connection.begin("read");
  try {
    return layoutTask(connection, name);
  } finally {
    connection.rollback();
  }
}

function openOnce(driver: Driver, options: ConnectOptions): Opened {
  const { path, clock, chance } = options;
  const isKnownDriver = options.driver === undefined;
  let handle: Handle | undefined;
  try {
    handle = driver.open(path ?? ":memory:");
    handle.exec(SETTINGS);
    const connection = new Connection(handle);
    // looked at first: a file that is not ours is left exactly as it is
    const name = path ?? "in memory";
    const task = lookAtLayout(connection, name);
    const isNew = task === "make";
    const version = connection.get<{ v: string }>("SELECT sqlite_version() AS v")?.v ?? "";
    const warnings: string[] = [];
    const isRisky = path !== null && hasWalResetBug(version);
    const journal = path === null ? "memory" : chooseJournal(connection, { isRisky, isNew, clock });
    if (task !== null) prepareLayout(connection, { path: name, birth: chance.identity() });
    connection.birth = connection.get<{ birth: string }>("SELECT birth FROM file")?.birth ?? "";
    if (isRisky) {
      keepAwayFromWal(connection, clock);
      warnings.push(riskWarning(version, journal));
    } else if (path !== null && journal !== "wal") {
      warnings.push(
        `the store uses the slower journal mode ${journal}: its file system does not allow WAL, ` +
          "or a process with an old SQLite has used it within 30 days; update Node there",
      );
    }
    if (path !== null && journal === "wal") {
      connection.sync = syncOf(path, clock);
      // a driver of the caller's own cannot be handed to a thread
      if (isKnownDriver) connection.checkpoints = new Checkpoints(handle, path);
    }
    const engine = `SQLite ${version} by ${driver.name}, journal ${journal}`;
    return { connection, engine, warnings, isNew };
  } catch (error) {
    handle?.close();
    throw error;
  }
}

/**
 * 3.7.0 to 3.51.2, but for the repaired 3.50.7 and 3.44.6, can lose committed pages when two
 * connections write and checkpoint at the same instant.
 */
export function hasWalResetBug(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (major !== 3 || minor < 7 || minor > 51) return false;
  if (minor === 51) return patch < 3;
  if (minor === 50) return patch < 7;
  if (minor === 44) return patch < 6;
  return true;
}

interface JournalChoice {
  isRisky: boolean;
  isNew: boolean;
  clock: Clock;
}

function chooseJournal(connection: Connection, { isRisky, isNew, clock }: JournalChoice): string {
  const until = isNew
    ? 0
    : (connection.get<{ until: number }>("SELECT rollback_until AS until FROM file")?.until ?? 0);
  const wanted = isRisky || until > clock.now() ? "TRUNCATE" : "WAL";
  const mode = String(connection.pragma(`journal_mode = ${wanted}`)).toLowerCase();
  if (mode === "wal") connection.exec("PRAGMA wal_autocheckpoint = 1000");
  return mode;
}

/** null: the journal cannot be opened beside SQLite, so each commit syncs it. */
function syncOf(path: string, clock: Clock): JournalSync | null {
  try {
    return new JournalSync(`${path}-wal`, () => clock.monotonic());
  } catch {
    return null;
  }
}

function keepAwayFromWal(connection: Connection, clock: Clock): void {
  connection.run("UPDATE file SET rollback_until = ?", clock.now() + ROLLBACK_MS);
}

function riskWarning(version: string, journal: string): string {
  return (
    `SQLite ${version} can lose data when several processes use WAL, so the store uses journal ` +
    `mode ${journal}, which is slower; use a Node whose SQLite is 3.51.3 or newer`
  );
}
