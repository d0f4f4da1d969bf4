/** Runs one command and leaves nothing of it running. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { ROOT } from "./project.mjs";

const POSIX = process.platform !== "win32";

/** How long what a command started may take to end after it. */
const STRAGGLER_MS = 3_000;

/** Far longer than anything here takes, on a slow machine, too: whatever hangs is ended then. */
const LIMIT_MS = 45 * 60_000;

/**
 * @typedef {object} Ran
 * @property {number} code exit code; 1 when a signal ended it
 * @property {string} output what was printed, when it was not shown
 * @property {string[]} stragglers processes that were still running and had to be ended
 */

/**
 * Runs a command in a process group of its own, so that whatever it forgets can be found and ended.
 * Throws when we are told to stop meanwhile.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ show?: boolean, cwd?: string, env?: NodeJS.ProcessEnv }} [options] `show`: print while
 *   it runs
 * @returns {Promise<Ran>}
 */
export async function run(command, args, { show = false, cwd = ROOT, env = process.env } = {}) {
  const child = spawn(command, args, {
    cwd,
    env,
    detached: POSIX,
    stdio: show ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
  });
  let output = "";
  /** @param {Buffer} chunk */
  const keep = (chunk) => {
    output += chunk.toString();
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  /** @type {string | null} */
  let stopped = null;
  /** @param {NodeJS.Signals} signal */
  const pass = (signal) => {
    stopped = `stopped by ${signal}`;
    if (child.pid !== undefined) signalGroup(child.pid, signal);
  };
  const limit = setTimeout(() => {
    pass("SIGKILL");
    stopped = `${command} ${args[0]} took longer than ${LIMIT_MS / 60_000} minutes`;
  }, LIMIT_MS);
  process.on("SIGINT", pass).on("SIGTERM", pass);
  const closed = new Promise((resolve) => child.on("close", resolve));
  try {
    const code = await new Promise((resolve, reject) => {
      child.on("error", reject);
      // "exit" and not "close": a straggler may hold the pipes open for ever.
      child.on("exit", (exitCode) => resolve(exitCode ?? 1));
    });
    const stragglers = child.pid === undefined ? [] : await endStragglers(child.pid);
    // The last that was printed may come after the exit.
    await Promise.race([closed, wait(STRAGGLER_MS, undefined, { ref: false })]);
    if (stopped !== null) throw new Error(stopped);
    return { code, output, stragglers };
  } finally {
    clearTimeout(limit);
    process.off("SIGINT", pass).off("SIGTERM", pass);
  }
}

/**
 * Runs a tool of node_modules with this Node.
 * @param {string} packageName
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2] & { node?: string, bin?: string }} [options] `bin`: which
 *   program of the package, when it has several
 * @returns {Promise<Ran>}
 */
export function runTool(packageName, args, { node = process.execPath, bin, ...options } = {}) {
  return run(node, [toolPath(packageName, bin), ...args], options);
}

/**
 * The file of a program that a package brings.
 * @param {string} packageName
 * @param {string} [bin]
 * @returns {string}
 */
export function toolPath(packageName, bin) {
  const manifest = join(ROOT, "node_modules", packageName, "package.json");
  const bins = createRequire(import.meta.url)(manifest).bin;
  const path = typeof bins === "string" ? bins : bins[bin ?? packageName];
  return join(dirname(manifest), path);
}

/**
 * The command that runs npm: the one that runs us, if one does.
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 * @returns {Promise<Ran>}
 */
export function runNpm(args, options) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith("npm-cli.js")) return run(process.execPath, [cli, ...args], options);
  return run(POSIX ? "npm" : "npm.cmd", args, options);
}

/**
 * @param {number} leader
 * @param {NodeJS.Signals} signal
 */
function signalGroup(leader, signal) {
  try {
    process.kill(POSIX ? -leader : leader, signal);
  } catch {
    // The group has ended by itself.
  }
}

/**
 * Gives the rest of a group a moment to end, then ends it.
 * @param {number} leader
 * @returns {Promise<string[]>} what had to be ended
 */
async function endStragglers(leader) {
  const until = performance.now() + STRAGGLER_MS;
  let left = membersOf(leader);
  while (left.length > 0 && performance.now() < until) {
    await wait(50);
    left = membersOf(leader);
  }
  if (left.length > 0) signalGroup(leader, "SIGKILL");
  return left;
}

/**
 * The living members of a process group; only Linux tells.
 * @param {number} leader
 * @returns {string[]}
 */
function membersOf(leader) {
  if (process.platform !== "linux") return [];
  const members = [];
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // pid (name) state ppid pgrp …; the name may contain anything, brackets too.
      const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (group !== String(leader) || state === "Z") continue;
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      members.push(`${pid} ${line}`);
    } catch {
      // It ended while we looked.
    }
  }
  return members;
}
