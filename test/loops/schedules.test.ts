/** `scheduler.schedules`: made, paused, triggered, filled in and explained at run time. */
import { expect, test } from "vitest";
import { changedInfo } from "../../src/schedules/changed.js";
import type { Store } from "../../src/store/contract.js";
import { Fleet, type FleetMember } from "./fleet.js";
import { createScene, unreachable } from "./scene.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

async function bound(fleet = new Fleet(), takesMs = 0): Promise<[Fleet, FleetMember]> {
  const member = fleet.member("bound", [], { bind: ["t"], takesMs });
  await member.start();
  return [fleet, member];
}

test("a producer makes schedules, and whoever has bound the task fires them", async () => {
  const [fleet, member] = await bound();
  const startAt = fleet.now;
  const producer = fleet.member("producer");
  const { schedules } = producer.scheduler;
  for (const n of [1, 2, 3]) {
    const options = { scheduleId: `customer-${n}`, every: "1m", data: { n } } as const;
    const made = await fleet.settled(schedules.upsert("t", options));
    expect(made).toMatchObject({ kind: "runtime", nextAt: startAt + MINUTE, data: { n } });
  }
  await fleet.advance(MINUTE + SECOND);
  expect(fleet.ran.map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  expect(await fleet.settled(schedules.remove("customer-2"))).toBe(true);
  expect(await fleet.settled(schedules.remove("customer-2"))).toBe(false);
  await fleet.advance(MINUTE);
  expect(fleet.instants(startAt, "customer-2")).toEqual([MINUTE]);
  expect(fleet.instants(startAt, "customer-3")).toEqual([MINUTE, 2 * MINUTE]);
  await member.stop();
});

test("a change takes effect after what is due by the old rule, and only once", async () => {
  const [fleet, member] = await bound();
  const startAt = fleet.now;
  const { schedules } = member.scheduler;
  await fleet.settled(schedules.upsert("t", { every: "1m" }));
  await fleet.advance(MINUTE + SECOND);
  await fleet.settled(schedules.upsert("t", { every: "90s" }));
  await fleet.settled(schedules.upsert("t", { every: "90s" }));
  await fleet.advance(3 * MINUTE);
  // Multiples of 90 s since the epoch, as is the start
  expect(fleet.instants(startAt)).toEqual([60, 90, 180].map((s) => s * SECOND));
  await member.stop();
});

test("a pause skips what is due meanwhile, says why, and ends by itself at until", async () => {
  const [fleet, member] = await bound();
  const startAt = fleet.now;
  const { schedules } = member.scheduler;
  await fleet.settled(schedules.upsert("t", { every: "1m" }));
  await fleet.advance(MINUTE + SECOND);
  await fleet.settled(schedules.pause("t", { reason: "maintenance" }));
  await fleet.advance(3 * MINUTE);
  expect(await fleet.settled(schedules.explain("t"))).toContain(
    "is paused until it is resumed (maintenance)",
  );
  expect((await fleet.settled(schedules.get("t")))?.nextAt).toBeNull();
  await fleet.settled(schedules.resume("t"));
  await fleet.advance(MINUTE);
  expect(fleet.instants(startAt)).toEqual([MINUTE, 5 * MINUTE]);
  expect(await fleet.settled(schedules.explain("t", startAt + 3 * MINUTE))).toContain(
    "was skipped: the schedule was paused (one of 3 in a row)",
  );
  const paused = await fleet.settled(schedules.pause("t", { until: startAt + 8 * MINUTE }));
  expect(paused).toMatchObject({ nextAt: startAt + 8 * MINUTE });
  await fleet.advance(4 * MINUTE);
  expect(fleet.instants(startAt)).toEqual([1, 5, 8, 9].map((n) => n * MINUTE));
  await member.stop();
});

test("a change that is done is not called undone when the store is gone after it", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  const { schedules } = recorded.scheduler;
  recorded.before = ({ verb }) => {
    if (verb === "schedule") throw unreachable();
  };
  const unknown = { code: "STORE_NO_ANSWER", value: "s" };
  const made = schedules.upsert("t", { scheduleId: "s", every: "1m" });
  await expect(made).rejects.toMatchObject(unknown);
  await expect(schedules.pause("s")).rejects.toMatchObject(unknown);
  recorded.before = () => {};
  expect(await schedules.get("s")).toMatchObject({ taskId: "t", nextAt: null });
  await recorded.scheduler.stop();
});

