/** A fleet that registers: who fires what, which definition is in force, orphans. */
import { expect, test } from "vitest";
import { Fleet } from "./fleet.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const EVERY_MINUTE = { every: "1m" } as const;

test("who has bound the task fires the schedules of programs that are gone", async () => {
  const fleet = new Fleet();
  const startAt = fleet.now;
  const registering = fleet.member("registering", [["t", EVERY_MINUTE]]);
  const bound = fleet.member("bound", [], { bind: ["t"] });
  await registering.start();
  await bound.start();
  await registering.stop();
  await fleet.advance(3 * MINUTE + SECOND);
  expect(fleet.instants(startAt)).toEqual([MINUTE, 2 * MINUTE, 3 * MINUTE]);
  expect(fleet.ran.every(({ by }) => by === "bound")).toBe(true);
  await bound.stop();
});

test("a deploy moves forward once; an old instance does not flip it back", async () => {
  const fleet = new Fleet();
  const old = fleet.member("old", [["t", { every: "1m", data: "old" }]]);
  await old.start();
  await fleet.advance(2 * MINUTE + SECOND);
  const young = fleet.member("young", [["t", { every: "20s", data: "new" }]]);
  await young.start();
  await fleet.advance(SECOND);
  await old.stop();
  const again = fleet.member("again", [["t", { every: "1m", data: "old" }]]);
  await again.start();
  const before = fleet.ran.length;
  await fleet.advance(2 * MINUTE);
  const since = fleet.ran.slice(before);
  expect(since.map(({ data }) => data)).toEqual(Array.from({ length: 6 }, () => "new"));
  expect(young.of("schedule:conflict")).toHaveLength(1);
  expect(again.of("schedule:conflict")).toMatchObject([{ scheduleId: "t" }]);
  await young.stop();
  await again.stop();
});

test("a rollback works when the last new instance is gone", async () => {
  const fleet = new Fleet();
  const young = fleet.member("young", [["t", { every: "20s", data: "new" }]]);
  const old = fleet.member("old", [["t", { every: "1m", data: "old" }]]);
  // The old version was there first, then the new one.
  await old.start();
  await young.start();
  await fleet.advance(MINUTE + SECOND);
  expect(fleet.ran.at(-1)?.data).toBe("new");
  await young.stop();
  await fleet.advance(2 * MINUTE);
  fleet.ran.length = 0;
  const from = fleet.now;
  await fleet.advance(3 * MINUTE);
  expect(fleet.ran.map(({ data }) => data)).toEqual(["old", "old", "old"]);
  const minutes = fleet.instants(0).map((at) => at % MINUTE);
  expect([minutes, fleet.instants(from).length]).toEqual([[0, 0, 0], 3]);
  await old.stop();
});

test("definitions that alternate around due times lose and double no occurrence", async () => {
  const fleet = new Fleet();
  const startAt = fleet.now;
  const definitions = [{ every: "10s", data: 1 } as const, { every: "10s", data: 2 } as const];
  for (let n = 0; n < 30; n += 1) {
    const member = fleet.member(`m${n}`, [["t", definitions[n % 2]!]]);
    await member.start();
    await fleet.advance(n % 3 === 0 ? 5_003 : 4_998);
    await member.stop();
  }
  const last = fleet.member("last", [["t", definitions[0]!]]);
  await last.start();
  await fleet.advance(20 * SECOND);
  await last.stop();
  const expected = Array.from({ length: 16 }, (_, n) => (n + 1) * 10 * SECOND);
  expect(fleet.instants(startAt).slice(0, 16)).toEqual(expected);
});

test("an orphan is paused after a day, and goes on when it is registered again", async () => {
  const fleet = new Fleet();
  const code = [["t", { every: "1h" }]] as const;
  const registering = fleet.member("registering", code);
  const bound = fleet.member("bound", [], { bind: ["t"] });
  await bound.start();
  await registering.start();
  await registering.stop();
  const goneAt = fleet.now;
  await fleet.advance(30 * HOUR);
  expect(fleet.instants(goneAt).length).toBe(24);
  expect(bound.of("schedule:orphaned")).toEqual([
    { scheduleId: "t", taskId: "t", action: "pause" },
  ]);
  const explained = await fleet.settled(bound.scheduler.schedules.explain("t"));
  expect(explained).toContain("no live scheduler has registered it for");
  const back = fleet.member("back", code);
  await back.start();
  await fleet.advance(3 * HOUR);
  // From the 30th hour on, whose occurrence is due as it comes back.
  expect(fleet.instants(goneAt).length).toBe(28);
  const ledger = await fleet.settled(back.scheduler.schedules.ledger("t"));
  expect(ledger.find(({ reason }) => reason === "orphaned")).toMatchObject({ count: 5 });
  await back.stop();
  await bound.stop();
});

