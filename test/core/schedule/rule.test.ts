/** Rules: their instants, their text, their spread. */
import { describe, expect, it } from "vitest";
import { SchedulerError } from "../../../src/core/errors.js";
import { checkRegister } from "../../../src/core/options.js";
import {
  countOccurrences,
  decodeRule,
  encodeRule,
  jitterOf,
  nextOccurrence,
  nextToFire,
  occurrencesBetween,
  type ScheduleRule,
} from "../../../src/core/schedule.js";

const START = Date.parse("2026-03-01T00:00:00Z");
const DAY = 86_400_000;

function ruleOf(options: object): ScheduleRule {
  const context = { payloadLimitBytes: 1_000, timezone: "UTC" };
  const { payload: _, ...rule } = checkRegister("report", options, context).definition;
  return rule;
}

describe("nextOccurrence", () => {
  it("counts intervals from startAt, or from the epoch, the same everywhere", () => {
    const every = ruleOf({ every: "7s" });
    expect(nextOccurrence(every, 1_000_000_000_000)! % 7_000).toBe(0);
    const anchored = ruleOf({ every: "7s", startAt: START });
    expect(nextOccurrence(anchored, 0)).toBe(START);
    expect(nextOccurrence(anchored, START)).toBe(START + 7_000);
    expect(nextOccurrence(anchored, START + 6_999)).toBe(START + 7_000);
  });

  it("keeps to startAt and endAt, both included", () => {
    const daily = ruleOf({
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
    const a = ruleOf({ cronExpr: "0 3 * * *", data: { x: 1 }, retry: true, tz: "UTC" });
    const b = ruleOf({
      timezone: "UTC",
      retry: true,
      data: { x: 1 },
      cronExpr: " 0 3 * * * ",
    });
    expect(encodeRule(a)).toBe(encodeRule(b));
    const c = ruleOf({ cronExpr: "0 4 * * *", data: { x: 1 }, retry: true, tz: "UTC" });
    expect(encodeRule(c)).not.toBe(encodeRule(a));
  });

  it("comes back as it was", () => {
    for (const options of [
      { cronExpr: "@daily", startAt: START, endAt: START + DAY, misfire: "all" },
      { every: "5s", retry: { attempts: 2, backoff: "exponential" }, data: 'ü"\n' },
    ]) {
      const definition = ruleOf(options);
      expect(decodeRule(encodeRule(definition))).toEqual(definition);
    }
  });

  it.each([
    ["", "STORE_DAMAGED"],
    ["null", "STORE_DAMAGED"],
    ["{}", "STORE_DAMAGED"],
    ['{"v":2}', "LAYOUT_NEWER"],
  ])("%j is refused: %s", (text, code) => {
    expect(() => decodeRule(text)).toThrow(SchedulerError);
    expect(() => decodeRule(text)).toThrow(`[${code}]`);
  });
});

describe("exclude", () => {
  const days = (rule: ScheduleRule, from: number, count: number): string[] => {
    const found: string[] = [];
    let at = nextToFire(rule, from - 1);
    while (at !== null && found.length < count) {
      found.push(new Date(at).toISOString());
      at = nextToFire(rule, at);
    }
    return found;
  };

  it("dates are local dates of the schedule's zone, whole", () => {
    const rule = ruleOf({
      cronExpr: "0 */6 * * *",
      timezone: "Europe/Berlin",
      exclude: ["2026-03-29"],
    });
    // 23 hours long, from 23:00 UTC to 22:00 UTC
    expect(rule.exclude).toEqual([
      [Date.parse("2026-03-28T23:00:00Z"), Date.parse("2026-03-29T22:00:00Z")],
    ]);
    expect(days(rule, Date.parse("2026-03-28T17:00:00Z"), 2)).toEqual([
      "2026-03-28T17:00:00.000Z",
      "2026-03-29T22:00:00.000Z",
    ]);
  });

  it("spans have both ends, touch as one, and may be instants", () => {
    const rule = ruleOf({
      every: "1d",
      exclude: [
        { from: "2026-03-03", to: "2026-03-04" },
        "2026-03-05",
        { from: START + 6 * DAY, to: new Date(START + 6 * DAY) },
      ],
    });
    expect(rule.exclude).toHaveLength(2);
    expect(days(rule, START, 4)).toEqual(
      ["01", "02", "06", "08"].map((day) => `2026-03-${day}T00:00:00.000Z`),
    );
  });

  it("a schedule of which nothing is left is refused", () => {
    const options = { every: "1d", startAt: START, endAt: START + DAY };
    const exclude = { from: "2026-02-01", to: "2026-04-01" };
    expect(() => ruleOf({ ...options, exclude })).toThrow("[CRON_NEVER_FIRES]");
  });
});

describe("spread and spans", () => {
  it("jitter is the same for one id everywhere, and spreads ids", () => {
    const rule = { jitterMs: 60_000 };
    expect(jitterOf("nightly", rule)).toBe(jitterOf("nightly", rule));
    const all = Array.from({ length: 1_000 }, (_, n) => jitterOf(`customer-${n}`, rule));
    expect(Math.max(...all)).toBeLessThan(60_000);
    const tenths = new Set(all.map((ms) => Math.floor(ms / 6_000)));
    expect(tenths.size).toBe(10);
    expect(jitterOf("nightly", {})).toBe(0);
  });

  it("counting, listing and walking agree", () => {
    for (const options of [
      { every: "7m", startAt: START + 1 },
      { cronExpr: "*/13 3,4 * * *", timezone: "Europe/Berlin", endAt: START + 30 * DAY },
    ]) {
      const rule = ruleOf(options);
      const walked: number[] = [];
      let at = nextOccurrence(rule, START - 1);
      while (at !== null && at < START + 40 * DAY) {
        walked.push(at);
        at = nextOccurrence(rule, at);
      }
      expect([...occurrencesBetween(rule, START, START + 40 * DAY)]).toEqual(walked);
      expect(countOccurrences(rule, START, START + 40 * DAY)).toBe(walked.length);
    }
  });
});
