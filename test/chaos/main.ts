/** `npm run chaos`, once TypeScript can be loaded: runs the scenarios one after the other. */

import { type Outcome, runScenario } from "./kit/run.js";
import { hasShim } from "./kit/shim.js";
import { SCENARIOS } from "./scenarios.js";

export interface Wishes {
  /** Names of scenarios, or beginnings of names; empty: all. */
  only: readonly string[];
  seed: number;
  seconds: number;
}

export interface Skipped {
  scenario: string;
  why: string;
}

export async function runAll(
  { only, seed, seconds }: Wishes,
  tell: (outcome: Outcome | Skipped) => void,
): Promise<(Outcome | Skipped)[]> {
  const chosen = SCENARIOS.filter(
    ({ name }) => only.length === 0 || only.some((one) => one === name || fits(one, name)),
  );
  const outcomes: (Outcome | Skipped)[] = [];
  for (const scenario of chosen) {
    const { name, setup } = scenario;
    const outcome =
      setup.needsShim && !hasShim()
        ? { scenario: name, why: "no C compiler (`cc`) to build the shim" }
        : await runScenario(scenario, { seed, seconds });
    outcomes.push(outcome);
    tell(outcome);
  }
  return outcomes;
}

/** `kill-*`: all that begin so. */
function fits(pattern: string, name: string): boolean {
  return pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1));
}