test("what is on its way when a change is to be told is looked for once more", async () => {
  const scene = createScene();
  const { scheduler, store } = scene.scheduler();
  await scheduler.schedules.upsert("t", { scheduleId: "s", every: "1m" });
  const detail = await store.schedule({ scheduleId: "s" });
  const answers = [null, detail, null, null];
  const asked = { ...store, schedule: async () => answers.shift() ?? null } as Store;
  const told = () =>
    changedInfo({ store: asked, sleep: async () => {} }, { scheduleId: "s", call: "pause" });
  expect(await told()).toMatchObject({ kind: "runtime", scheduleId: "s" });
  const message = expect.stringContaining("pause(): done, but");
  await expect(told()).rejects.toMatchObject({ code: "SCHEDULE_UNKNOWN", message });
  expect(answers).toEqual([]);
  await scheduler.stop();
});

test("a trigger fires beside the rule, while paused, too, and keeps to overlap", async () => {
  const [fleet, member] = await bound(new Fleet(), 90 * SECOND);
  const { schedules } = member.scheduler;
  await fleet.settled(schedules.upsert("t", { every: "1h", overlap: "skip" }));
  await fleet.settled(schedules.pause("t"));
  const first = await fleet.settled(schedules.trigger("t"));
  expect(first).toMatchObject({ outcome: "fired" });
  await fleet.advance(SECOND);
  expect(await fleet.settled(schedules.trigger("t"))).toEqual({
    outcome: "skipped",
    reason: "overlap",
  });
  const waits = await fleet.settled(schedules.trigger("t", { overlap: "bufferAll" }));
  expect(waits).toEqual({ outcome: "waiting" });
  await fleet.advance(4 * MINUTE);
  expect(fleet.ran).toHaveLength(2);
  const stopped = member.scheduler.stop();
  await fleet.advance(MINUTE);
  await stopped;
});

test("a backfill runs what was missed, once, and nothing that had fired", async () => {
  const fleet = new Fleet();
  const startAt = fleet.now;
  const code = [["t", { every: "1h", misfire: "skip" }]] as const;
  const before = fleet.member("before", code);
  await before.start();
  await fleet.advance(3 * HOUR + SECOND);
  await before.stop();
  await fleet.advance(5 * HOUR);
  const after = fleet.member("after", code);
  await after.start();
  await fleet.advance(SECOND);
  const { schedules } = after.scheduler;
  const missed = await fleet.settled(schedules.explain("t", startAt + 5 * HOUR));
  expect(missed).toContain("was missed");
  const span = { from: startAt, to: startAt + 8 * HOUR };
  const filled = await fleet.settled(schedules.backfill("t", span));
  const hours = (instants: number[]) => instants.map((at) => (at - startAt) / HOUR);
  expect(hours(filled.fired.map(({ scheduledFor }) => scheduledFor))).toEqual([0, 4, 5, 6, 7]);
  expect(hours(filled.skipped)).toEqual([1, 2, 3, 8]);
  await fleet.advance(SECOND);
  expect(hours(fleet.ran.map((ran) => ran.scheduledFor))).toEqual([1, 2, 3, 8, 0, 4, 5, 6, 7]);
  const again = await fleet.settled(schedules.backfill("t", span));
  expect([again.fired, again.skipped.length]).toEqual([[], 9]);
  const filledIn = await fleet.settled(schedules.explain("t", startAt + 5 * HOUR));
  expect(filledIn).toContain("was filled in later");
  await after.stop();
});

test("a schedule in live code can be paused, not changed or removed", async () => {
  const fleet = new Fleet();
  const member = fleet.member("code", [["t", { every: "1h" }]]);
  await member.start();
  const { schedules } = member.scheduler;
  const call = (promise: Promise<unknown>) => expect(fleet.settled(promise)).rejects;
  await call(schedules.remove("t")).toMatchObject({ code: "SCHEDULE_IN_CODE" });
  await call(schedules.upsert("t", { every: "2h" })).toMatchObject({ code: "SCHEDULE_IN_CODE" });
  await call(schedules.pause("no")).toMatchObject({ code: "SCHEDULE_UNKNOWN" });
  await fleet.settled(schedules.pause("t", { reason: "why not" }));
  await member.stop();
  // A deploy with another definition does not end the pause.
  const next = fleet.member("next", [["t", { every: "10m" }]]);
  await next.start();
  await fleet.advance(HOUR);
  expect(fleet.ran).toEqual([]);
  await next.stop();
});

test("plan says what a program would add, change and leave behind, before it starts", async () => {
  const fleet = new Fleet();
  const startAt = fleet.now;
  const running = fleet.member("running", [
    ["same", { every: "1h" }],
    ["other", { every: "1h" }],
    ["gone", { every: "1h" }],
  ]);
  await running.start();
  await fleet.settled(running.scheduler.schedules.upsert("made", { every: "1h" }));
  const coming = fleet.member("coming", [
    ["same", { every: "1h" }],
    ["other", { every: "2h" }],
    ["new", { cronExpr: "30 4 * * *", timezone: "UTC" }],
  ]);
  const plan = await fleet.settled(coming.scheduler.schedules.plan());
  expect(plan.unchanged).toEqual(["same"]);
  expect(plan.added).toMatchObject([{ scheduleId: "new" }]);
  expect(plan.added[0]?.next.map(({ local }) => local.slice(11))).toEqual(
    Array.from({ length: 5 }, () => "04:30:00"),
  );
  const [changed] = plan.changed;
  expect(changed?.before.map(({ at }) => (at - startAt) / HOUR)).toEqual([0, 1, 2, 3, 4]);
  expect(changed?.next.map(({ at }) => (at - startAt) / HOUR)).toEqual([0, 2, 4, 6, 8]);
  expect(plan.orphaned).toMatchObject([{ scheduleId: "gone", live: true }]);
  await running.stop();
});

