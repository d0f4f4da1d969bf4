/** Mending in the background: one task after the other, a piece at a time, among slower work. */
import { expect, test } from "vitest";
import { SchedulerError } from "../../src/index.js";
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
    return { seen: 0, place: places.shift() ?? "", mended: {} };
  };
  return { store, asked, mending: new Mending({ store, taskIds }) };
}

test("a few tasks have a piece each round, in turn, each from where it ended", async () => {
  const tasks = ["a", "b", "c", "d", "e"];
  const { mending, asked } = mendingOf(["a1", "", "c1", "", "", "a2"], tasks);
  expect(await mending.step()).toBe(false);
  expect(asked.map(({ taskId }) => taskId)).toEqual(["a", "b", "c", "d"]);
  expect(await mending.step()).toBe(false);
  expect(asked.slice(4).map(({ taskId, place }) => [taskId, place])).toEqual([
    ["e", ""],
    ["a", "a1"],
    ["b", ""],
    ["c", "c1"],
  ]);
  expect(asked.every(({ urgent }) => !urgent)).toBe(true);
});

test("where something was found it goes on at once, until a piece finds nothing", async () => {
  const { store } = createScene().openStore();
  const asked: MendArgs[] = [];
  const answers = [
    { seen: 0, place: "p1", mended: { ready: 3 } },
    { seen: 0, place: "p2", mended: { ready: 1 } },
    { seen: 0, place: "p3", mended: {} },
    { seen: 0, place: "", mended: {} },
  ];
  store.mend = async (args) => {
    asked.push(args);
    return answers.shift() ?? { seen: 0, place: "", mended: {} };
  };
  const mending = new Mending({ store, taskIds: ["a", "b"] });
  const isMore: boolean[] = [];
  for (let k = 0; k < 4; k += 1) isMore.push(await mending.step());
  expect(isMore).toEqual([true, true, false, false]);
  expect(asked).toEqual([
    { taskId: "a", urgent: false, place: "", next: ["b"] },
    { taskId: "a", urgent: true, place: "p1", next: [] },
    { taskId: "a", urgent: true, place: "p2", next: [] },
    { taskId: "b", urgent: false, place: "", next: ["a"] },
    { taskId: "a", urgent: false, place: "p3", next: [] },
  ]);
});

test("those of a shared call that were not reached have the next one", async () => {
  const { store } = createScene().openStore();
  const asked: string[][] = [];
  const seen = [2, 0, 1, 3];
  store.mend = async ({ taskId, next = [] }) => {
    asked.push([taskId, ...next]);
    return { seen: seen.shift() ?? 0, place: "", mended: {} };
  };
  const mending = new Mending({ store, taskIds: ["a", "b", "c", "d"] });
  await mending.step();
  expect(asked).toEqual([["a", "b", "c", "d"], ["d"]]);
  asked.length = 0;
  await mending.step();
  expect(asked).toEqual([
    ["a", "b", "c", "d"],
    ["c", "d"],
  ]);
});

test("where mending a task fails the others have their turns all the same", async () => {
  const { store } = createScene().openStore();
  const compared: Record<string, number> = { a: 0, b: 0, d: 0, e: 0 };
  store.mend = async ({ taskId, next = [] }) => {
    for (const name of [taskId, ...next]) {
      if (name === "c") throw new Error("a key of the wrong type");
      compared[name]! += 1;
    }
    return { seen: next.length, place: "", mended: {} };
  };
  const mending = new Mending({ store, taskIds: ["a", "b", "c", "d", "e"] });
  for (let round = 0; round < 9; round += 1) await mending.step().catch(() => {});
  for (const times of Object.values(compared)) expect(times).toBeGreaterThan(3);
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

test("tending, pruning and mending have their turn whatever the store refuses", async () => {
  const { store, mending, asked } = mendingOf([], ["a"]);
  let pruned = 0;
  store.prune = async () => {
    pruned += 1;
    throw new SchedulerError("STORE_REFUSED", "pruning fails");
  };
  let code: "STORE_FAILED" | "STORE_CLOSED" | "STORE_UNREACHABLE" = "STORE_FAILED";
  const step = () => Promise.reject(new SchedulerError(code, "tending fails"));
  const tending = { step } as unknown as Tending;
  const parts = { store, chance, keep: {} as never, taskIds: ["a"], tending, mending };
  await expect(pruneStep(parts)).rejects.toThrow("tending fails");
  expect([pruned, asked.length]).toEqual([1, 1]);
  // Whoever asks a store that was closed would open it again.
  for (code of ["STORE_CLOSED", "STORE_UNREACHABLE"] as const) {
    await expect(pruneStep(parts)).rejects.toThrow("tending fails");
  }
  expect([pruned, asked.length]).toEqual([1, 1]);
});

test("what is urgent goes on beside damage, which is told of at the end", async () => {
  const { store, mending } = mendingOf([], ["a"]);
  store.prune = () => Promise.reject(new SchedulerError("STORE_FAILED", "pruning fails"));
  const more = [true, true, false];
  const tending = { step: async () => more.shift() ?? false } as unknown as Tending;
  const parts = { store, chance, keep: {} as never, taskIds: ["a"], tending, mending };
  for (let piece = 0; piece < 2; piece += 1) expect(await pruneStep(parts)).toBeLessThan(1_000);
  await expect(pruneStep(parts)).rejects.toThrow("pruning fails");
});

test("in doubt each task has a piece at once, and more while it finds something", async () => {
  const { store } = createScene().openStore();
  const asked: MendArgs[] = [];
  const answers = [
    { seen: 0, place: "p1", mended: {} },
    { seen: 0, place: "p2", mended: { running: 1 } },
    { seen: 0, place: "p3", mended: {} },
    { seen: 0, place: "p4", mended: {} },
  ];
  store.mend = async (args) => {
    asked.push(args);
    return answers.shift() ?? { seen: 0, place: "", mended: {} };
  };
  const mending = new Mending({ store, taskIds: ["a", "b"] });
  await mending.step();
  asked.length = 0;
  mending.doubt();
  const isMore = [await mending.step(), await mending.step(), await mending.step()];
  expect(asked.map(({ urgent, taskId, place }) => [urgent, taskId, place])).toEqual([
    [true, "b", "p2"],
    [true, "a", ""],
    [true, "b", ""],
  ]);
  expect(isMore).toEqual([true, true, false]);
});

test("a script that broke off puts all bound tasks in doubt, within seconds", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  const { scheduler } = recorded;
  scheduler.on("error", () => {});
  for (const taskId of ["a", "b"]) scheduler.bind(taskId, () => {});
  await scheduler.start();
  await scene.clock.advance(1_000);
  let code: "STORE_REFUSED" | "STORE_FAILED" = "STORE_REFUSED";
  recorded.before = ({ verb }) => {
    if (verb === "look") throw new SchedulerError(code, "no");
  };
  const urgent: string[] = [];
  recorded.store.mend = async ({ taskId, urgent: isUrgent }) => {
    if (isUrgent) urgent.push(taskId);
    return { seen: 0, place: "", mended: {} };
  };
  await scene.clock.advance(10_000);
  expect(urgent).toEqual([]);
  code = "STORE_FAILED";
  await scene.clock.advance(5_000);
  expect(urgent.slice(0, 2)).toEqual(["a", "b"]);
  await scheduler.stop();
});
