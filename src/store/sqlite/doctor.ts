/**
 * examine: what the embedded store is like, for people. A file that is not there yet, or of another
 * layout, is left exactly as it is.
 */
import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Clock, sleep } from "../../clock.js";
import { describeError, SchedulerError } from "../../core/errors.js";
import { type Finding, finding, hidden, unboundTasks } from "../../core/finding.js";
import type { ExamineArgs } from "../contract.js";
import { hasWalResetBug } from "./connect.js";
import { Connection } from "./connection.js";
import { type Driver, loadDriver } from "./driver.js";
import { isBusy, schedulerErrorOf } from "./faults.js";
import { layoutTask, STATE } from "./schema.js";
import type { Scope } from "./scope.js";

const MIB = 1_048_576;

/** What `statfs` calls file systems on which locks of several machines cannot be relied on. */
const NETWORK: Readonly<Record<number, string>> = {
  26985: "NFS",
  20859: "SMB",
  4283649346: "SMB",
  4266872130: "CIFS",
  16914839: "9P",
  12805120: "Ceph",
};
const FUSE = 1_702_057_286;

/** What can be seen without opening the database. */
export async function examineFile(
  given: string,
  driver: Driver | undefined,
): Promise<{ findings: Finding[]; canOpen: boolean }> {
  const path = resolve(given);
  const isThere = existsSync(path);
  const layout = isThere
    ? await ofLayout(path, driver)
    : finding("LAYOUT", "info", "there are no data yet");
  const findings = [ofRights(path, isThere), ...ofFileSystem(path), layout];
  return { findings, canOpen: isThere && layout.level === "ok" };
}

/** Asked beside the store, whose opening would make or lift the layout. */
async function ofLayout(path: string, given: Driver | undefined): Promise<Finding> {
  const code = "LAYOUT";
  const handle = (given ?? (await loadDriver())).open(path);
  try {
    handle.exec("PRAGMA busy_timeout = 500");
    const task = layoutTask(new Connection(handle), path);
    if (task === "make") return finding(code, "ok", "it is made when the store is opened");
    if (task === null) return finding(code, "ok", "the data are of this version");
    return finding(code, "warning", "an older version wrote the data", {
      fix: "stop all schedulers of the older version, then start: it lifts the data",
    });
  } catch (error) {
    const told = schedulerErrorOf(error, path);
    if (!(told instanceof SchedulerError) || isBusy(error)) {
      return hidden(code, "the layout of a locked file", "to read it");
    }
    const { fix = "", code: value } = told;
    return finding(code, "error", describeError(told, 300), { fix, value });
  } finally {
    handle.close();
  }
}

function ofRights(path: string, isThere: boolean): Finding {
  const code = "FILE_RIGHTS";
  const fix = "give this user the right to write the file and its folder";
  const folder = nearest(dirname(path));
  for (const place of isThere ? [path, folder] : [folder]) {
    try {
      accessSync(place, constants.R_OK | constants.W_OK);
    } catch {
      return finding(code, "error", `${place} cannot be written`, { fix, value: place });
    }
  }
  const mode = isThere ? statSync(path).mode & 0o777 : 0;
  const value = isThere ? mode.toString(8).padStart(4, "0") : undefined;
  if ((mode & 0o002) !== 0) {
    return finding(code, "warning", "every user of this machine may change the data", {
      ...{ fix: "chmod o-w", value },
    });
  }
  return finding(code, "ok", "the file can be written", { value });
}

function ofFileSystem(path: string): Finding[] {
  const place = nearest(dirname(path));
  try {
    const { type, bavail, bsize } = statfsSync(place);
    return [ofSpace(bavail * bsize), ofKind(type)];
  } catch {
    const right = "to look at the file system";
    return [hidden("DISK_SPACE", "free space", right), hidden("FILE_SYSTEM", "its kind", right)];
  }
}

function ofSpace(bytes: number): Finding {
  const value = Math.floor(bytes / MIB);
  const fix = "free space there, or give the store another place";
  if (value < 100) return finding("DISK_SPACE", "error", `${value} MiB are free`, { fix, value });
  const level = value < 1_024 ? "warning" : "ok";
  return finding("DISK_SPACE", level, `${value} MiB are free`, {
    ...{ fix: level === "ok" ? "" : fix, value },
  });
}

