/** Plans: what a look at a due cursor decides; a simple model over all occurrences judges. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkRegister } from "../../../src/core/options.js";
import {
  type FirePlan,
  isExcluded,
  jitterOf,
  MAX_FIRES_PER_PLAN,
  nextOccurrence,
  type Passing,
  type PlanAt,
  planFire,
  type ScheduleRule,
} from "../../../src/core/schedule.js";

const START = Date.parse("2026-03-01T00:00:00Z");
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 1_440 * MINUTE;
const ID = "nightly";

/** So often may a plan ask its rule, whatever lies behind: a search, and no walk. */
const MOST_ASKED = 2_000;

function ruleOf(options: object): ScheduleRule {
  const context = { payloadLimitBytes: 1_000, timezone: "UTC" };
  return checkRegister("report", options, context).definition;
}

function plan(options: object, at: Omit<PlanAt, "scheduleId">): FirePlan {
  return planFire(ruleOf(options), { scheduleId: ID, ...at });
}

/** A rule that counts how often it is asked for anything. */
function counted(rule: ScheduleRule): { rule: ScheduleRule; asked: () => number } {
  let asked = 0;
  const get = (target: ScheduleRule, name: string | symbol): unknown => {
    asked += 1;
    return Reflect.get(target, name);
  };
  return { rule: new Proxy(rule, { get }), asked: () => asked };
}

function fired({ decisions }: FirePlan) {
  return decisions.filter((each) => each.kind === "fire");
}

function instants(found: FirePlan): number[] {
  return fired(found).map((each) => each.scheduledFor);
}

function passed(found: FirePlan, reason: Passing["reason"]): number {
  let count = 0;
  for (const each of found.decisions) {
    if (each.kind === "pass" && each.reason === reason) count += each.count;
  }
  return count;
}

