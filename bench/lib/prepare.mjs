/** Brings what the bench needs: the library, built; the peers, in bench/node_modules; a server. */
import { join } from "node:path";
import { ensureInstalled, staleReason } from "../../scripts/lib/install.mjs";
import { ROOT } from "../../scripts/lib/project.mjs";
import { run, runNpm } from "../../scripts/lib/run.mjs";
import { ensureServers, findServer } from "../../scripts/lib/servers.mjs";

export const BENCH = join(ROOT, "bench");

/** @param {{ build: boolean }} options */
export async function prepareLibrary({ build }) {
  await ensureInstalled();
  if (!build) return;
  console.log("· build");
  const { code, output } = await run(process.execPath, [join(ROOT, "scripts/build.mjs")]);
  if (code !== 0) throw new Error(`the library does not build:\n${output}`);
}

/** Installs the peers exactly as bench/package-lock.json names them, if they are not there. */
export async function preparePeers() {
  const reason = staleReason(BENCH);
  if (reason === null) return;
  console.log(`· npm ci --prefix bench (${reason})`);
  const options = ["--prefix", BENCH, "--ignore-scripts", "--no-audit", "--no-fund"];
  const { code, output } = await runNpm(["ci", ...options]);
  if (code !== 0) throw new Error(`the peers could not be installed:\n${output}`);
}

/** @returns {Promise<string>} the redis-server to start */
export async function prepareServer() {
  const found = findServer("redis");
  if (found !== null) return found;
  await ensureServers();
  const brought = findServer("redis");
  if (brought === null) throw new Error("redis-server was brought, but is not found");
  return brought;
}
