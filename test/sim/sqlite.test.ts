/** The same worlds over the real SQLite store. */
import { expect, test } from "vitest";
import { ORDINARY, pastOf, runSeeds, seedsUpTo } from "./seeds.js";

test("no seed breaks a promise over SQLite; those that once did come first", {
  timeout: 600_000,
}, async () => {
  const ran = await runSeeds("sqlite", [...pastOf("sqlite"), ...seedsUpTo(ORDINARY.sqlite)]);
  console.log(`${ran.seeds} seeds, ${ran.events} events`);
  expect(ran.failures.map(({ report }) => report).join("\n\n")).toBe("");
});