test("a preview marks the nights on which clocks are changed", async () => {
  const [fleet, member] = await bound();
  const rule = { cronExpr: "30 2 * * *", timezone: "Europe/Berlin" };
  const from = new Date("2026-03-28T00:00:00Z");
  const found = await fleet.settled(member.scheduler.schedules.preview(rule, { count: 3, from }));
  expect(found.map(({ local, offset, clockChange }) => [local, offset, clockChange])).toEqual([
    ["2026-03-28 02:30:00", "+01:00", null],
    ["2026-03-29 03:00:00", "+02:00", "forward"],
    ["2026-03-30 02:30:00", "+02:00", null],
  ]);
  await member.stop();
});

test("what is wrong with an argument is said at the door", async () => {
  const [fleet, member] = await bound();
  const { schedules } = member.scheduler;
  const call = (promise: Promise<unknown>) => expect(fleet.settled(promise)).rejects;
  const withFunction = { every: "1h", exclude: () => true } as const;
  await call(schedules.upsert("t", withFunction)).toThrow("exclude is a function");
  await call(schedules.pause("t", { why: "x" } as never)).toThrow('unknown option "why"');
  await call(schedules.backfill("t", { from: 5 } as never)).toThrow("[OPTION_MISSING]");
  const future = { from: fleet.now, to: fleet.now + HOUR };
  await fleet.settled(schedules.upsert("t", { every: "1s" }));
  await call(schedules.backfill("t", future)).toThrow("to is in the future");
  const long = { from: fleet.now - HOUR, to: fleet.now };
  await call(schedules.backfill("t", long)).toThrow("use spans with at most 1000");
  await call(schedules.explain("t", "now" as never)).toThrow("at must be a Date or epoch ms");
  await member.stop();
});

test("an exclude function is asked where it is, for previews and backfills, too", async () => {
  const fleet = new Fleet();
  const startAt = fleet.now;
  const exclude = (at: Date): boolean => at.getUTCHours() % 2 === 1;
  const own = fleet.member("own", [["t", { every: "1h", exclude }]]);
  await own.start();
  const other = fleet.member("other");
  await fleet.advance(3 * HOUR + SECOND);
  const hours = (instants: number[]) => instants.map((at) => (at - startAt) / HOUR);
  const { schedules } = own.scheduler;
  const next = await fleet.settled(schedules.preview("t", { count: 2 }));
  expect(hours(next.map(({ at }) => at))).toEqual([4, 6]);
  expect((await fleet.settled(schedules.get("t")))?.nextAt).toBe(startAt + 4 * HOUR);
  const span = { from: startAt - 2 * HOUR, to: fleet.now };
  const filled = await fleet.settled(schedules.backfill("t", span));
  expect(hours(filled.fired.map(({ scheduledFor }) => scheduledFor))).toEqual([-2, 0]);
  const elsewhere = fleet.settled(other.scheduler.schedules.backfill("t", span));
  await expect(elsewhere).rejects.toMatchObject({
    code: "OPTION_CONFLICT",
  });
  await own.stop();
});

test("what was paused stands in the ledger, also when the rule changes meanwhile", async () => {
  const [fleet, member] = await bound();
  const startAt = fleet.now;
  const { schedules } = member.scheduler;
  await fleet.settled(schedules.upsert("t", { every: "1m" }));
  await fleet.advance(MINUTE + SECOND);
  await fleet.settled(schedules.pause("t"));
  await fleet.advance(10 * MINUTE);
  await fleet.settled(schedules.upsert("t", { every: "1m", data: 2 }));
  await fleet.advance(2 * MINUTE);
  expect(fleet.ran).toHaveLength(1);
  await fleet.settled(schedules.resume("t"));
  await fleet.advance(MINUTE);
  const ledger = await fleet.settled(schedules.ledger("t"));
  const rows = ledger.map(({ outcome, count }) => [outcome, count]);
  expect(rows).toEqual([
    ["fired", 1],
    ["skipped", 12],
    ["fired", 1],
  ]);
  expect(fleet.instants(startAt)).toEqual([MINUTE, 14 * MINUTE]);
  await member.stop();
});