/** The kind of a file system, by its magic number. */
export function ofKind(type: number): Finding {
  const code = "FILE_SYSTEM";
  // Some are given as signed numbers of 32 bits.
  const magic = type < 0 ? type + 2 ** 32 : type;
  const network = NETWORK[magic];
  if (network !== undefined) {
    return finding(code, "error", `${network}: its locks do not hold, and data can be lost`, {
      ...{ fix: "use a local disk, or redisConfig for several machines", value: network },
    });
  }
  if (magic === FUSE) {
    return finding(code, "unknown", "FUSE: whether it is a local disk cannot be seen", {
      ...{ fix: "use a local disk", value: "FUSE" },
    });
  }
  return finding(code, "ok", "no network file system", { value: `0x${magic.toString(16)}` });
}

/** The folder, or the first above it that is there. */
function nearest(folder: string): string {
  let place = folder;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  return place;
}

/** Somebody who was just woken is neither asleep nor at work yet. */
const AGAIN_MS = 300;

/** What the open database says; asked again where nobody is seen for a task. */
export async function examineCalmly(
  ask: () => Promise<Finding[]>,
  clock: Clock,
): Promise<Finding[]> {
  const findings = await ask();
  const isSeen = findings.every(({ code, level }) => code !== "UNBOUND_TASKS" || level === "ok");
  if (isSeen) return findings;
  await sleep(clock, AGAIN_MS);
  return await ask();
}

/** What only the open database says. */
export function examineOpen(
  { tx, space, now }: Scope,
  { boundTaskIds, durability }: ExamineArgs & { durability: string },
): Finding[] {
  const version = tx.get<{ v: string }>("SELECT sqlite_version() AS v")?.v ?? "";
  const journal = String(tx.connection.pragma("journal_mode")).toLowerCase();
  const bound = new Set(boundTaskIds);
  const waiting = tx.all<{ name: string }>(
    `SELECT name FROM task WHERE space = ? AND (ready > 0 OR EXISTS (
       SELECT 1 FROM job INDEXED BY job_due
       WHERE task = task.id AND state = ${STATE.scheduled} AND due_at <= ?))
     AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.task = task.id)
     AND NOT EXISTS (SELECT 1 FROM sleeper WHERE space = task.space AND valid_until > ?
       AND instr(tasks, ',' || task.id || ',') > 0) ORDER BY name LIMIT 1000`,
    ...[space, now, now],
  );
  const unbound = waiting.map(({ name }) => name).filter((name) => !bound.has(name));
  return [
    ofVersion(version),
    ofJournal(journal),
    ofDurability(journal, durability),
    unboundTasks(unbound),
  ];
}

function ofVersion(version: string): Finding {
  const code = "SQLITE_VERSION";
  if (!hasWalResetBug(version)) return finding(code, "ok", `SQLite ${version}`, { value: version });
  return finding(code, "warning", "it can lose data with WAL, so a slower journal is used", {
    ...{ fix: "use a Node whose SQLite is 3.51.3 or newer", value: version },
  });
}

function ofJournal(journal: string): Finding {
  const code = "JOURNAL";
  if (journal === "wal" || journal === "memory") {
    return finding(code, "ok", `journal mode ${journal}`, { value: journal });
  }
  return finding(code, "warning", "the slower journal mode: each commit syncs the whole way", {
    fix: "use a local disk, and a newer Node in every process that uses the file",
    value: journal,
  });
}

function ofDurability(journal: string, durability: string): Finding {
  const code = "FSYNC";
  if (journal === "memory") {
    const fix = "leave store out, or give it a path";
    return finding(code, "info", "nothing survives this process", { fix, value: "memory" });
  }
  if (durability === "fsync") {
    return finding(code, "ok", "a power cut undoes nothing that was answered", { value: "fsync" });
  }
  return finding(code, "info", "a power cut may undo the last moments", {
    ...{ fix: 'set durability: "fsync" if that is too much', value: durability },
  });
}
