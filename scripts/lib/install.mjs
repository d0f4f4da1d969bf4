/** Makes sure of the right Node and of what package-lock.json names. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./project.mjs";
import { runNpm } from "./run.mjs";

/** @typedef {Record<string, { version?: string, optional?: boolean }>} LockedPackages */

/**
 * Throws when this Node is older than package.json allows.
 * @param {string} [version]
 */
export function checkNode(version = process.versions.node) {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const [major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(manifest.engines.node)?.slice(1) ?? [];
  const [hasMajor = 0, hasMinor = 0] = version.split(".").map(Number);
  if (hasMajor > Number(major) || (hasMajor === Number(major) && hasMinor >= Number(minor))) return;
  throw new Error(`Node ${manifest.engines.node} is needed, this is ${version}`);
}

/**
 * Why node_modules is not what the lockfile says; null when it is.
 * @param {string} [root]
 * @returns {string | null}
 */
export function staleReason(root = ROOT) {
  const installedFile = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return "node_modules is missing";
  const installed = packagesOf(installedFile);
  for (const [path, locked] of Object.entries(packagesOf(join(root, "package-lock.json")))) {
    // Optional packages of other platforms are never installed.
    if (path === "" || (locked.optional === true && installed[path] === undefined)) continue;
    if (installed[path]?.version !== locked.version) {
      return `${path} is ${installed[path]?.version ?? "missing"}, not ${locked.version}`;
    }
  }
  return null;
}

/**
 * @param {string} file
 * @returns {LockedPackages}
 */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
}

/** Installs exactly what the lockfile names, if that is not there already. */
export async function ensureInstalled() {
  checkNode();
  const reason = staleReason();
  if (reason === null) return;
  console.log(`· npm ci (${reason})`);
  // No dependency needs its install script: what is native comes built inside the package.
  const { code, output } = await runNpm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
  if (code !== 0) throw new Error(`npm ci failed:\n${output}`);
  const still = staleReason();
  if (still !== null) throw new Error(`npm ci did not help: ${still}`);
}
