/** A seed tells all: the same one gives the same world, and a failing one is made small. */
import { expect, test } from "vitest";
import { Coverage } from "./coverage.js";
import { Dice } from "./dice.js";
import type { Fault } from "./faults.js";
import { mutants } from "./mutants.js";
import { backendOf, explain, type Kind, missedBy, neverHit } from "./seeds.js";
import { shrink } from "./shrink.js";
import { simulate } from "./simulate.js";
import { Timeline } from "./timeline.js";

test.each<Kind>(["model", "sqlite"])(
  "the same seed gives the same world over %s",
  {
    timeout: 120_000,
  },
  async (kind) => {
    const backend = await backendOf(kind);
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const first = await simulate({ seed, kind, backend, isTold: true });
      const again = await simulate({ seed, kind, backend, isTold: true });
      expect(first.lines.length).toBeGreaterThan(10);
      expect(again.lines).toEqual(first.lines);
      expect(again.trace).toBe(first.trace);
      expect(again.events).toBe(first.events);
    }
  },
);

test("two seeds give two worlds", async () => {
  const backend = await backendOf("model");
  const [one, two] = [
    await simulate({ seed: 1, kind: "model", backend }),
    await simulate({ seed: 2, kind: "model", backend }),
  ];
  expect(one.trace).not.toBe(two.trace);
});

test("what the library does between two events is noticed", async () => {
  const timeline = new Timeline(new Dice(1, "order"));
  timeline.in(5, () => timeline.touched("a timer"));
  await timeline.run(10);
  expect(timeline.faults).toEqual([]);
  timeline.touched("a timer");
  expect(timeline.faults).toEqual(["a timer between two events"]);
});

test("an event ends when all that it set off has ended, however long the chain", async () => {
  const timeline = new Timeline(new Dice(1, "order"));
  let turns = 0;
  timeline.in(1, () => {
    void (async () => {
      while (turns < 1_000) {
        await null;
        turns += 1;
      }
      timeline.touched("the end of a chain");
    })();
  });
  timeline.in(2, () => expect(turns).toBe(1_000));
  await timeline.run(10);
  expect(timeline.faults).toEqual([]);
});

test("faults that do not matter are taken out", async () => {
  const faults = Array.from({ length: 13 }, (_, at): Fault => ({ at, kind: "wipe" }));
  const needed = [3, 11];
  const least = await shrink(faults, async (some) =>
    needed.every((at) => some.some((fault) => fault.at === at)),
  );
  expect(least.map(({ at }) => at)).toEqual(needed);
});

test("a failing seed says what broke, with which faults, and how to see it again", {
  timeout: 120_000,
}, async () => {
  const [mutant] = mutants();
  if (mutant === undefined) throw new Error("there is no mutant");
  const backend = await mutant.backend();
  for (let seed = 1; seed < 200; seed += 1) {
    const simulated = await simulate({ seed, kind: mutant.kind, backend });
    if (simulated.findings.length === 0) continue;
    const { report } = await explain(simulated, backend);
    expect(report).toContain(`SEED=${seed} npm run sim -- --store model`);
    expect(report).toContain("I6: ");
    expect(report).toContain('"leaseMs":');
    const left = report.split("\n").filter((line) => line.startsWith('    {"at":'));
    expect(left.length).toBeLessThanOrEqual(simulated.plan.faults.length);
    return;
  }
  expect.unreachable("no seed failed");
});

test("what many seeds never hit is a failure, what few never hit is not", () => {
  const coverage = new Coverage();
  expect(missedBy(coverage, { model: 15_000, sqlite: 4_999 })).toEqual([]);
  expect(missedBy(coverage, { model: 15_000, sqlite: 5_000 })).toContain("crash × handler");
  expect(missedBy(coverage, { sqlite: 5_000 })).toContain("crash × handler");
});

test("a fault that never struck is named", () => {
  const coverage = new Coverage();
  expect(neverHit(coverage)).toContain("crash × handler");
  coverage.note("crash", "handler");
  expect(neverHit(coverage)).not.toContain("crash × handler");
  expect(coverage.table()).toContain("crash");
});
