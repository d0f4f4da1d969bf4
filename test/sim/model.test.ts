/** Worlds over the model store: no invariant breaks, every fault strikes, everything drains. */
import { expect, test } from "vitest";
import { neverHit, ordinarySeeds, runSeeds } from "./seeds.js";

test("no seed breaks a promise over the model; those that once did come first", {
  timeout: 600_000,
}, async () => {
  const ran = await runSeeds("model", ordinarySeeds("model"));
  console.log(`${ran.seeds} seeds, ${ran.events} events\n${ran.coverage.table()}`);
  expect(ran.failures.map(({ report }) => report).join("\n\n")).toBe("");
  expect(neverHit(ran.coverage)).toEqual([]);
});
