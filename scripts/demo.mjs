#!/usr/bin/env node
/**
 * `npm run demo`, also on a fresh clone: the main job in a terminal, in less than half a minute.
 * `npm run demo -- --redis` shows the same on a Redis server of its own, `--cluster` on a Redis
 * Cluster of six.
 * Ends with exit code 0 only if everything happened as promised.
 */
import { parseArgs } from "node:util";
import { checkNode, ensureInstalled } from "./lib/install.mjs";
import { ROOT } from "./lib/project.mjs";
import { run } from "./lib/run.mjs";

const USAGE = "usage: npm run demo [-- --redis | --cluster]";

/** @returns {{ redis: boolean, cluster: boolean } | null} null: that was no valid command */
function wanted() {
  try {
    const flag = /** @type {const} */ ({ type: "boolean", default: false });
    const { values } = parseArgs({ options: { redis: flag, cluster: flag } });
    return values.redis && values.cluster ? null : values;
  } catch {
    return null;
  }
}

async function build() {
  const { code, output } = await run(process.execPath, ["scripts/build.mjs"], { cwd: ROOT });
  if (code !== 0) throw new Error(`the build failed:\n${output}`);
}

/** @returns {Promise<number>} the exit code */
async function main() {
  const store = wanted();
  if (store === null) {
    console.error(USAGE);
    return 2;
  }
  checkNode();
  await ensureInstalled();
  await build();
  // Loaded only now: the library that it shows has just been built.
  const { show } = await import("./demo/show.mjs");
  return await show(store);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
