/**
 * Finds the servers that the tests start, or brings them into .cache/servers.
 * Tests learn of them by SCHEDULE_MQ_REDIS_SERVER, SCHEDULE_MQ_VALKEY_SERVER, and by PATH.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { hasApt, openApt } from "./apt.mjs";
import { CACHE } from "./project.mjs";

/** @typedef {"redis" | "valkey"} Kind */

export const HOME = join(CACHE, "servers");

/** Oldest versions that the library accepts. */
const OLDEST = Object.freeze({ redis: [7, 0], valkey: [7, 2] });

/** @param {Kind} kind */
const variableOf = (kind) => `SCHEDULE_MQ_${kind.toUpperCase()}_SERVER`;

/**
 * The server that tests would start; null when there is none, or only one that is too old.
 * @param {Kind} kind
 * @returns {string | null}
 */
export function findServer(kind) {
  const name = `${kind}-server`;
  const told = process.env[variableOf(kind)];
  if (told !== undefined && told !== "") {
    if (isRecent(kind, told)) return told;
    throw new Error(`${variableOf(kind)}=${told} is no ${name} ${OLDEST[kind].join(".")} or newer`);
  }
  const folders = [...(process.env.PATH ?? "").split(delimiter), join(HOME, "bin")];
  const found = folders.map((folder) => join(folder, name)).find((path) => isRecent(kind, path));
  return found ?? null;
}

/**
 * @param {Kind} kind
 * @param {string} path
 * @returns {boolean}
 */
function isRecent(kind, path) {
  if (!existsSync(path)) return false;
  try {
    const [, major, minor] =
      /\bv=(\d+)\.(\d+)/.exec(execFileSync(path, ["--version"], { encoding: "utf8" })) ?? [];
    const [oldMajor = 0, oldMinor = 0] = OLDEST[kind];
    return Number(major) > oldMajor || (Number(major) === oldMajor && Number(minor) >= oldMinor);
  } catch {
    return false;
  }
}

/**
 * The environment that tells tests where the servers are.
 * @returns {Record<string, string>}
 */
export function serverEnvironment() {
  /** @type {Record<string, string>} */
  const env = { PATH: [process.env.PATH ?? "", join(HOME, "bin")].join(delimiter) };
  for (const kind of /** @type {const} */ (["redis", "valkey"])) {
    const path = findServer(kind);
    if (path !== null) env[variableOf(kind)] = path;
  }
  return env;
}

/**
 * Makes sure of redis-server, and of valkey-server where it can be had.
 * @returns {Promise<{ env: Record<string, string>, notes: string[] }>} `notes`: what is missing
 */
export async function ensureServers() {
  const missing = /** @type {const} */ (["redis", "valkey"]).filter((kind) => !findServer(kind));
  /** @type {Partial<Record<Kind, string>>} */
  const problems = {};
  if (missing.length > 0 && hasApt()) {
    console.log(`· bringing ${missing.map((kind) => `${kind}-server`).join(" and ")}`);
    await bring(missing, problems);
  }
  if (findServer("redis") === null) {
    throw new Error(howToInstall(problems.redis ?? "apt-get is not there to bring it"));
  }
  const notes = [];
  if (findServer("valkey") === null) {
    const why = problems.valkey ?? "apt-get is not there to bring it";
    notes.push(`valkey-server is missing, so nothing was tested on it: ${why}`);
  }
  return { env: serverEnvironment(), notes };
}

/**
 * @param {readonly Kind[]} kinds
 * @param {Partial<Record<Kind, string>>} problems filled with what went wrong
 */
async function bring(kinds, problems) {
  /** @type {Awaited<ReturnType<typeof openApt>> | null} */
  let apt = null;
  for (const kind of kinds) {
    try {
      apt ??= await openApt(join(CACHE, "apt"));
      // The program of the server package is a link into the tools package.
      await apt.unpack([`${kind}-server`, `${kind}-tools`], join(HOME, kind));
      writeLauncher(kind);
      if (findServer(kind) === null)
        throw new Error(`what was brought is no usable ${kind}-server`);
    } catch (error) {
      problems[kind] = error instanceof Error ? error.message : String(error);
    }
  }
}

/**
 * Libraries that the system lacks were unpacked beside the server; it must be told where.
 * `exec` keeps the process id, so that whoever starts the launcher can stop the server.
 * @param {Kind} kind
 */
function writeLauncher(kind) {
  const libraries = join(HOME, kind, "usr/lib");
  const folders = existsSync(libraries)
    ? readdirSync(libraries).filter((name) => name.endsWith("-linux-gnu"))
    : [];
  const path = folders.map((name) => `$home/${kind}/usr/lib/${name}`).join(":");
  mkdirSync(join(HOME, "bin"), { recursive: true });
  const launcher = join(HOME, "bin", `${kind}-server`);
  writeFileSync(
    launcher,
    `#!/bin/sh
home=$(cd "$(dirname "$0")/.." && pwd)
export LD_LIBRARY_PATH="${path}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$home/${kind}/usr/bin/${kind}-server" "$@"
`,
  );
  chmodSync(launcher, 0o755);
}

/** @param {string} why */
function howToInstall(why) {
  return `redis-server ${OLDEST.redis.join(".")} or newer was not found, and could not be brought:
${why}
Install it and run again:
  Debian, Ubuntu   apt-get update && apt-get install redis-server
  Fedora           dnf install redis
  Alpine           apk add redis
  macOS            brew install redis valkey
or say where it is: ${variableOf("redis")}=/path/to/redis-server`;
}
