/**
 * Finds the C compiler that builds the shim of the fault runs, or brings a small one beside the
 * servers. Tests find it by PATH, as `cc`.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { hasApt, openApt } from "./apt.mjs";
import { CACHE } from "./project.mjs";
import { HOME } from "./servers.mjs";

const BIN = join(HOME, "bin");

/** True where there is one, or has been brought. */
export function hasCompiler() {
  const env = { ...process.env, PATH: [process.env.PATH ?? "", BIN].join(delimiter) };
  try {
    execFileSync("cc", ["-E", "-x", "c", "/dev/null"], { stdio: "ignore", env });
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes sure of a compiler where one can be had.
 * @returns {Promise<string[]>} what is missing
 */
export async function ensureCompiler() {
  if (process.platform !== "linux" || hasCompiler()) return [];
  const what = "there is no C compiler, so full disks, clock jumps and power cuts were not tried";
  if (!hasApt()) return [`${what}: apt-get is not there to bring it`];
  console.log("· bringing a C compiler");
  try {
    const apt = await openApt(join(CACHE, "apt"));
    // Beside it the headers of the C library, which it takes from there alone.
    await apt.unpack(["tcc", "libc6-dev", "linux-libc-dev"], join(HOME, "tcc"));
    writeLauncher();
    return hasCompiler() ? [] : [`${what}: what was brought does not run`];
  } catch (error) {
    return [`${what}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** A library that is loaded in front of others needs nothing linked: all it calls is there. */
function writeLauncher() {
  const libraries = join(HOME, "tcc/usr/lib");
  const folder = readdirSync(libraries).find((name) => existsSync(join(libraries, name, "tcc")));
  if (folder === undefined) throw new Error("the package of the compiler has no folder of its own");
  mkdirSync(BIN, { recursive: true });
  const launcher = join(BIN, "cc");
  writeFileSync(
    launcher,
    `#!/bin/sh
home=$(cd "$(dirname "$0")/.." && pwd)/tcc/usr
own="$home/lib/${folder}/tcc"
exec "$home/bin/tcc" -B"$own" -nostdinc -I"$own/include" -I"$home/include/${folder}" \\
  -I"$home/include" -nostdlib "$@"
`,
  );
  chmodSync(launcher, 0o755);
}
