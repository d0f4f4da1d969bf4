/** Where the project stands, and which of its files a person wrote. */
import { readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of package.json. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Everything that set-up brings: may be deleted at any time. */
export const CACHE = join(ROOT, ".cache");

/** Folders that hold nothing that belongs to the project (see .gitignore). */
const FOREIGN = new Set(["node_modules", "dist", "coverage", ".git", ".cache", ".schedule-mq"]);

/**
 * True in the file that was given to `node`.
 * @param {ImportMeta} meta
 * @returns {boolean}
 */
export function isMain(meta) {
  const started = process.argv[1];
  return started !== undefined && realpathSync(started) === fileURLToPath(meta.url);
}

/**
 * Paths of all files of the project, relative to `root`, with forward slashes, in order.
 * A walk and not `git ls-files`: a new file counts, and a copy without .git works.
 * @param {string} [root]
 * @returns {string[]}
 */
export function projectFiles(root = ROOT) {
  /** @type {string[]} */
  const found = [];
  /** @param {string} folder */
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (FOREIGN.has(entry.name) || entry.name.endsWith(".tgz")) continue;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) found.push(path);
    }
  };
  walk("");
  return found.sort();
}
