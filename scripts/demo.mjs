#!/usr/bin/env node
/**
 * `npm run demo`, also on a fresh clone: the main job in a terminal, in less than half a minute.
 * `npm run demo -- --redis` shows the same on a Redis server of its own.
 * Ends with exit code 0 only if everything happened as promised.
 */
import { parseArgs } from "node:util";
import { checkNode, ensureInstalled } from "./lib/install.mjs";
import { ROOT } from "./lib/project.mjs";
import { run } from "./lib/run.mjs";

const USAGE = "usage: npm run demo [-- --redis]";

/** @returns {boolean | null} whether Redis is wanted; null: that was no valid command */
function wantsRedis() {
  try {
    const { values } = parseArgs({ options: { redis: { type: "boolean", default: false } } });
    return values.redis;
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
  const redis = wantsRedis();
  if (redis === null) {
    console.error(USAGE);
    return 2;
  }
  checkNode();
  await ensureInstalled();
  await build();
  // Loaded only now: the library that it shows has just been built.
  const { show } = await import("./demo/show.mjs");
  return await show({ redis });
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
