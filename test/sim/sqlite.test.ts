/** The same worlds over the real SQLite store. */
import { expect, test } from "vitest";
import { neverHit, ordinarySeeds, runSeeds } from "./seeds.js";

test("no seed breaks a promise over SQLite; those that once did come first", {
  timeout: 600_000,
}, async () => {
  const ran = await runSeeds("sqlite", ordinarySeeds("sqlite"));
  console.log(`${ran.seeds} seeds, ${ran.events} events\n${ran.coverage.table()}`);
  expect(ran.failures.map(({ report }) => report).join("\n\n")).toBe("");
  expect(neverHit(ran.coverage)).toEqual([]);
});
