/** Bugs that are planted on purpose are found within the ordinary number of seeds. */
import { expect, test } from "vitest";
import { mutants } from "./mutants.js";
import { ORDINARY } from "./seeds.js";
import { simulate } from "./simulate.js";

test.each(mutants().map((mutant) => [`${mutant.kind}, ${mutant.name}`, mutant] as const))(
  "is found: without %s",
  { timeout: 300_000 },
  async (_, { kind, backend: make, breaks, planted }) => {
    const backend = await make();
    let found: string | undefined;
    let seed = 0;
    while (found === undefined && seed < ORDINARY[kind]) {
      seed += 1;
      const { findings } = await simulate({ seed, kind, backend });
      found = findings.find(({ invariant }) => breaks.includes(invariant))?.what;
    }
    console.log(`seed ${seed}: ${found}`);
    expect(planted()).toBeGreaterThan(0);
    expect(found, `not found in ${seed} seeds`).toBeDefined();
  },
);
