/** Three short fault runs on real processes; `npm run chaos` runs all of them, and longer. */
import { afterAll, expect, test } from "vitest";
import { readHistory } from "./kit/history.js";
import { runScenario } from "./kit/run.js";
import { hasShim } from "./kit/shim.js";
import { SCENARIOS } from "./scenarios.js";

const SECONDS = 15;
/** What comes before and after the faults: starting, healing, draining. */
const TIMEOUT_MS = 180_000;
/** Each run of the tests tries something else; what failed is tried again with its seed. */
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1_000_000));

/** What has to have hit at least so often: a fault that never hits tests nothing. */
const HITS: Record<string, [pattern: RegExp, least: number]> = {
  "kill-workers": [/kill/, 5],
  "lost-replies": [/lost reply/, 30],
  "power-always": [/power cut/, 2],
};

/** What tells most of a history when only the output of the tests is left: all but jobs. */
function outlineOf(folder: string): string {
  const jobs = new Set(["push", "pushed", "start", "end", "completed", "clock", "remains"]);
  const lines = readHistory(folder).lines.filter(({ what }) => !jobs.has(what));
  return lines.map((line) => JSON.stringify(line).slice(0, 250)).join("\n");
}

const notes: string[] = [];
afterAll(() => {
  for (const note of notes) console.log(note);
});

test.each(Object.keys(HITS))("%s: nothing is broken", { timeout: TIMEOUT_MS }, async (name) => {
  const scenario = SCENARIOS.find((one) => one.name === name)!;
  if (scenario.setup.needsShim && !hasShim()) {
    notes.push(`! ${name} was not tried: no C compiler (cc) to build its shim`);
    return;
  }
  const { verdict, folder } = await runScenario(scenario, { seed, seconds: SECONDS });
  const about = `SEED=${seed}, history in ${folder}`;
  if (folder !== null) console.log(outlineOf(folder));
  expect(verdict.violations, about).toEqual([]);
  const [pattern, least] = HITS[name]!;
  const hits = Object.entries(verdict.faults).filter(([kind]) => pattern.test(kind));
  const count = hits.reduce((sum, [, n]) => sum + n, 0);
  expect(count, `faults that hit, ${about}`).toBeGreaterThanOrEqual(least);
  expect(verdict.pushes.ok).toBeGreaterThan(200);
  expect(verdict.occurrences).toBeGreaterThan(20);
});
