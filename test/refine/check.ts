/**
 * So many random sequences on one kind of store. `SEED=n` replays the whole search, with the path
 * that a failure printed (`REFINE_PATH`) its shrunk sequence; `RUNS=n` searches longer.
 */
import fc from "fast-check";
import { runOn } from "./run.js";
import { sequences } from "./steps.js";
import type { MakeSubject } from "./worlds.js";

/** Always the same ones in the ordinary run, so that a failure is one of the change at hand. */
const SEED = 20_260_101;

/** The ordinary number of sequences. */
export const RUNS = 150;

export interface Search {
  runs: number;
  /** The first sequence that fails is enough: nobody is going to read it. */
  isShort?: boolean;
}

/** Rejects with the shortest sequence that was found, and with how to run it again. */
export async function search(make: MakeSubject, { runs, isShort = false }: Search): Promise<void> {
  const { SEED: given, REFINE_PATH: path, RUNS: more } = process.env;
  const property = fc.asyncProperty(sequences, (sequence) => runOn(make, sequence));
  const found = await fc.check(property, {
    numRuns: Number(more ?? runs),
    seed: Number(given ?? SEED),
    ...(path === undefined ? {} : { path }),
    endOnFailure: isShort,
    interruptAfterTimeLimit: 300_000,
    markInterruptAsFailure: true,
  });
  if (!found.failed) return;
  const steps = JSON.stringify(found.counterexample?.[0], null, 1)?.replaceAll(/\n\s*/g, " ");
  throw new Error(
    `${String(found.errorInstance)}\n\nrun it again with SEED=${found.seed} ` +
      `REFINE_PATH=${found.counterexamplePath}, or take these steps:\n${steps}`,
  );
}