/** The rules of the design, taken literally, over a list of all occurrences. */
function model(rule: ScheduleRule, at: PlanAt & { cursorAt: number }) {
  const now = at.now - jitterOf(ID, rule);
  const until = (at.pausedUntil ?? 0) - jitterOf(ID, rule);
  const all: number[] = [];
  for (let due: number | null = at.cursorAt; due !== null && due <= now; ) {
    all.push(due);
    due = nextOccurrence(rule, due);
  }
  const paused = all.filter((ms) => ms < until);
  const rest = all.filter((ms) => ms >= until);
  const isLate = (ms: number) => now - ms > rule.misfireAfterMs;
  const plain = rest.filter((ms) => !isExcluded(rule, ms));
  const eligible = plain.filter((ms) => isLate(ms) && now - ms <= rule.catchupWindowMs);
  const most = { skip: 0, once: 1, all: rule.maxCatchup }[rule.misfire];
  const chosen = most === 0 ? [] : eligible.slice(-most);
  const firing = [...chosen, ...plain.filter((ms) => !isLate(ms))];
  const left = rule.limit === undefined ? Number.POSITIVE_INFINITY : rule.limit - at.firedCount!;
  const missed = plain.filter(isLate).length - chosen.length;
  const isOver = firing.length >= left;
  const fires = firing.slice(0, Math.min(MAX_FIRES_PER_PLAN, left));
  const last = all.at(-1);
  return {
    fires,
    catchups: fires.map(isLate),
    missedCounts: fires.map((ms, index) => (index === 0 && isLate(ms) ? missed : 0)),
    missed,
    paused: paused.length,
    nextAt: isOver
      ? null
      : (firing[fires.length] ?? (last === undefined ? at.cursorAt : nextOccurrence(rule, last))),
    excluded: rest.filter((ms) => isExcluded(rule, ms) && !(ms > (firing[fires.length] ?? now)))
      .length,
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

const excluded = fc.constantFrom(
  {},
  {},
  { exclude: "2026-03-02" },
  { exclude: { from: START + 5 * MINUTE, to: START + 11 * MINUTE } },
  { exclude: ["2026-03-03", { from: "2026-03-05", to: "2026-03-06" }, "2026-04-01"] },
);

describe("planFire", () => {
  it("decides as the rules say, whatever the policy, window, pause and outage", () => {
    const cases = fc.record({
      timing,
      excluded,
      misfire: fc.constantFrom("skip", "once", "all"),
      misfireAfter: fc.constantFrom(SECOND, 5 * SECOND, MINUTE, 7 * MINUTE),
      catchupWindow: span,
      maxCatchup: fc.constantFrom(1, 2, 5, 100, 150),
      limit: fc.constantFrom(undefined, undefined, 1, 3, 1_000),
      jitter: fc.constantFrom(undefined, "3s", "10m"),
      outage: fc.oneof(span, fc.integer({ min: 0, max: 4 * 60 * MINUTE })),
      pausedFor: fc.constantFrom(null, null, 0, SECOND, 3 * MINUTE, DAY),
      offset: fc.integer({ min: 0, max: 40 * DAY }),
    });
    fc.assert(
      fc.property(cases, ({ timing, excluded, outage, offset, pausedFor, ...options }) => {
        const rule = ruleOf({ ...timing, ...excluded, ...options });
        const cursorAt = nextOccurrence(rule, START + offset)!;
        const dueAt = cursorAt + jitterOf(ID, rule);
        const pausedUntil = pausedFor === null ? null : Math.min(dueAt + pausedFor, dueAt + outage);
        const at = { scheduleId: ID, cursorAt, now: dueAt + outage, pausedUntil, firedCount: 0 };
        const found = planFire(rule, at);
        const expected = model(rule, at);
        expect({
          fires: instants(found),
          catchups: fired(found).map((each) => each.isCatchup),
          missedCounts: fired(found).map((each) => each.missedCount),
          missed: passed(found, "misfire"),
          paused: passed(found, "paused"),
          nextAt: found.nextAt,
          excluded: expected.nextAt === null ? expected.excluded : passed(found, "excluded"),
        }).toEqual(expected);
      }),
      { numRuns: 600, seed: 4 },
    );
  });

  it("fires each occurrence at most once, and in order, over many looks", () => {
    const options = { every: "1s", misfire: "all", catchupWindow: "10m", maxCatchup: 250 };
    let cursorAt = START;
    const all: number[] = [];
    for (let now = START + 400 * SECOND; now < START + 500 * SECOND; now += 900) {
      const found = plan(options, { cursorAt, now });
      all.push(...instants(found));
      cursorAt = found.nextAt!;
    }
    expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
    expect(all.at(-1)).toBe(Math.floor((START + 499 * SECOND) / SECOND) * SECOND);
  });

  it("makes nothing while the cursor is ahead", () => {
    const at = { cursorAt: START + 1, now: START };
    expect(plan({ every: "1s" }, at)).toEqual({ decisions: [], nextAt: START + 1 });
  });

  it("fires the cursor itself, even when the definition has changed since", () => {
    const found = plan({ cronExpr: "0 3 * * *" }, { cursorAt: START + 7, now: START + 8 });
    expect(instants(found)).toEqual([START + 7]);
    expect(found.nextAt).toBe(START + 3 * 60 * MINUTE);
  });

  it("after five minutes without anybody, a daily report fires once, as late", () => {
    const late = plan({ cronExpr: "0 0 * * *" }, { cursorAt: START, now: START + 4 * MINUTE });
    expect(fired(late)).toMatchObject([{ isCatchup: true, missedCount: 0 }]);
    const tooLate = plan({ cronExpr: "0 0 * * *" }, { cursorAt: START, now: START + 6 * MINUTE });
    const row = { kind: "pass", reason: "misfire", from: START, to: START, count: 1 };
    expect(tooLate).toEqual({ decisions: [row], nextAt: START + DAY });
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
        expect(passed(found, "misfire")).toBe(late - kept);
        expect(fired(found).length).toBe(misfire === "all" ? 100 : kept + 61);
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
    const row = { reason: "misfire", from: START, to: START + 2 * MINUTE, count: 3 };
    expect(late).toMatchObject({ decisions: [row], nextAt: null });
  });

  it("a function excludes on time and late, and is asked a bounded number of times", () => {
    let asked = 0;
    const excludes = (at: number): boolean => {
      asked += 1;
      return at % (2 * MINUTE) !== 0;
    };
    const options = { every: "1m", misfire: "all", catchupWindow: "365d", misfireAfter: "1m" };
    const onTime = plan(options, { cursorAt: START, now: START + MINUTE, excludes });
    expect(instants(onTime)).toEqual([START]);
    expect(passed(onTime, "excluded")).toBe(1);
    asked = 0;
    const late = plan(options, { cursorAt: START, now: START + 300 * DAY, excludes });
    expect(asked).toBeLessThan(1_100);
    expect(fired(late)).toHaveLength(100);
    expect(instants(late).every((at) => at % (2 * MINUTE) === 0)).toBe(true);
  });

  it("a year that is excluded is passed in bounded steps", () => {
    const exclude = { from: START, to: START + 365 * DAY };
    const found = plan(
      { every: "1s", exclude },
      { cursorAt: START, now: START + 365 * DAY + 10 * SECOND },
    );
    expect(passed(found, "excluded")).toBe(365 * 86_400 + 1);
    expect(instants(found)).toHaveLength(10);
  });

  it.each([
    ["every 100 ms", { every: "100ms" }, 100],
    ["each second", { cronExpr: "* * * * * *", timezone: "Europe/Berlin" }, SECOND],
  ])("a year that is excluded is passed in one step, %s, late or on time", (_, timing, stepMs) => {
    const to = START + 365 * DAY;
    for (const misfireAfter of ["1s", "1h", "366d"]) {
      const { rule, asked } = counted(
        ruleOf({ ...timing, misfireAfter, exclude: { from: START, to } }),
      );
      const count = (to - START) / stepMs + 1;
      expect(planFire(rule, { scheduleId: ID, cursorAt: START, now: to })).toEqual({
        decisions: [{ kind: "pass", reason: "excluded", from: START, to, count }],
        nextAt: to + stepMs,
      });
      expect(asked()).toBeLessThan(MOST_ASKED);
    }
  });

  it("plans by what the schedule says, one after the other: a hundred, then the rest", () => {
    const options = { every: "1s", misfire: "all", catchupWindow: "10m", maxCatchup: 250 };
    const now = START + 400 * SECOND;
    let cursorAt: number | null = START;
    const rounds: FirePlan[] = [];
    while (cursorAt !== null && cursorAt <= now) {
      const found = plan(options, { cursorAt, now });
      rounds.push(found);
      cursorAt = found.nextAt;
    }
    expect(rounds.map((each) => fired(each).length)).toEqual([100, 100, 100, 11]);
    expect(rounds.map((each) => passed(each, "misfire"))).toEqual([90, 0, 0, 0]);
  });
});
