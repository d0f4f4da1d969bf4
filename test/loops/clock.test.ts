/** The hand-moved clock that users get from schedule-mq/testing. */
import { expect, test } from "vitest";
import { createTestClock } from "../../src/testing/index.js";

test("timers fire in the order of their instants, each at its own", async () => {
  const clock = createTestClock(1_000);
  const fired: [string, number, number][] = [];
  const note = (name: string) => () => void fired.push([name, clock.now(), clock.monotonic()]);
  clock.after(30, note("c"));
  clock.after(10, () => {
    note("a")();
    clock.after(5, note("b"));
  });
  clock.after(31, note("late"));
  await clock.advance(30);
  expect(fired).toEqual([
    ["a", 1_010, 10],
    ["b", 1_015, 15],
    ["c", 1_030, 30],
  ]);
});

test("a cancelled timer does not fire", async () => {
  const clock = createTestClock();
  let fired = false;
  clock
    .after(10, () => {
      fired = true;
    })
    .cancel();
  await clock.advance(100);
  expect(fired).toBe(false);
});

test("a jump moves the wall clock only", async () => {
  const clock = createTestClock(1_000_000);
  let fired = 0;
  clock.after(10, () => {
    fired += 1;
  });
  clock.jump(-500_000);
  expect([clock.now(), clock.monotonic(), fired]).toEqual([500_000, 0, 0]);
  await clock.advance(10);
  expect([clock.now(), clock.monotonic(), fired]).toEqual([500_010, 10, 1]);
});

test("what a timer sets off is done before time goes on", async () => {
  const clock = createTestClock();
  const seen: number[] = [];
  const takeTurns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) {
      await new Promise<void>((resolve) => clock.endOfTurn(resolve));
    }
    seen.push(clock.monotonic());
  };
  clock.after(10, () => void takeTurns());
  await clock.advance(1_000);
  expect(seen).toEqual([10]);
});
