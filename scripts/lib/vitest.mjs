/** Runs Vitest with a given Node, and reads from its report what ran. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { CACHE, ROOT } from "./project.mjs";
import { runTool } from "./run.mjs";

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed at least 1 when the run failed for any reason
 * @property {number} skipped
 * @property {string[]} files test files that ran, relative to the project
 */

/**
 * @param {{ name: string, env: Record<string, string>, filters?: readonly string[],
 *   node?: string }} args `name`: of the report; `filters`: parts of paths of test files
 * @returns {Promise<Tally>}
 */
export async function runVitest({ name, env, filters = [], node = process.execPath }) {
  const report = join(CACHE, `vitest-${name}.json`);
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { code, stragglers } = await runTool("vitest", ["run", ...reporters, ...filters], {
    node,
    show: true,
    env: { ...process.env, ...env },
  });
  for (const line of stragglers) console.log(`✗ a test left this running: ${line}`);
  const tally = readReport(report);
  if (code !== 0 || stragglers.length > 0) tally.failed = Math.max(1, tally.failed);
  return tally;
}

/**
 * @param {string} file
 * @returns {Tally}
 */
function readReport(file) {
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    /** @type {{ name: string }[]} */
    const suites = report.testResults;
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + report.numTodoTests,
      files: suites.map((suite) => relative(ROOT, suite.name)),
    };
  } catch {
    console.log("✗ Vitest wrote no report");
    return { passed: 0, failed: 1, skipped: 0, files: [] };
  }
}

/**
 * Prints the last line of a run, and sets the exit code by it.
 * @param {{ passed: number, failed: number, skipped?: number }} tally
 */
export function conclude({ passed, failed, skipped = 0 }) {
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}
