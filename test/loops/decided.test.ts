/** What schedulers know to be decided, and what they make of schedules that are not theirs. */
import { expect, test } from "vitest";
import { Known } from "../../src/loops/known.js";
import type { DueSchedule, Look } from "../../src/store/contract.js";
import { Fleet } from "./fleet.js";
import { createScene } from "./scene.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function looked(now: number, due: readonly [string, number][], complete = true): Look {
  const schedules = due.map(([scheduleId, nextAt]) => ({ scheduleId, nextAt }) as DueSchedule);
  const nothing = { taskIds: [], expired: [], waitMs: 0, registrations: 0, repair: false };
  const sleep = { nextTaskId: null };
  return { ...nothing, ...sleep, schedules, complete, now };
}

test("who lost the race for an occurrence knows by the next look that it is decided", () => {
  const known = new Known();
  known.noteLook(looked(10_000, [["s", 9_000]]));
  expect(known.decidedAt("s", 0)).toBe(8_999);
  known.noteLook(looked(11_000, []));
  expect(known.decidedAt("s", 0)).toBe(11_000);
});

test("a look that does not list all that is due proves nothing about the rest", () => {
  const known = new Known();
  known.noteLook(looked(10_000, []));
  known.noteLook(looked(20_000, [], false));
  expect([known.now, known.decidedAt("s", 0), known.decidedAt("s", 500)]).toEqual([
    10_000, 10_000, 9_500,
  ]);
});

test("a definition that changes within the jitter of an occurrence does not lose it", async () => {
  const fleet = new Fleet();
  const startAt = fleet.now;
  const options = { every: "1h", jitter: "50m" } as const;
  const first = fleet.member("first", [["t", { ...options, data: 1 }]]);
  await first.start();
  await fleet.advance(2 * HOUR + SECOND);
  const second = fleet.member("second", [["t", { ...options, data: 2 }]]);
  await second.start();
  await fleet.advance(2 * HOUR);
  const hours = fleet.instants(startAt).map((at) => at / HOUR);
  expect(hours.slice(-3)).toEqual([1, 2, 3]);
  expect(new Set(hours).size).toBe(hours.length);
  await first.stop();
  await second.stop();
});

test("a definition that could not be read does not hide one that can, of the same id", async () => {
  const scene = createScene();
  const member = await scene.member({ bind: { t: () => {} } });
  const broken = { scheduleId: "s", taskId: "t", definition: '{"v":9}', digest: "0".repeat(16) };
  const rest = { payload: "", rules: { retry: null, priority: 0, timeoutMs: null } };
  const write = { ...broken, ...rest, overlap: "allow", local: false, jitterMs: 0 } as const;
  const now = scene.clock.now();
  const schedules = [{ ...write, firstAt: now + 1, decidedAt: null, generation: null }];
  await member.store.register({ registration: null, schedules });
  await scene.clock.advance(SECOND);
  await member.engine.watch.step();
  await member.store.remove({ scheduleId: "s", revision: null });
  const { scheduler } = scene.scheduler();
  const made = scheduler.schedules.upsert("t", { scheduleId: "s", every: "1m" });
  await scene.clock.settle();
  await made;
  await scene.clock.advance(MINUTE);
  await member.engine.watch.step();
  expect(member.told.filter(({ name }) => name === "schedule:fired")).toHaveLength(1);
});

test("orphans that may not be removed yet are no reason to look without a pause", async () => {
  const scene = createScene();
  const rule = { every: "1h", orphan: "remove", orphanAfter: "10h" };
  const registering = await scene.member({ register: [["t", rule]] });
  await registering.engine.watch.step();
  await scene.clock.advance(26 * HOUR);
  // Another one registers something else, so that everybody has a while to come back.
  const register: [string, object][] = [["u", { every: "1h" }]];
  const bound = await scene.member({ bind: { t: () => {}, u: () => {} }, register });
  const delays: number[] = [];
  for (let looks = 0; looks < 5; looks += 1) delays.push(await bound.engine.watch.step());
  expect(Math.max(...delays)).toBeGreaterThan(0);
});

test("a backfill leaves out what the ledger has forgotten", async () => {
  const fleet = new Fleet();
  const startAt = fleet.now;
  const member = fleet.member("a", [["t", { every: "1m" }]]);
  await member.start();
  await fleet.advance(3 * HOUR + SECOND);
  expect(fleet.ran).toHaveLength(180);
  const span = { from: startAt + MINUTE, to: startAt + 3 * HOUR };
  const filled = await fleet.settled(member.scheduler.schedules.backfill("t", span));
  expect([filled.fired, filled.skipped.length]).toEqual([[], 180]);
  await member.stop();
});
