/** Claims about the ratios that stand in the repository: what changed is said, no more. */
import { expect, test } from "vitest";
import { ratioLines, ratiosOf, readRatios } from "../../bench/lib/ratios.mjs";

const figure = (oursBetter: number | null) => ({ median: 1, spread: 0, oursBetter, rounds: [1] });

test("each figure that is compared has its ratio to each system", () => {
  const cases = [
    {
      case: "drain-10",
      title: "",
      systems: {
        redis: { figures: { "jobs/s": figure(null) }, problems: [], notes: [] },
        bullmq: { figures: { "jobs/s": figure(7.123) }, problems: [], notes: [] },
        "bee-queue": { figures: { "jobs/s": figure(6) }, problems: [], notes: [] },
      },
    },
  ];
  expect(ratiosOf(cases)).toEqual({ "drain-10: jobs/s": { bullmq: 7.12, "bee-queue": 6 } });
});

test("a ratio that has changed by a fifth is told, one that is new or much the same is not", () => {
  const committed = { conditions: {}, ratios: { a: { bullmq: 10 }, b: { bullmq: 10 } } };
  const measured = { a: { bullmq: 7.9, other: 1 }, b: { bullmq: 9 }, c: { bullmq: 1 } };
  expect(ratioLines(measured, committed)).toEqual(["a, beside bullmq: 10× as committed, 7.9× now"]);
});

test("the committed ones are of a run of several rounds", () => {
  const { conditions, ratios } = readRatios();
  expect(conditions.rounds).toBeGreaterThanOrEqual(3);
  expect(Object.keys(ratios).length).toBeGreaterThan(10);
});
