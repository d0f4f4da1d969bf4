/** A job that must run alone, among the pumps of several shards: nobody claims beside it. */
import { expect, test } from "vitest";
import type { Attempt } from "../../src/loops/attempt.js";
import { UNTIL_WOKEN } from "../../src/loops/loop.js";
import { Solo, type Soloist } from "../../src/loops/solo.js";
import { createTestClock } from "../../src/testing/clock.js";

const LEASE_MS = 10_000;
const ASK_AGAIN_MS = 1_000;
const TO_DRAIN = { drain: true, leaseMs: LEASE_MS };

interface Fake extends Soloist {
  occupied: boolean;
  stirred: number;
}

function join(solo: Solo): Fake {
  const pump: Fake = {
    occupied: false,
    stirred: 0,
    stir: () => {
      pump.stirred += 1;
    },
  };
  solo.join(pump);
  return pump;
}

test("told to drain by one shard, no other one claims until the job has run", () => {
  const clock = createTestClock();
  const solo = new Solo(clock);
  const [asked, other] = [join(solo), join(solo)];
  expect([solo.mayClaim(asked), solo.mayClaim(other)]).toEqual([true, true]);
  other.occupied = true;
  solo.answered(asked, TO_DRAIN);
  expect([solo.mayClaim(asked), solo.mayClaim(other)]).toEqual([false, false]);
  expect([solo.saysOf(asked).idle, solo.isReserved]).toEqual([false, true]);
  expect([solo.delayMs(other), solo.delayMs(asked)]).toEqual([LEASE_MS, ASK_AGAIN_MS]);
  other.occupied = false;
  solo.emptied(other);
  expect(asked.stirred).toBe(1);
  expect([solo.saysOf(asked).idle, solo.saysOf(other).idle]).toEqual([true, false]);
  expect([solo.mayClaim(asked), solo.mayClaim(other)]).toEqual([true, false]);
  solo.asks();
  expect([solo.mayClaim(asked), solo.mayClaim(other)]).toEqual([false, false]);
  const attempt = {} as Attempt;
  solo.asked(asked);
  solo.answered(asked, { ...TO_DRAIN, drain: false });
  solo.begins(attempt);
  expect([solo.mayClaim(asked), solo.mayClaim(other), solo.isReserved]).toEqual([
    false,
    false,
    true,
  ]);
  other.stirred = 0;
  solo.ended(attempt, asked);
  expect(other.stirred).toBe(1);
  expect([solo.mayClaim(asked), solo.mayClaim(other), solo.isReserved]).toEqual([
    true,
    true,
    false,
  ]);
});

test("a reservation that cannot be used lapses after a lease", async () => {
  const clock = createTestClock();
  const solo = new Solo(clock);
  const [asked, stuck] = [join(solo), join(solo)];
  stuck.occupied = true;
  solo.answered(asked, TO_DRAIN);
  await clock.advance(LEASE_MS);
  expect([solo.mayClaim(asked), solo.mayClaim(stuck)]).toEqual([true, true]);
  expect([solo.saysOf(asked).idle, solo.delayMs(asked)]).toEqual([false, UNTIL_WOKEN]);
});

test("while others run, only the one that was told asks again, each second", async () => {
  const clock = createTestClock();
  const solo = new Solo(clock);
  const [asked, other] = [join(solo), join(solo)];
  asked.occupied = true;
  for (let times = 0; times < 3; times += 1) {
    solo.answered(asked, TO_DRAIN);
    expect([solo.mayClaim(asked), solo.mayClaim(other)]).toEqual([false, false]);
    await clock.advance(ASK_AGAIN_MS);
    expect([solo.mayClaim(asked), solo.mayClaim(other)]).toEqual([true, false]);
    expect(solo.saysOf(asked)).toEqual({ idle: false, free: false });
  }
  solo.answered(asked, { ...TO_DRAIN, drain: false });
  expect([solo.mayClaim(asked), solo.mayClaim(other), other.stirred]).toEqual([true, true, 1]);
});
