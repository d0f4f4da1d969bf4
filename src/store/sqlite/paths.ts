/** Where the embedded store lies, and its folder. */
import { existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { SchedulerError } from "../../core/errors.js";

const FOLDER = ".schedule-mq";

/** `.schedule-mq/store.db` beside the nearest package.json from `cwd` upward, else in `cwd`. */
export function defaultStorePath(cwd: string): string {
  const start = resolve(cwd);
  let folder = start;
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) return join(start, FOLDER, "store.db");
    folder = parent;
  }
  return join(folder, FOLDER, "store.db");
}

/** Makes the folder of a store, and tells git to leave our own one alone. */
export function prepareFolder(path: string): void {
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true });
    const ignore = join(folder, ".gitignore");
    if (basename(folder) === FOLDER && !existsSync(ignore)) writeFileSync(ignore, "*\n");
  } catch (cause) {
    throw new SchedulerError(
      "STORE_UNREACHABLE",
      `the folder ${folder} of the store cannot be made: ${(cause as Error).message}`,
      { value: path, cause, fix: "give `store: { path }` a place where this user may write" },
    );
  }
}

/** One name for one file, whatever links lead to it. The folder must exist. */
export function canonicalPath(path: string): string {
  const full = resolve(path);
  try {
    return realpathSync(full);
  } catch {
    return join(realpathSync(dirname(full)), basename(full));
  }
}

/** What tells a file from another one that took its name; "" when there is none. */
export function fileMark(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.dev},${stat.ino}`;
}
