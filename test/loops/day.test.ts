/**
 * A day at load, in the time that a hand-moved clock needs for it: what a fleet holds on to after
 * the first hours is all that it ever holds on to.
 */
import { expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { createSchedulerWith } from "../../src/create.js";
import { createMemoryDatabase, createSqliteStore } from "../../src/store/sqlite/store.js";
import { createTestClock, type TestClock } from "../../src/testing/clock.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PAUSE_MS = 20 * MINUTE;

const TABLES = "schedule ledger buffered registrant_set sleeper task job known_id lease".split(" ");

/** The clock of the test, and how many timers wait on it. */
function counting(clock: TestClock): { clock: TestClock; timers: () => number } {
  const waiting = new Set<object>();
  const after: TestClock["after"] = (ms, run, options) => {
    const mark = {};
    waiting.add(mark);
    const end = (then: () => void): void => {
      waiting.delete(mark);
      then();
    };
    const timer = clock.after(ms, () => end(run), options);
    return { cancel: () => end(() => timer.cancel()) };
  };
  return { clock: { ...clock, after }, timers: () => waiting.size };
}

function fleetOf(size: number) {
  const { clock, timers } = counting(createTestClock());
  const parts = { clock, chance: systemChance };
  const memory = createMemoryDatabase(parts);
  const hour = { age: "1h" } as const;
  const retention = { completed: hour, dead: hour, cancelled: hour };
  const options = { logger: false, pollInterval: "1m", idRetention: "1h", retention };
  let ran = 0;
  const schedulers = Array.from({ length: size }, () => {
    const identity = systemChance.identity();
    const own = { ...parts, identity, prefix: "day:", durability: "store" } as const;
    const store = createSqliteStore({ ...own, target: memory });
    const scheduler = createSchedulerWith({ ...parts, options, store, instanceId: identity });
    scheduler.bind("work", async (data: { fails?: boolean }) => {
      ran += 1;
      if (data?.fails) throw new Error("as it was told");
    });
    scheduler.register("work", { scheduleId: "minutely", every: "1m", overlap: "bufferOne" });
    scheduler.register("work", { scheduleId: "often", cronExpr: "*/2 * * * *", retry: 2 });
    return scheduler;
  });
  const rows = async (): Promise<Record<string, number>> => {
    const member = { identity: "counter" } as never;
    const counts: Record<string, number> = {};
    const asked = memory.database.submit({
      owner: member,
      mode: "read",
      step: (tx: { get<T>(sql: string): T | undefined }) => {
        for (const table of TABLES) {
          counts[table] = tx.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)?.n ?? -1;
        }
      },
    } as never);
    await clock.settle();
    await asked;
    return counts;
  };
  return { clock, timers, schedulers, rows, ran: () => ran };
}

type DayFleet = ReturnType<typeof fleetOf>;

/** Pushes of every kind, each twenty minutes. */
async function liveFor(fleet: DayFleet, ms: number): Promise<void> {
  const { clock, schedulers } = fleet;
  for (let passed = 0; passed < ms; passed += PAUSE_MS) {
    const by = schedulers[(passed / PAUSE_MS) % schedulers.length]!;
    const pushes = Array.from({ length: 20 }, (_, k) =>
      by.push("work", {
        data: { fails: k === 0 },
        ...(k < 5 ? { id: `${clock.now()} ${k}` } : {}),
        ...(k % 3 === 0 ? { delay: "5m" } : {}),
        ...(k < 2 ? { retry: { attempts: 3 }, retryTimeout: "1m" } : {}),
      }),
    );
    await clock.settle();
    const answers = await Promise.all(pushes);
    const cancelled = by.jobs.cancel("work", answers[9]?.id ?? "");
    await clock.settle();
    await cancelled;
    await clock.advance(PAUSE_MS);
  }
}

async function started(fleet: DayFleet): Promise<void> {
  const starting = Promise.all(fleet.schedulers.map((scheduler) => scheduler.start()));
  await fleet.clock.settle();
  await starting;
}

test("a day at load leaves no more rows, timers or listeners than its first hours", async () => {
  const fleet = fleetOf(2);
  await started(fleet);
  await liveFor(fleet, 4 * HOUR);
  const early = { rows: await fleet.rows(), timers: fleet.timers() };
  const ranEarly = fleet.ran();
  await liveFor(fleet, 20 * HOUR);
  const late = { rows: await fleet.rows(), timers: fleet.timers() };
  expect(fleet.ran()).toBeGreaterThan(ranEarly * 5);
  for (const table of TABLES) {
    expect(late.rows[table], `rows of ${table}`).toBeLessThanOrEqual(early.rows[table]! + 5);
  }
  expect(late.timers).toBeLessThanOrEqual(early.timers + 2);
  const stopped = Promise.all(fleet.schedulers.map((scheduler) => scheduler.stop()));
  await fleet.clock.advance(MINUTE);
  await stopped;
  expect(fleet.timers()).toBe(0);
}, 120_000);