test("orphan: keep goes on, remove removes; a run-time schedule is never an orphan", async () => {
  const fleet = new Fleet();
  const registering = fleet.member("registering", [
    ["keep", { every: "6h", orphan: "keep" }],
    ["remove", { every: "6h", orphan: "remove", orphanAfter: "10h" }],
  ]);
  const bound = fleet.member("bound", [], { bind: ["keep", "remove", "made"] });
  await bound.start();
  await registering.start();
  await fleet.settled(bound.scheduler.schedules.upsert("made", { every: "6h" }));
  await registering.stop();
  await fleet.advance(48 * HOUR);
  const { schedules } = await fleet.settled(bound.scheduler.schedules.list());
  expect(schedules.map(({ scheduleId, orphaned }) => [scheduleId, orphaned])).toEqual([
    ["keep", true],
    ["made", false],
  ]);
  expect(fleet.instants(0, "keep").length).toBe(8);
  expect(fleet.instants(0, "made").length).toBe(8);
  expect(fleet.instants(0, "remove").length).toBe(1);
  await bound.stop();
});

test("another task by the same id is refused while that is live, and follows then", async () => {
  const fleet = new Fleet();
  const before = fleet.member("before", [["a", { every: "1m", scheduleId: "s" }]]);
  const after = fleet.member("after", [["b", { every: "1m", scheduleId: "s" }]]);
  await before.start();
  await after.start();
  expect(after.of("error")).toMatchObject([{ code: "ALREADY_REGISTERED" }]);
  await fleet.advance(MINUTE + SECOND);
  expect(fleet.ran.map(({ by }) => by)).toEqual(["before"]);
  await before.stop();
  await fleet.advance(5 * MINUTE);
  expect(fleet.ran.at(-1)?.by).toBe("after");
  await after.stop();
});

test("a schedule with a function is fired only by those that registered it", async () => {
  const fleet = new Fleet();
  const exclude = (at: Date): boolean => at.getUTCMinutes() % 2 === 1;
  const own = fleet.member("own", [["t", { every: "1m", exclude }]]);
  const bound = fleet.member("bound", [], { bind: ["t"] });
  await bound.start();
  await own.start();
  await fleet.advance(4 * MINUTE + SECOND);
  expect(bound.of("schedule:fired")).toEqual([]);
  expect(own.of("schedule:fired")).toHaveLength(2);
  await own.stop();
  const stoppedAt = fleet.ran.length;
  await fleet.advance(4 * MINUTE);
  expect(fleet.ran.length).toBe(stoppedAt);
  expect(bound.of("error")).toEqual([]);
  await bound.stop();
});

test("what only a lost function could fire is all noted as missed by the next rule", async () => {
  const fleet = new Fleet();
  const exclude = (at: Date): boolean => at.getUTCMinutes() % 2 === 1;
  const before = fleet.member("before", [["t", { every: "1m", exclude }]]);
  const after = fleet.member("after", [["t", { every: "1h" }]]);
  await before.start();
  await fleet.advance(4 * MINUTE + SECOND);
  await before.stop();
  const stoppedAt = fleet.now;
  await fleet.advance(10 * MINUTE);
  await after.start();
  // After a time in which nobody looked, nobody counts as gone for a lease of 60 s.
  await fleet.advance(3 * MINUTE);
  const ledger = await fleet.settled(after.scheduler.schedules.ledger("t"));
  expect(ledger.filter((entry) => entry.outcome === "missed")).toMatchObject([
    { reason: "unattended", scheduledFor: stoppedAt + MINUTE - SECOND, count: 11 },
  ]);
  expect(after.of("schedule:missed")).toMatchObject([{ scheduleId: "t", count: 11 }]);
  await after.stop();
});

test("a pause that is over leaves what a function excludes to those that have it", async () => {
  const fleet = new Fleet();
  const exclude = (at: Date): boolean => at.getUTCMinutes() % 2 === 1;
  const before = fleet.member("before", [["t", { every: "1m", exclude }]]);
  const after = fleet.member("after", [["t", { every: "1h" }]]);
  await before.start();
  await fleet.advance(SECOND);
  const startAt = fleet.now - SECOND;
  await before.stop();
  const { schedules } = after.scheduler;
  await fleet.settled(schedules.pause("t"));
  await fleet.advance(4 * MINUTE);
  await fleet.settled(schedules.resume("t"));
  // Five minutes follow that are neither paused nor decided by anybody.
  await fleet.advance(5 * MINUTE);
  await after.start();
  await fleet.advance(3 * MINUTE);
  const ledger = await fleet.settled(schedules.ledger("t"));
  expect(ledger.slice(0, 2)).toMatchObject([
    { outcome: "skipped", reason: "paused", scheduledFor: startAt + MINUTE, count: 4 },
    { outcome: "missed", reason: "unattended", scheduledFor: startAt + 5 * MINUTE },
  ]);
  expect(fleet.ran.filter(({ scheduleId }) => scheduleId === "t")).toEqual([]);
  await after.stop();
});
