/** One concurrency for the places of a task in several shards: none of them starves, or waits. */
import { expect, test } from "vitest";
import type { Attempt } from "../../src/loops/attempt.js";
import { Capacity } from "../../src/loops/capacity.js";
import { Share } from "../../src/loops/share.js";
import { Slots } from "../../src/loops/slots.js";
import { createTestClock } from "../../src/testing/clock.js";

const TASK = { taskId: "hot", concurrency: 10 };
const NO_MORE = { more: [], left: [], drain: false };
const MUCH = { jobs: 500, tasks: 25 };

function scene(places: number, concurrency = TASK.concurrency) {
  const clock = createTestClock();
  const task = { ...TASK, concurrency };
  const share = new Share(concurrency, clock);
  const parts = { clock, capacity: new Capacity(clock), onRoom: () => {} };
  const slots = Array.from({ length: places }, () => new Slots([], parts));
  const stirred: number[] = [];
  const all = slots.map((one, k) => {
    const place = one.share(task, share);
    place.onRoom = () => void stirred.push(k);
    return place;
  });
  /** One asks, and how many it may; it is given all of them. */
  const claim = (k: number, given?: number): number => {
    const asked = slots[k]!.ask(MUCH);
    const limit = asked[0]?.limit ?? 0;
    const more = limit > 0 && given === undefined ? [TASK.taskId] : [];
    slots[k]!.answered(asked, { ...NO_MORE, more }, 1);
    all[k]!.running += given ?? limit;
    return limit;
  };
  const offer = (...which: number[]): void => {
    for (const k of which) slots[k]!.offer(TASK.taskId);
  };
  return { clock, share, slots, places: all, stirred, claim, offer };
}

test("one that has jobs alone has all slots", () => {
  const { claim, offer, share } = scene(4);
  offer(2);
  expect(claim(2)).toBe(10);
  expect(share.slots).toBe(0);
});

test("as long as others may have jobs, each leaves them their part", () => {
  const { claim, offer, places } = scene(4);
  offer(0, 1, 2, 3);
  const first = [0, 1, 2, 3].map((k) => claim(k));
  expect(first.reduce((sum, n) => sum + n, 0)).toBe(10);
  expect(Math.min(...first)).toBe(2);
  // One of each ends, again and again: nobody gets ahead.
  for (let round = 0; round < 50; round += 1) {
    places[round % 4]!.running -= 1;
    for (const k of [0, 1, 2, 3]) claim(k);
    expect(places.every(({ running }) => running >= 2)).toBe(true);
    expect(places.reduce((sum, { running }) => sum + running, 0)).toBe(10);
  }
});

test("what one has no jobs for goes to the others", () => {
  const { claim, offer, places } = scene(2);
  offer(0, 1);
  expect(claim(0)).toBe(5);
  expect(claim(1, 1)).toBe(5);
  expect(claim(0)).toBe(4);
  expect(places.map(({ running }) => running)).toEqual([9, 1]);
});

test("with fewer slots than places they take turns", () => {
  const { claim, offer, places } = scene(4, 1);
  offer(0, 1, 2, 3);
  const order: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    const who = [0, 1, 2, 3].filter((k) => claim(k) > 0);
    expect(who).toHaveLength(1);
    order.push(who[0]!);
    places[who[0]!]!.running -= 1;
  }
  expect(order.slice(4)).toEqual(order.slice(0, 4));
  expect(new Set(order)).toEqual(new Set([0, 1, 2, 3]));
});

test("one whose store does not answer keeps no slots from the others", () => {
  const { claim, offer, slots, places } = scene(2, 1);
  offer(0);
  const asked = slots[0]!.ask(MUCH);
  expect(asked).toHaveLength(1);
  offer(1);
  expect(claim(1)).toBe(0);
  slots[0]!.late(true);
  expect(claim(1)).toBe(1);
  places[1]!.running -= 1;
  expect(claim(1)).toBe(1);
  // What comes late has to wait for its turn.
  slots[0]!.late(false);
  places[1]!.running -= 1;
  expect(claim(1)).toBe(0);
  slots[0]!.answered(asked, NO_MORE, 1);
  expect(claim(1)).toBe(1);
});

test("places are told of room once in a turn, if they may have jobs", async () => {
  const { clock, share, offer, stirred } = scene(3);
  offer(1);
  share.changed();
  share.changed();
  await clock.advance(0);
  expect(stirred).toEqual([1]);
});

test("one is looked after even while others have all slots", () => {
  const { claim, offer, slots } = scene(2);
  offer(0);
  claim(0);
  expect(slots.map((one) => one.idleTaskIds())).toEqual([[], [TASK.taskId]]);
});

test("of jobs that wait for a slot, the one that was claimed first begins first", () => {
  const { share, places } = scene(2, 1);
  const begun: number[] = [];
  for (const [k, at] of [1, 2, 4, 3].entries()) {
    const place = places[k % 2]!;
    place.waiting.add({ claimedAt: at } as Attempt);
  }
  // In each of them they stand in the order of their claims.
  for (const place of places) {
    const sorted = place.waiting.takeAll().sort((a, b) => a.claimedAt - b.claimedAt);
    for (const attempt of sorted) place.waiting.add(attempt);
    place.onSlot = () => {
      begun.push(place.waiting.take()!.claimedAt);
      place.running += 1;
    };
  }
  for (let ends = 0; ends < 4; ends += 1) {
    share.fill();
    for (const place of places) place.running = 0;
  }
  expect(begun).toEqual([1, 2, 3, 4]);
});

test.each([
  { count: 16, concurrency: 10, meanMs: 5 },
  { count: 8, concurrency: 5, meanMs: 9 },
  { count: 2, concurrency: 1, meanMs: 4 },
])("free slots are asked for however small a place's part is (%o)", (how) => {
  const { claim, offer, places, share } = scene(how.count, how.concurrency);
  for (const { pace } of places) for (let n = 0; n < 20; n += 1) pace.note(how.meanMs);
  offer(...places.keys());
  const claimed = places.map((_, k) => claim(k));
  expect(Math.min(...claimed.slice(0, how.concurrency))).toBeGreaterThan(0);
  expect(share.slots).toBeLessThanOrEqual(0);
});
