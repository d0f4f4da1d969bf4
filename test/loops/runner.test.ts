/** Who begins, who waits, and who is handed back: the runner alone. */
import { describe, expect, test } from "vitest";
import type { Attempt, AttemptOwner } from "../../src/loops/attempt.js";
import { Line } from "../../src/loops/line.js";
import { AIM_MS, LONGEST_WAIT_MS } from "../../src/loops/pace.js";
import { Place } from "../../src/loops/place.js";
import { Runner } from "../../src/loops/runner.js";
import { createTestClock } from "../../src/testing/clock.js";

/** `syncMs`: so long a handler keeps the event loop before it waits. */
function createStage({ concurrency = 10, syncMs = 0 } = {}) {
  const clock = createTestClock();
  let spentMs = 0;
  const place = new Place({ taskId: "t", concurrency });
  const begun: number[] = [];
  const back: number[] = [];
  const ends: ((kind?: "completed" | "dead") => void)[] = [];
  const begunAt: number[] = [];
  const runner = new Runner({
    clock: { ...clock, monotonic: () => clock.monotonic() + spentMs },
    places: () => [place],
    leases: { mayBegin: () => true },
    capacity: { ended: () => {} },
    attempts: null as never,
    owner: {
      attemptEnded: (attempt, outcome) => {
        if (outcome?.kind === "handBack") back.push(Number(attempt.job.number));
      },
    },
  });
  function begin(this: Attempt, _parts: unknown, owner: AttemptOwner, now: number): void {
    begun.push(Number(this.job.number));
    begunAt.push(now);
    spentMs += syncMs;
    ends.push((kind = "completed") => {
      Object.assign(this, { endedAt: now });
      if (kind === "completed") owner.attemptEnded(this, { kind, result: null });
      else owner.attemptEnded(this, { kind, reason: "invalid", error: null } as never);
    });
  }
  const take = (from: number, count: number, { isRetryOff = false } = {}): void => {
    const attempts = Array.from({ length: count }, (_, k) => {
      const rules = { retry: isRetryOff ? null : {} };
      const job = { number: String(from + k), rules };
      return {
        job,
        lost: false,
        cancelled: false,
        claimedAt: 0,
        durationMs: 0,
        begin,
        markEnded() {},
        outcome: null,
      };
    });
    runner.take(place, attempts as unknown as Attempt[]);
  };
  const stall = (ms: number): void => {
    spentMs += ms;
  };
  return { clock, place, begun, begunAt, back, ends, take, stall };
}

test.each([true, false])(
  "jobs that have a slot wait for the event loop, and are not handed back (retry off: %s)",
  async (isRetryOff) => {
    const { clock, begun, back, take } = createStage({ syncMs: 20 });
    take(0, 10, { isRetryOff });
    await clock.advance(LONGEST_WAIT_MS);
    await clock.advance(LONGEST_WAIT_MS);
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(back).toEqual([]);
  },
);

test("a free slot is asked for, however few are free", () => {
  const { place } = createStage({ concurrency: 100 });
  for (let n = 0; n < 20; n += 1) place.pace.note(8);
  expect(place.pace.ahead(100, false)).toBeLessThan(100);
  for (place.running = 0; place.running < 100; place.running += 1) {
    expect(place.wanted()).toBeGreaterThan(0);
  }
});

test("with all slots taken, more is asked for once half of what may stand ready has begun", () => {
  const { place } = createStage({ concurrency: 100 });
  for (let n = 0; n < 20; n += 1) place.pace.note(5.5);
  const ahead = place.pace.ahead(100, false);
  expect(ahead).toBeLessThan(100);
  place.running = 100;
  for (let n = 0; n < ahead; n += 1) place.waiting.add({} as Attempt);
  for (let gone = 0; gone < ahead; gone += 1) {
    expect(place.wanted()).toBe(gone < ahead / 2 ? 0 : gone);
    place.waiting.take();
  }
});

test("what is handed back is overtaken by nothing that was claimed after it", async () => {
  const { clock, place, begun, back, take } = createStage({ concurrency: 1 });
  for (let n = 0; n < 20; n += 1) place.pace.note(0.01);
  take(0, 3);
  await clock.advance(LONGEST_WAIT_MS - 1);
  place.asked = 5;
  await clock.advance(1);
  // The answer to a claim is on its way: first it, then all of them in their order.
  expect(back).toEqual([]);
  expect(place.wanted()).toBe(0);
  place.asked = 0;
  take(3, 2);
  await clock.advance(1);
  expect(back).toEqual([1, 2, 3, 4]);
  expect(begun).toEqual([0]);
});

describe("jobs that wait while the event loop stands still", () => {
  /** One waits for a slot, one has it if any is free; the event loop stands still for so long. */
  function waiting({ stalledMs, isFree }: { stalledMs: number; isFree: boolean }) {
    const stage = createStage({ concurrency: 1 });
    stage.take(0, 3);
    if (isFree) stage.place.running = 0;
    stage.stall(stalledMs);
    return stage;
  }

  test("have another moment where slots are free", async () => {
    const { clock, place, back } = waiting({ stalledMs: 30, isFree: true });
    await clock.advance(LONGEST_WAIT_MS);
    expect(back).toEqual([]);
    expect(place.isClogged).toBe(false);
    await clock.advance(AIM_MS - 1);
    expect(back).toEqual([]);
    await clock.advance(1);
    expect(back).toEqual([2]);
  });

  test("have no second one, however long it goes on", async () => {
    const { clock, back, stall } = waiting({ stalledMs: 30, isFree: true });
    await clock.advance(LONGEST_WAIT_MS);
    stall(30);
    await clock.advance(AIM_MS);
    expect(back).toEqual([2]);
  });

  test.each([
    { stalledMs: 30, isFree: false, goBack: [1, 2] },
    { stalledMs: 0, isFree: true, goBack: [2] },
  ])("have none behind handlers that are slow (%o)", async ({ goBack, ...how }) => {
    const { clock, back } = waiting(how);
    await clock.advance(LONGEST_WAIT_MS);
    expect(back).toEqual(goBack);
  });
});

test("a line that is never empty goes on in order", () => {
  const line = new Line<number>();
  for (let n = 0; n < 3; n += 1) line.add(n);
  for (let n = 3; n < 10_000; n += 1) {
    line.add(n);
    expect(line.take()).toBe(n - 3);
  }
  expect(line.length).toBe(3);
  expect(line.takeAll()).toEqual([9_997, 9_998, 9_999]);
});

test("an attempt's end is the next one's beginning, unless its data were refused", async () => {
  const { clock, begunAt, ends, take } = createStage({ concurrency: 1 });
  take(0, 3);
  const startedAt = clock.monotonic();
  await clock.advance(5);
  // Its data were refused after 5 ms: it never began, and knows no later time.
  ends[0]!("dead");
  expect(begunAt).toEqual([startedAt, startedAt + 5]);
  ends[1]!();
  expect(begunAt[2]).toBe(startedAt + 5);
});
