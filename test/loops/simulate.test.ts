/** Simulation: the same timeline as real schedulers leave behind, and quickly. */
import { expect, test } from "vitest";
import { type Simulated, simulate } from "../../src/testing/index.js";
import type { RegisterOptions } from "../../src/types.js";
import { Fleet } from "./fleet.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const CODE: readonly (readonly [string, RegisterOptions])[] = [
  ["every", { every: "17m", misfire: "all", maxCatchup: 3, catchupWindow: "2h" }],
  ["daily", { cronExpr: "30 1 * * *", timezone: "Europe/Berlin", limit: 2 }],
  ["busy", { every: "10m", overlap: "skip", misfire: "skip" }],
  ["waits", { every: "10m", overlap: "bufferOne" }],
  ["spread", { every: "1h", jitter: "20m", exclude: "2026-03-29" }],
];
const TAKES_MS = 25 * MINUTE;
const START = Date.parse("2026-03-28T12:00:00Z");

/** Everything that a ledger knows, too. */
function shown({ outcome, reason, scheduledFor, lastAt, count }: Simulated | Ledgered) {
  const why = outcome === "skipped" || outcome === "missed" ? reason : null;
  return {
    outcome,
    why,
    from: (scheduledFor - START) / MINUTE,
    to: (lastAt - START) / MINUTE,
    count,
  };
}

type Ledgered = Pick<Simulated, "outcome" | "scheduledFor" | "lastAt" | "count"> & {
  reason: string | null;
};

test("says what real schedulers then do, with an outage, clock changes and long jobs", {
  timeout: 60_000,
}, async () => {
  const fleet = new Fleet(START);
  const first = fleet.member("first", CODE, { takesMs: TAKES_MS });
  const down = { from: START + 9 * HOUR + 1, to: START + 13 * HOUR };
  const simulated = simulate(first.scheduler, {
    from: START,
    to: START + 26 * HOUR,
    down: [down],
    takes: TAKES_MS,
  });
  await first.start();
  await fleet.advance(9 * HOUR);
  const stopping = first.scheduler.stop();
  // Its jobs go on for longer than it waits for them, and end.
  await fleet.advance(4 * HOUR);
  await stopping;
  const second = fleet.member("second", CODE, { takesMs: TAKES_MS });
  await second.start();
  await fleet.advance(13 * HOUR - 1);
  for (const scheduleId of ["every", "daily", "spread"]) {
    const ledger = await fleet.settled(second.scheduler.schedules.ledger(scheduleId));
    const own = simulated.filter((each) => each.scheduleId === scheduleId);
    const wanted = own.filter(({ scheduledFor }) => scheduledFor > START);
    const kept = wanted.slice(-ledger.length).map(shown);
    expect(ledger.filter((each) => each.scheduledFor > START).map(shown)).toEqual(kept);
  }
  const stopped = second.scheduler.stop();
  await fleet.advance(HOUR);
  await stopped;
});

test("overlap policies with long jobs", () => {
  const scheduler = new Fleet(START).member("any", CODE).scheduler;
  const all = simulate(scheduler, { from: START, to: START + HOUR + 1, takes: TAKES_MS });
  const of = (id: string) => all.filter((each) => each.scheduleId === id).map(shown);
  expect(of("busy").map(({ outcome, from, count }) => [outcome, from, count])).toEqual([
    ["fired", 0, 1],
    ["skipped", 10, 2],
    ["fired", 30, 1],
    ["skipped", 40, 2],
    ["fired", 60, 1],
  ]);
  expect(of("waits").map(({ outcome, from }) => [outcome, from])).toEqual([
    ["fired", 0],
    ["skipped", 20],
    ["fired", 10],
    ["skipped", 40],
    ["fired", 30],
    ["skipped", 60],
  ]);
});

test("a year of ten schedules takes well under a second of computing", { timeout: 60_000 }, () => {
  const fleet = new Fleet(START);
  const crons = ["0 3 * * *", "*/5 * * * *", "0 * * * *", "30 2 * * MON", "0 0 1 * *"];
  const code = crons.flatMap((cronExpr, n) =>
    ["UTC", "Europe/Berlin"].map((timezone): [string, RegisterOptions] => [
      `${timezone}-${n}`,
      { cronExpr, timezone },
    ]),
  );
  const { scheduler } = fleet.member("any", code, { bind: [] });
  const year = { from: START, to: START + 365 * DAY };
  const best = Math.min(
    ...[1, 2, 3].map(() => {
      // Not the time that passes: other processes take their part of that.
      const began = process.cpuUsage();
      expect(simulate(scheduler, year).length).toBeGreaterThan(220_000);
      const { user } = process.cpuUsage(began);
      return user / 1_000;
    }),
  );
  expect(best).toBeLessThan(1_000);
});
