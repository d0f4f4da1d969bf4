/** Capacity: handlers that compute share one event loop, however many of them may run at once. */
import { expect, test } from "vitest";
import { Capacity } from "../../src/loops/capacity.js";
import { Share } from "../../src/loops/share.js";
import { Slots } from "../../src/loops/slots.js";
import { createTestClock } from "../../src/testing/clock.js";

const UNLIMITED = Number.POSITIVE_INFINITY;

/** A window of 10 ms in which so many jobs ended and the event loop was busy for so long. */
function scene({ held = (): number => 0 } = {}) {
  let passedMs = 0;
  let spentMs = 0;
  const capacity = new Capacity({ monotonic: () => passedMs, busyMs: () => spentMs });
  capacity.join(held);
  const window = ({ ended, busyMs }: { ended: number; busyMs: number }): number => {
    for (let n = 0; n < ended; n += 1) capacity.ended();
    passedMs += 10;
    spentMs += busyMs;
    return capacity.room();
  };
  return { capacity, window };
}

test("nothing is held back before the event loop has been busy", () => {
  const { capacity, window } = scene();
  expect(capacity.room()).toBe(UNLIMITED);
  expect(window({ ended: 1_000, busyMs: 8 })).toBe(UNLIMITED);
  // Busy with something else.
  expect(window({ ended: 0, busyMs: 10 })).toBe(UNLIMITED);
});

test("what is claimed ahead lasts for 8 ms of a busy event loop, claimed in halves", () => {
  let held = 0;
  const { capacity, window } = scene({ held: () => held });
  expect(window({ ended: 100, busyMs: 10 })).toBe(40);
  held = 60;
  expect(capacity.room()).toBe(20);
  // Too few for a call of their own.
  held = 61;
  expect(capacity.room()).toBe(0);
  held = 0;
  expect(window({ ended: 20, busyMs: 9.5 })).toBe(24);
  for (let n = 0; n < 20; n += 1) window({ ended: 20, busyMs: 10 });
  expect(window({ ended: 20, busyMs: 10 })).toBe(8);
});

test("what all shards hold counts", () => {
  const { capacity, window } = scene({ held: () => 30 });
  capacity.join(() => 30);
  expect(window({ ended: 100, busyMs: 10 })).toBe(20);
});

test("what is on its way for long is no less for that", () => {
  const { capacity, window } = scene();
  for (let n = 0; n < 40; n += 1) capacity.called(20);
  expect(window({ ended: 100, busyMs: 10 })).toBeCloseTo((10 * 28) / 2, -1);
});

test("more is tried whenever the event loop has time to spare, even after it had none", () => {
  const { window } = scene();
  for (let n = 0; n < 60; n += 1) window({ ended: 1, busyMs: 100 });
  expect(window({ ended: 1, busyMs: 10 })).toBe(0);
  expect(window({ ended: 1, busyMs: 5 })).toBeGreaterThan(3);
  for (let n = 0; n < 40; n += 1) window({ ended: 1, busyMs: 5 });
  // However long that went on, one busy window is enough to learn.
  expect(window({ ended: 1, busyMs: 5 })).toBe(UNLIMITED);
  expect(window({ ended: 100, busyMs: 10 })).toBe(40);
});

/** Slots of tasks whose handlers are short, in a process with so much room. */
function slotsOf(tasks: number, room: () => number, { concurrency = 1 } = {}) {
  const all = Array.from({ length: tasks }, (_, k) => ({ taskId: `t${k}`, concurrency }));
  const capacity = { room, join: () => {}, called: () => {} };
  const slots = new Slots(all, { clock: createTestClock(), onRoom: () => {}, capacity });
  for (const place of slots.places()) for (let n = 0; n < 20; n += 1) place.pace.note(0.01);
  slots.offerAll();
  return slots;
}

const MUCH = { jobs: 300, tasks: 25 };

const limitsOf = (asked: readonly { limit: number }[]): number[] => asked.map((it) => it.limit);

test("all tasks together claim no more ahead than there is room for", () => {
  const rooms = [50, 46, 0];
  const slots = slotsOf(4, () => rooms.shift() ?? 0);
  // Four of these are for free slots.
  expect(limitsOf(slots.ask(MUCH))).toEqual([14, 14, 13, 13]);
  expect(limitsOf(slots.ask(MUCH))).toEqual([12, 12, 11, 11]);
  expect(slots.ask(MUCH)).toEqual([]);
});

test("free slots are no claim ahead: they get their jobs whatever the process can do", () => {
  const slots = slotsOf(3, () => 0, { concurrency: 10 });
  expect(limitsOf(slots.ask(MUCH))).toEqual([10, 10, 10]);
  expect(slots.ask(MUCH)).toEqual([]);
});

test("nobody with a free slot waits behind tasks that are full, however many these are", () => {
  const slots = slotsOf(60, () => 0);
  for (const place of slots.places()) place.running = 1;
  slots.place("t59").running = 0;
  expect(slots.ask(MUCH).map(({ taskId, limit }) => [taskId, limit])).toEqual([["t59", 1]]);
  expect(slots.ask({ jobs: 1, tasks: 1 })).toEqual([]);
});

test("a claim names no more tasks than can have a good part each; the others are next", () => {
  const slots = slotsOf(30, () => UNLIMITED);
  const first = slots.ask(MUCH);
  expect(limitsOf(first)).toEqual(Array.from({ length: 12 }, () => 25));
  const second = slots.ask(MUCH).map(({ taskId }) => taskId);
  for (const { taskId } of first) expect(second).not.toContain(taskId);
});

test("of places that share a concurrency whoever gets nothing keeps its turn", () => {
  const clock = createTestClock();
  const task = { taskId: "t", concurrency: 1 };
  const share = new Share(1, clock);
  const capacity = { room: () => 0, join: () => {}, called: () => {} };
  const shards = [0, 1, 2].map(() => new Slots([], { clock, onRoom: () => {}, capacity }));
  const places = shards.map((slots) => slots.share(task, share));
  for (const { pace } of places) for (let n = 0; n < 20; n += 1) pace.note(5);
  for (const slots of shards) slots.offerAll();
  const served = [0, 0, 0];
  for (let turn = 0; turn < 30; turn += 1) {
    for (const [k, slots] of shards.entries()) {
      const asked = slots.ask(MUCH);
      served[k]! += asked.length;
      // Whoever got the slot is done with it when all have asked.
      if (asked.length > 0) places[k]!.running = 1;
      for (const { place, limit } of asked) place.asked -= limit;
    }
    for (const place of places) place.running = 0;
  }
  expect(served).toEqual([10, 10, 10]);
});
