/** Schedules: what is due, and what a look at the cursor makes of it; a simple model judges. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SchedulerError } from "../../src/core/errors.js";
import { checkRegister } from "../../src/core/options.js";
import {
  decodeDefinition,
  encodeDefinition,
  type FirePlan,
  MAX_JOBS_PER_PLAN,
  nextOccurrence,
  planFire,
  type ScheduleDefinition,
} from "../../src/core/schedule.js";

const START = Date.parse("2026-03-01T00:00:00Z");
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 1_440 * MINUTE;

function definitionOf(options: object): ScheduleDefinition {
  return checkRegister("report", options, { payloadLimitBytes: 1_000, timezone: "UTC" }).definition;
}

function plan(options: object, at: { cursorAt: number; now: number }): FirePlan {
  return planFire(definitionOf(options), { scheduleId: "nightly", ...at });
}

function instants({ jobs }: FirePlan): number[] {
  return jobs.map((job) => job.occurrence!.scheduledFor);
}

/** The rules of design, taken literally, over a list of all occurrences. */
function model(definition: ScheduleDefinition, at: { cursorAt: number; now: number }) {
  const due = [at.cursorAt];
  let next = nextOccurrence(definition, at.cursorAt);
  while (next !== null && next <= at.now) {
    due.push(next);
    next = nextOccurrence(definition, next);
  }
  const isLate = (ms: number) => at.now - ms > definition.misfireAfterMs;
  const eligible = due.filter((ms) => isLate(ms) && at.now - ms <= definition.catchupWindowMs);
  const most = { skip: 0, once: 1, all: definition.maxCatchup }[definition.misfire];
  const chosen = most === 0 ? [] : eligible.slice(-most);
  const fired = [...chosen, ...due.filter((ms) => !isLate(ms))];
  const missed = due.filter(isLate).length - chosen.length;
  const jobs = fired.slice(0, MAX_JOBS_PER_PLAN);
  return {
    fired: jobs,
    missed,
    missedCounts: jobs.map((ms, index) => (index === 0 && isLate(ms) ? missed : 0)),
    catchups: jobs.map(isLate),
    nextAt: fired[MAX_JOBS_PER_PLAN] ?? next,
  };
}

const timing = fc.constantFrom(
  { every: "1s" },
  { every: 1_700 },
  { every: "7m" },
  { cronExpr: "*/10 * * * * *" },
  { cronExpr: "* * * * *", timezone: "Europe/Berlin" },
  { cronExpr: "0,20,40 1-3 * * *", timezone: "Europe/Berlin" },
  { cronExpr: "0 9 * * MON-FRI", timezone: "America/New_York" },
);
const span = fc.constantFrom(0, 1, 500, 5 * SECOND, MINUTE, 7 * MINUTE, 3 * 60 * MINUTE);

