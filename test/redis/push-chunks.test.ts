/** What one call of push.lua carries: which of its jobs go as bundles. */
import { expect, test } from "vitest";
import { chunksOf, encodeChunk } from "../../src/store/redis/push-chunks.js";
import { newJob } from "../contract/words.js";

/** How many jobs go one by one, and in how many bundles the others. */
function formsOf(tasks: Record<string, number>): string[] {
  const jobs = Object.entries(tasks).flatMap(([taskId, n]) =>
    Array.from({ length: n }, () => newJob({ taskId })),
  );
  const [chunk] = chunksOf(jobs);
  const args = encodeChunk(chunk!, "");
  return args.flatMap((arg, k) => (arg === "p" || arg === "b" ? [`${arg}${args[k + 1]}`] : []));
}

test("eight jobs of a task are a bundle, and a hundred at most", () => {
  expect(formsOf({ one: 7 })).toEqual(["p7"]);
  expect(formsOf({ one: 8 })).toEqual(["b1"]);
  expect(formsOf({ one: 101 })).toEqual(["b2"]);
});

test("beside other tasks it takes more, since each bundle takes a hundred µs of numbers", () => {
  expect(formsOf({ one: 31, two: 32, three: 8 })).toEqual(["p31", "b1", "p8"]);
});
