/** The bench notices jobs that run twice, not at all, or that nobody knows. */
import { expect, it } from "vitest";
import { problemsOf } from "../../bench/lib/costs.mjs";
import { taskIdsOf } from "../../bench/lib/payload.mjs";
import { Tally } from "../../bench/lib/tally.mjs";
import { drainTogether } from "../../bench/lib/two.mjs";

const job = (n: number) => ({ n, at: 0, pad: "" });

it("a job that ran twice, one that did not run and one that nobody pushed are problems", () => {
  const tally = new Tally(3);
  for (const n of [0, 1, 1, 7]) tally.run(job(n));
  expect(tally.report()).toMatchObject({ dup: 1, lost: 1, stray: 1 });
  expect(problemsOf(tally.report())).toHaveLength(3);
});

it("all jobs once are none", async () => {
  const tally = new Tally(3);
  for (const n of [2, 0, 1]) tally.run(job(n));
  await tally.whenAll;
  expect(problemsOf(tally.report())).toEqual([]);
});

it("a job that is told to fail throws in its first run only, which is not counted as a run", () => {
  const tally = new Tally(4, { failEvery: 2 });
  for (const n of [0, 2]) expect(() => tally.run(job(n))).toThrow("asks for");
  for (const n of [0, 1, 2, 3]) tally.run(job(n));
  expect(tally.report()).toMatchObject({ dup: 0, lost: 0, failed: 2 });
  tally.run(job(2));
  expect(tally.report()).toMatchObject({ dup: 1 });
});

it("a job that ran in both of two workers, and one that ran in neither, are problems", async () => {
  const tallies = [new Tally(4), new Tally(4)];
  for (const n of [0, 1]) tallies[0]?.run(job(n));
  for (const n of [1, 2]) tallies[1]?.run(job(n));
  const workers = tallies.map((tally) => async (name: string) => {
    if (name === "seen") return tally.seen;
    return name === "part" ? { ...tally.report(), runs: tally.runs } : undefined;
  });
  const scene = { limitMs: 20 } as Parameters<typeof drainTogether>[0];
  const args = { taskIds: ["a"], concurrency: 1, jobs: 4 };
  const { problems, evenness } = await drainTogether(scene, workers, args);
  expect(problems).toEqual(["dup 1: jobs ran twice", "lost 1: jobs did not run in time"]);
  expect(evenness).toBe(1);
});

it("jobs are spread over as many tasks as are asked for", () => {
  expect(taskIdsOf("a", 1)).toEqual(["a"]);
  expect(taskIdsOf("a", 3)).toEqual(["a-0", "a-1", "a-2"]);
});
