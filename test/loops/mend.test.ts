/** Mending in the background: one task after the other, a piece at a time, among slower work. */
import { expect, test } from "vitest";
import { Mending } from "../../src/loops/mend.js";
import { pruneStep } from "../../src/loops/prune.js";
import type { Tending } from "../../src/loops/tend.js";
import type { MendArgs } from "../../src/store/contract.js";
import { createScene } from "./scene.js";

const chance = { random: () => 0.5, identity: () => "x" };

function mendingOf(places: string[], taskIds: readonly string[]) {
  const { store } = createScene().openStore();
  const asked: MendArgs[] = [];
  store.mend = async (args) => {
    asked.push(args);
    return { place: places.shift() ?? "", mended: {} };
  };
  return { store, asked, mending: new Mending({ store, taskIds }) };
}

test("a task is walked to its end, then the next one, and the first one again", async () => {
  const { mending, asked } = mendingOf(["p1", "p2", "", "", ""], ["a", "b"]);
  for (let k = 0; k < 5; k += 1) await mending.step();
  expect(asked.map(({ taskId, place }) => [taskId, place])).toEqual([
    ["a", ""],
    ["a", "p1"],
    ["a", "p2"],
    ["b", ""],
    ["a", ""],
  ]);
  expect(asked.every(({ urgent }) => !urgent)).toBe(true);
});

test("a scheduler without tasks has nothing to mend", async () => {
  const { mending, asked } = mendingOf([], []);
  await mending.step();
  expect(asked).toEqual([]);
});

test("each slow round mends one piece, once it has nothing else left to do", async () => {
  const { store, mending, asked } = mendingOf(["p1", "p2", ""], ["a"]);
  const more = [true, false];
  store.prune = async () => more.shift() ?? false;
  const tending = { step: async () => false } as unknown as Tending;
  const parts = { store, chance, keep: {} as never, taskIds: ["a"], tending, mending };
  expect(await pruneStep(parts)).toBeLessThan(1_000);
  expect(asked).toHaveLength(0);
  expect(await pruneStep(parts)).toBe(60_000);
  expect(await pruneStep(parts)).toBe(60_000);
  expect(asked).toHaveLength(2);
});
