/** The loop that all others are made of. */
import { expect, test } from "vitest";
import { backoffMs, type DelayMs, Loop, UNTIL_WOKEN } from "../../src/loops/loop.js";
import { createTestClock } from "../../src/testing/clock.js";
import { createGate } from "./scene.js";

function makeLoop(step: () => Promise<DelayMs>) {
  const clock = createTestClock();
  const errors: unknown[] = [];
  const runs: number[] = [];
  const loop = new Loop({
    name: "test",
    step: () => {
      runs.push(clock.monotonic());
      return step();
    },
    clock,
    chance: { random: () => 1, identity: () => "x" },
    onError: (error) => errors.push(error),
  });
  return { clock, loop, runs, errors };
}

test("a loop sleeps for as long as its step says", async () => {
  const { clock, loop, runs } = makeLoop(async () => 100);
  loop.start();
  await clock.advance(350);
  expect(runs).toEqual([0, 100, 200, 300]);
});

test("a step that wants to wait until woken is not run by time", async () => {
  const { clock, loop, runs } = makeLoop(async () => UNTIL_WOKEN);
  loop.start();
  await clock.advance(1e9);
  expect(runs).toEqual([0]);
  loop.wake();
  expect(runs).toEqual([0, 1e9]);
});

test("a wake during a step runs it once more at once, however many wakes there were", async () => {
  const gate = createGate();
  let first = true;
  const { clock, loop, runs } = makeLoop(async () => {
    if (first) await gate.passed;
    first = false;
    return UNTIL_WOKEN;
  });
  loop.start();
  loop.wake();
  loop.wake();
  await clock.settle();
  expect(runs).toHaveLength(1);
  gate.open();
  await clock.settle();
  expect(runs).toHaveLength(2);
});

test("a wake within a time brings the next run forward and never puts it off", async () => {
  const { clock, loop, runs } = makeLoop(async () => 100);
  loop.start();
  await clock.settle();
  loop.wakeWithin(500);
  loop.wakeWithin(30);
  await clock.advance(100);
  expect(runs).toEqual([0, 30]);
});

test("a wake within a time that is asked for during a step counts from then", async () => {
  const gate = createGate();
  const { clock, loop, runs } = makeLoop(async () => {
    await gate.passed;
    return 1_000;
  });
  loop.start();
  loop.wakeWithin(50);
  gate.open();
  await clock.advance(60);
  expect(runs).toEqual([0, 50]);
});

test("a failing step is tried again after growing waits, none longer than a second", async () => {
  const { clock, loop, runs, errors } = makeLoop(async () => {
    throw new Error("no store");
  });
  loop.start();
  await clock.advance(4_000);
  const waits = runs.slice(1).map((at, index) => at - (runs[index] ?? 0));
  expect(waits.slice(0, 6)).toEqual([50, 100, 200, 400, 800, 1_000]);
  expect(Math.max(...waits)).toBe(1_000);
  expect(errors).toHaveLength(runs.length);
});

test("waits after failures are spread over half to all of their length", () => {
  const waits = [0, 0.5, 0.999].map((random) =>
    backoffMs({ failures: 20, longestMs: 1_000, random }),
  );
  expect(waits).toEqual([500, 750, 1_000]);
});

test("who insists cuts a back-off short once, and what fails again waits for longer", async () => {
  const clock = createTestClock();
  const at: number[] = [];
  const step = async () => {
    at.push(clock.monotonic());
    throw new Error("no");
  };
  const chance = { random: () => 1, identity: () => "x" };
  const loop = new Loop({ name: "x", step, clock, chance, onError: () => {} });
  const begunAt = clock.monotonic();
  loop.start();
  await clock.advance(160);
  loop.insist();
  await clock.advance(390);
  expect(at.map((one) => one - begunAt)).toEqual([0, 50, 150, 160]);
  await clock.advance(20);
  expect(at.at(-1)! - begunAt).toBe(560);
  await loop.stop();
});

test("a wake does not cut a back-off short, a recovery does", async () => {
  let broken = true;
  const { clock, loop, runs } = makeLoop(async () => {
    if (broken) throw new Error("no store");
    return UNTIL_WOKEN;
  });
  loop.start();
  await clock.settle();
  loop.wake();
  loop.wakeWithin(1);
  await clock.advance(10);
  expect(runs).toHaveLength(1);
  broken = false;
  loop.recover();
  await clock.advance(10_000);
  expect(runs).toHaveLength(2);
});

test("stop waits for the running step, and none begins after it", async () => {
  const gate = createGate();
  const { clock, loop, runs } = makeLoop(async () => {
    await gate.passed;
    return 10;
  });
  loop.start();
  let stopped = false;
  const stopping = loop.stop().then(() => {
    stopped = true;
  });
  loop.wake();
  await clock.settle();
  expect(stopped).toBe(false);
  gate.open();
  await stopping;
  loop.wake();
  await clock.advance(1_000);
  expect(runs).toHaveLength(1);
});

test("a stopped loop can be started again", async () => {
  const { clock, loop, runs } = makeLoop(async () => UNTIL_WOKEN);
  loop.start();
  await loop.stop();
  loop.start();
  await clock.settle();
  expect(runs).toHaveLength(2);
});
