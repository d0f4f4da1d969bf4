/** The language-neutral vectors of protocol/cases that are about the store's verbs. */
import { describe } from "vitest";
import { Play, readVectors } from "../../support/play.js";
import type { ContractTest } from "../suite.js";

const VERBS = [
  "push",
  "work",
  "look",
  "renew",
  "reap",
  "register",
  "fire",
  "trigger",
  "pause",
  "remove",
  "schedule",
  "schedules",
  "tend",
  "recover",
  "get",
  "cancel",
  "redrive",
  "list",
  "counts",
  "prune",
  "mend",
];

export function vectorClaims(test: ContractTest): void {
  describe("vectors", () => {
    for (const verb of VERBS) {
      for (const vector of readVectors(verb)) {
        test(`${verb}: ${vector.name}`, async ({ scene }) => await new Play(scene).run(vector));
      }
    }
  });
}
