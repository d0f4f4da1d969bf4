/** The checks that need no test runner, cheapest first; each is one command. */
import { join } from "node:path";
import { ROOT } from "./project.mjs";
import { run, runTool } from "./run.mjs";

/** @typedef {{ title: string, start: () => Promise<import("./run.mjs").Ran> }} Gate */

/** @param {string} name */
const script = (name) => join(ROOT, "scripts", name);

/** @type {readonly Gate[]} */
const GATES = [
  {
    title: "format and lint (fix: npm run format)",
    start: () => runTool("@biomejs/biome", ["check", "--error-on-warnings", "."], { bin: "biome" }),
  },
  {
    title: "generated scripts are up to date (fix: npm run build:lua)",
    start: () => run(process.execPath, [script("build-lua.mjs"), "--check"]),
  },
  {
    title: "rights are what the list says (fix: npm run rights)",
    start: () => run(process.execPath, [script("rights.mjs"), "--check"]),
  },
  { title: "build", start: () => run(process.execPath, [script("build.mjs")]) },
  {
    title: "types of tests, scripts and examples",
    start: () => runTool("typescript", ["-p", "tsconfig.test.json"], { bin: "tsc" }),
  },
];

/**
 * Runs all gates, also after one has failed, and shows what the failed ones said.
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runGates() {
  let failed = 0;
  for (const { title, start } of GATES) {
    const begun = performance.now();
    const { code, output } = await start();
    const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
    console.log(`${code === 0 ? "✓" : "✗"} ${title} ${seconds} s`);
    if (code === 0) continue;
    failed += 1;
    console.log(output.trimEnd().replace(/^/gm, "    "));
  }
  return { passed: GATES.length - failed, failed };
}