describe("planFire", () => {
  it("decides as the rules say, whatever the policy, window and outage", () => {
    const cases = fc.record({
      timing,
      misfire: fc.constantFrom("skip", "once", "all"),
      misfireAfter: fc.constantFrom(SECOND, 5 * SECOND, MINUTE, 7 * MINUTE),
      catchupWindow: span,
      maxCatchup: fc.constantFrom(1, 2, 5, 100, 150),
      outage: fc.oneof(span, fc.integer({ min: 0, max: 4 * 60 * MINUTE })),
      offset: fc.integer({ min: 0, max: 40 * DAY }),
    });
    fc.assert(
      fc.property(cases, ({ timing, outage, offset, ...options }) => {
        const definition = definitionOf({ ...timing, ...options });
        const cursorAt = nextOccurrence(definition, START + offset)!;
        const at = { cursorAt, now: cursorAt + outage };
        const found = planFire(definition, { scheduleId: "nightly", ...at });
        expect({
          fired: instants(found),
          missed: found.missed,
          missedCounts: found.jobs.map((job) => job.occurrence!.missedCount),
          catchups: found.jobs.map((job) => job.occurrence!.isCatchup),
          nextAt: found.nextAt,
        }).toEqual(model(definition, at));
      }),
      { numRuns: 400, seed: 4 },
    );
  });

  it("fires each occurrence at most once, and in order, over many looks", () => {
    const options = { every: "1s", misfire: "all", catchupWindow: "10m", maxCatchup: 250 };
    let cursorAt = START;
    const fired: number[] = [];
    for (let now = START + 400 * SECOND; now < START + 500 * SECOND; now += 900) {
      const { jobs, nextAt } = plan(options, { cursorAt, now });
      fired.push(...jobs.map((job) => job.occurrence!.scheduledFor));
      cursorAt = nextAt!;
    }
    expect(fired).toEqual([...new Set(fired)].sort((a, b) => a - b));
    expect(fired.at(-1)).toBe(Math.floor((START + 499 * SECOND) / SECOND) * SECOND);
  });

  it("makes nothing while the cursor is ahead", () => {
    const at = { cursorAt: START + 1, now: START };
    expect(plan({ every: "1s" }, at)).toEqual({ jobs: [], nextAt: START + 1, missed: 0 });
  });

  it("fires the cursor itself, even when the definition has changed since", () => {
    const found = plan({ cronExpr: "0 3 * * *" }, { cursorAt: START + 7, now: START + 8 });
    expect(instants(found)).toEqual([START + 7]);
    expect(found.nextAt).toBe(START + 3 * 60 * MINUTE);
  });

  it("makes jobs that carry the schedule's options and the occurrence", () => {
    const options = { every: "5s", data: { a: 1 }, retry: 3, priority: 2, timeout: "1s" };
    const { jobs } = plan(options, { cursorAt: START, now: START });
    expect(jobs).toEqual([
      {
        taskId: "report",
        id: null,
        payload: '{"a":1}',
        due: null,
        rules: {
          retry: { attempts: 3, waitMs: 10_000, backoff: "fixed" },
          priority: 2,
          timeoutMs: 1_000,
        },
        occurrence: {
          scheduleId: "nightly",
          scheduledFor: START,
          isCatchup: false,
          missedCount: 0,
        },
      },
    ]);
  });

  it("after five minutes without anybody, a daily report fires once, as late", () => {
    const late = plan({ cronExpr: "0 0 * * *" }, { cursorAt: START, now: START + 4 * MINUTE });
    expect(late.jobs[0]!.occurrence).toMatchObject({ isCatchup: true, missedCount: 0 });
    const tooLate = plan({ cronExpr: "0 0 * * *" }, { cursorAt: START, now: START + 6 * MINUTE });
    expect(tooLate).toEqual({ jobs: [], nextAt: START + DAY, missed: 1 });
  });

  it.each(["skip", "once", "all"])(
    "a year without anybody, one occurrence a second, policy %s: counted exactly, at once",
    (misfire) => {
      const seconds = 365 * 86_400;
      for (const timing of [
        { every: "1s" },
        { cronExpr: "* * * * * *", timezone: "Europe/Berlin" },
      ]) {
        const options = { ...timing, misfire, catchupWindow: "365d", maxCatchup: 10_000 };
        const at = { cursorAt: START, now: START + seconds * SECOND };
        const started = process.hrtime.bigint();
        const found = plan(options, at);
        expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(500);
        // 60 s are not late yet, and the second that is exactly 60 s old is not, either.
        const late = seconds - 60;
        const kept = { skip: 0, once: 1, all: 10_000 }[misfire]!;
        expect(found.missed).toBe(late - kept);
        expect(found.jobs.length).toBe(misfire === "all" ? 100 : kept + 61);
        const first = misfire === "all" ? late - 10_000 : late - kept;
        expect(instants(found)[0]).toBe(START + first * SECOND);
      }
    },
  );

  it("ends with endAt", () => {
    const options = { every: "1m", endAt: START + 2 * MINUTE };
    const found = plan(options, { cursorAt: START + MINUTE, now: START + 2.5 * MINUTE });
    expect(instants(found)).toEqual([START + MINUTE, START + 2 * MINUTE]);
    expect(found.nextAt).toBeNull();
    const late = plan(options, { cursorAt: START, now: START + DAY });
    expect(late).toEqual({ jobs: [], nextAt: null, missed: 3 });
  });
});

describe("nextOccurrence", () => {
  it("counts intervals from startAt, or from the epoch, the same everywhere", () => {
    const every = definitionOf({ every: "7s" });
    expect(nextOccurrence(every, 1_000_000_000_000)! % 7_000).toBe(0);
    const anchored = definitionOf({ every: "7s", startAt: START });
    expect(nextOccurrence(anchored, 0)).toBe(START);
    expect(nextOccurrence(anchored, START)).toBe(START + 7_000);
    expect(nextOccurrence(anchored, START + 6_999)).toBe(START + 7_000);
  });

  it("keeps to startAt and endAt, both included", () => {
    const daily = definitionOf({
      cronExpr: "0 0 * * *",
      startAt: START,
      endAt: new Date(START + DAY),
    });
    expect(nextOccurrence(daily, 0)).toBe(START);
    expect(nextOccurrence(daily, START)).toBe(START + DAY);
    expect(nextOccurrence(daily, START + DAY)).toBeNull();
  });
});

describe("definitions as text", () => {
  it("the same definition gives the same text, whatever the order of options", () => {
    const a = definitionOf({ cronExpr: "0 3 * * *", data: { x: 1 }, retry: true, tz: "UTC" });
    const b = definitionOf({
      timezone: "UTC",
      retry: true,
      data: { x: 1 },
      cronExpr: " 0 3 * * * ",
    });
    expect(encodeDefinition(a)).toBe(encodeDefinition(b));
    const c = definitionOf({ cronExpr: "0 4 * * *", data: { x: 1 }, retry: true, tz: "UTC" });
    expect(encodeDefinition(c)).not.toBe(encodeDefinition(a));
  });

  it("comes back as it was", () => {
    for (const options of [
      { cronExpr: "@daily", startAt: START, endAt: START + DAY, misfire: "all" },
      { every: "5s", retry: { attempts: 2, backoff: "exponential" }, data: 'ü"\n' },
    ]) {
      const definition = definitionOf(options);
      expect(decodeDefinition(encodeDefinition(definition))).toEqual(definition);
    }
  });

  it.each([
    ["", "STORE_DAMAGED"],
    ["null", "STORE_DAMAGED"],
    ["{}", "STORE_DAMAGED"],
    ['{"v":2}', "LAYOUT_NEWER"],
  ])("%j is refused: %s", (text, code) => {
    expect(() => decodeDefinition(text)).toThrow(SchedulerError);
    expect(() => decodeDefinition(text)).toThrow(`[${code}]`);
  });
});
