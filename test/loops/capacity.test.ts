/** Capacity: handlers that compute share one event loop, however many of them may run at once. */
import { expect, test } from "vitest";
import { Capacity } from "../../src/loops/capacity.js";
import { Slots } from "../../src/loops/slots.js";
import { createTestClock } from "../../src/testing/clock.js";

const UNLIMITED = Number.POSITIVE_INFINITY;

/** A window of 10 ms in which so many jobs ended and the event loop was busy for so long. */
function scene() {
  let passedMs = 0;
  let spentMs = 0;
  const capacity = new Capacity({ monotonic: () => passedMs, busyMs: () => spentMs });
  const window = ({ ended, busyMs }: { ended: number; busyMs: number }): number => {
    for (let n = 0; n < ended; n += 1) capacity.ended();
    passedMs += 10;
    spentMs += busyMs;
    return capacity.ahead();
  };
  return { capacity, window };
}

test("nothing is held back before the event loop has been busy", () => {
  const { capacity, window } = scene();
  expect(capacity.ahead()).toBe(UNLIMITED);
  expect(window({ ended: 1_000, busyMs: 8 })).toBe(UNLIMITED);
  // Busy with something else.
  expect(window({ ended: 0, busyMs: 10 })).toBe(UNLIMITED);
});

test("what is claimed ahead lasts for 8 ms of a busy event loop", () => {
  const { window } = scene();
  expect(window({ ended: 100, busyMs: 10 })).toBe(80);
  expect(window({ ended: 20, busyMs: 9.5 })).toBe(48);
  for (let n = 0; n < 20; n += 1) window({ ended: 20, busyMs: 10 });
  expect(window({ ended: 20, busyMs: 10 })).toBeCloseTo(16);
});

test("more is tried whenever the event loop has time to spare, even after it had none", () => {
  const { window } = scene();
  for (let n = 0; n < 60; n += 1) window({ ended: 1, busyMs: 100 });
  const least = window({ ended: 1, busyMs: 10 });
  expect(least).toBeLessThan(1);
  expect(window({ ended: 1, busyMs: 5 })).toBeGreaterThan(8);
  for (let n = 0; n < 20; n += 1) window({ ended: 1, busyMs: 5 });
  expect(window({ ended: 1, busyMs: 5 })).toBeGreaterThan(1_000);
});

/** Slots of tasks whose handlers are short, and what their claims are for. */
function slotsOf(tasks: number, aheadOfAll: number, concurrency = 1) {
  const all = Array.from({ length: tasks }, (_, k) => ({ taskId: `t${k}`, concurrency }));
  const parts = { clock: createTestClock(), onRoom: () => {} };
  const slots = new Slots(all, { ...parts, capacity: { ahead: () => aheadOfAll } });
  for (const place of slots.places()) for (let n = 0; n < 20; n += 1) place.pace.note(0.01);
  slots.offerAll();
  return slots;
}

const MUCH = { jobs: 300, tasks: 25 };

test("all tasks together claim no more ahead than the process can do, in halves", () => {
  const slots = slotsOf(4, 100);
  const limits = (asked: readonly { limit: number }[]): number[] => asked.map((it) => it.limit);
  // Of which four are for free slots.
  expect(limits(slots.ask(MUCH))).toEqual([14, 14, 13, 13]);
  expect(limits(slots.ask(MUCH))).toEqual([12, 12, 11, 11]);
  expect(slots.ask(MUCH)).toEqual([]);
});

test("free slots are no claim ahead: they get their jobs whatever the process can do", () => {
  const slots = slotsOf(3, 0, 10);
  expect(slots.ask(MUCH).map(({ limit }) => limit)).toEqual([10, 10, 10]);
  expect(slots.ask(MUCH)).toEqual([]);
});

test("a claim names no more tasks than can have a good part each; the others are next", () => {
  const slots = slotsOf(30, UNLIMITED);
  const first = slots.ask(MUCH);
  expect(first.map(({ limit }) => limit)).toEqual(Array.from({ length: 12 }, () => 25));
  const second = slots.ask(MUCH).map(({ taskId }) => taskId);
  for (const { taskId } of first) expect(second).not.toContain(taskId);
});
