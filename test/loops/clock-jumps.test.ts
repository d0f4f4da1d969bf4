/** Schedules when the clock jumps: nothing fires twice, and what is missed is the policy's. */
import { expect, test } from "vitest";
import { Fleet } from "./fleet.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const POLICIES = [
  ["skip", 0],
  ["once", 1],
  ["all", 5],
] as const;

test.each(POLICIES)(
  "an hour forward, misfire %s: each at most once, and %i of the late ones",
  async (misfire, caughtUp) => {
    const fleet = new Fleet();
    const startAt = fleet.now;
    const code = [["t", { every: "1m", misfire, maxCatchup: 5, catchupWindow: "1h" }]] as const;
    const members = ["a", "b", "c"].map((name) => fleet.member(name, code));
    for (const member of members) await member.start();
    await fleet.advance(3 * MINUTE + SECOND);
    fleet.world.clock.jump(HOUR);
    await fleet.advance(3 * MINUTE);
    const minutes = fleet.instants(startAt).map((at) => at / MINUTE);
    expect(new Set(minutes).size).toBe(minutes.length);
    expect(fleet.ran.filter(({ isCatchup }) => isCatchup)).toHaveLength(caughtUp);
    const ledger = await fleet.settled(members[0]!.scheduler.schedules.ledger("t"));
    let decided = 0;
    for (const { count } of ledger) decided += count;
    const missed = ledger.filter(({ outcome }) => outcome === "missed");
    expect(decided).toBe(66);
    expect(missed.map(({ count }) => count)).toEqual([66 - minutes.length]);
    for (const member of members) await member.stop();
  },
);

test("an hour back: nothing fires again, and all goes on where it was", async () => {
  const fleet = new Fleet();
  const startAt = fleet.now;
  const code = [["t", { every: "1m" }]] as const;
  const members = ["a", "b"].map((name) => fleet.member(name, code));
  for (const member of members) await member.start();
  await fleet.advance(3 * MINUTE + SECOND);
  fleet.world.clock.jump(-HOUR);
  // A restart registers again, by a clock at which those that fired are yet to come.
  await members[0]!.stop();
  await members[0]!.start();
  await fleet.advance(HOUR + 2 * MINUTE);
  expect(fleet.instants(startAt).map((at) => at / MINUTE)).toEqual([1, 2, 3, 4, 5]);
  for (const member of members) await member.stop();
});

test("a jump does not flip a definition back, in either direction", async () => {
  const fleet = new Fleet();
  const old = fleet.member("old", [["t", { every: "1m", data: "old" }]]);
  const young = fleet.member("young", [["t", { every: "1m", data: "new" }]]);
  await old.start();
  await young.start();
  for (const jump of [HOUR, -HOUR, HOUR]) {
    fleet.world.clock.jump(jump);
    await fleet.advance(2 * MINUTE);
  }
  await fleet.advance(HOUR);
  expect(fleet.ran.length).toBeGreaterThan(60);
  expect(fleet.ran.filter(({ data }) => data === "old")).toEqual([]);
  const instants = fleet.instants(0);
  expect(new Set(instants).size).toBe(instants.length);
  await old.stop();
  await young.stop();
});
