/** Cron expressions: language-neutral vectors, and a slow walk over the clocks as the judge. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CronRule, parseCron } from "../../src/core/cron.js";
import { slowOccurrences } from "./slow-cron.js";

interface CronCase {
  name: string;
  cronExpr: string;
  timezone: string;
  after: string;
  next: string[];
}

const vectors = JSON.parse(
  readFileSync(new URL("../../protocol/cases/cron.json", import.meta.url), "utf8"),
) as CronCase[];

const DAY_MS = 86_400_000;

function rule(expr: string, zone: string): CronRule {
  return parseCron(expr, zone, "cronExpr");
}

function occurrences(expr: string, zone: string, span: { from: number; to: number }): number[] {
  const found: number[] = [];
  let at = rule(expr, zone).next(span.from);
  while (at !== null && at <= span.to) {
    found.push(at);
    at = rule(expr, zone).next(at);
  }
  return found;
}

function shown(instants: readonly number[]): string[] {
  return instants.map((ms) => new Date(ms).toISOString());
}

describe("protocol/cases/cron.json", () => {
  it.each(vectors)("$name ($cronExpr, $timezone)", ({ cronExpr, timezone, after, next }) => {
    const expected = shown(next.map((text) => Date.parse(text)));
    let at = Date.parse(after);
    const found = next.map(() => {
      at = rule(cronExpr, timezone).next(at) ?? Number.NaN;
      return at;
    });
    expect(shown(found)).toEqual(expected);
  });

  it.each(vectors)("the slow walk agrees: $name", ({ cronExpr, timezone, after, next }) => {
    const from = Date.parse(after);
    const to = Date.parse(next.at(-1)!);
    expect(shown(slowOccurrences(cronExpr, timezone, { from, to }))).toEqual(
      shown(next.map((text) => Date.parse(text))),
    );
  });
});

/** One clock change each: the middle of the days that are walked. */
const CHANGES: readonly { zone: string; at: string }[] = [
  { zone: "Europe/Berlin", at: "2026-03-29T01:00:00Z" },
  { zone: "Europe/Berlin", at: "2026-10-25T01:00:00Z" },
  { zone: "America/New_York", at: "2026-03-08T07:00:00Z" },
  { zone: "America/New_York", at: "2026-11-01T06:00:00Z" },
  { zone: "Australia/Lord_Howe", at: "2026-04-04T15:00:00Z" },
  { zone: "Australia/Lord_Howe", at: "2026-10-03T15:30:00Z" },
  { zone: "Asia/Jerusalem", at: "2026-03-27T00:00:00Z" },
  { zone: "Africa/Cairo", at: "2026-04-23T22:00:00Z" },
  { zone: "America/Santiago", at: "2026-09-06T04:00:00Z" },
  { zone: "Antarctica/Troll", at: "2026-03-29T01:00:00Z" },
  // 23 hours came twice.
  { zone: "Pacific/Kwajalein", at: "1969-09-30T13:00:00Z" },
  { zone: "Pacific/Apia", at: "2011-12-30T10:00:00Z" },
  { zone: "UTC", at: "2028-02-29T00:00:00Z" },
];

/** Any field: a star, a step, or a list of values, ranges and stepped ranges. */
function field(min: number, max: number, weights = { star: 2, step: 1 }): fc.Arbitrary<string> {
  const value = fc.integer({ min, max });
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.integer({ min: 1, max: max - min });
  const item = fc.oneof(
    { weight: 4, arbitrary: value.map(String) },
    { weight: 2, arbitrary: range },
    { weight: weights.step, arbitrary: fc.tuple(range, step).map(([r, s]) => `${r}/${s}`) },
    { weight: weights.step, arbitrary: fc.tuple(value, step).map(([v, s]) => `${v}/${s}`) },
  );
  const list = fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(","));
  return fc.oneof(
    { weight: weights.star, arbitrary: fc.constant("*") },
    { weight: weights.step, arbitrary: step.map((s) => `*/${s}`) },
    { weight: 4, arbitrary: list },
  );
}

const openDays = fc.constant("* * *");
const anyDays = fc
  .tuple(
    fc.oneof(fc.constant("*"), field(1, 28), fc.constantFrom("L", "LW", "15W", "1W")),
    fc.oneof(fc.constant("*"), field(1, 12)),
    fc.oneof(fc.constant("*"), field(0, 7), fc.constantFrom("1#2", "5L", "SUN#1", "6#5")),
  )
  .map((parts) => parts.join(" "));

const wildcards = fc
  .tuple(field(0, 59), field(0, 23), fc.oneof(openDays, anyDays))
  .map((parts) => parts.join(" "));
/** Hours around those at which clocks change. */
const fixedTimes = fc
  .tuple(
    field(0, 59, { star: 0, step: 0 }),
    field(0, 4, { star: 0, step: 0 }),
    fc.oneof(openDays, anyDays),
  )
  .map((parts) => parts.join(" "))
  // A weight of 0 still leaves the bare step.
  .filter((expr) => !/[*/]/.test(expr.split(" ").slice(0, 2).join("")));

describe("around clock changes", () => {
  it.each(CHANGES)("$zone at $at: next is what the slow walk finds", ({ zone, at }) => {
    const middle = Date.parse(at);
    const span = { from: middle - 1.5 * DAY_MS, to: middle + 1.5 * DAY_MS };
    fc.assert(
      fc.property(fc.oneof(fixedTimes, wildcards), (expr) => {
        expect(shown(occurrences(expr, zone, span))).toEqual(
          shown(slowOccurrences(expr, zone, span)),
        );
      }),
      { numRuns: 30, seed: 20260329 },
    );
  });

  it.each(CHANGES)(
    "$zone at $at: from any instant, next is the first one after it",
    ({ zone, at }) => {
      const middle = Date.parse(at);
      const instant = fc.integer({ min: middle - DAY_MS, max: middle + DAY_MS });
      fc.assert(
        fc.property(fc.oneof(fixedTimes, wildcards), instant, (expr, from) => {
          const to = middle + 2 * DAY_MS;
          const expected = slowOccurrences(expr, zone, { from, to }, 1)[0];
          const found = rule(expr, zone).next(from);
          if (expected !== undefined) expect(found).toBe(expected);
          else if (found !== null) expect(found).toBeGreaterThan(to);
        }),
        { numRuns: 30, seed: 20261025 },
      );
    },
  );

  it.each(CHANGES)("$zone at $at: count counts what next finds", ({ zone, at }) => {
    const middle = Date.parse(at);
    const instant = fc.integer({ min: middle - DAY_MS, max: middle + DAY_MS });
    fc.assert(
      fc.property(fc.oneof(fixedTimes, wildcards), instant, instant, (expr, a, b) => {
        const from = Math.min(a, b);
        const to = Math.max(a, b);
        const found = occurrences(expr, zone, { from: from - 1, to: to - 1 });
        expect(rule(expr, zone).count(from, to)).toBe(found.length);
      }),
      { numRuns: 40, seed: 20260404 },
    );
  });
});

describe("cron", () => {
  it("finds in a whole year exactly what the slow walk finds", () => {
    const span = {
      from: Date.parse("2026-01-01T00:00:00Z"),
      to: Date.parse("2027-01-01T00:00:00Z"),
    };
    for (const [expr, zone] of [
      ["30 1,2 * * *", "Europe/Berlin"],
      ["0 */6 * * 1-5", "America/New_York"],
      ["15 2 L,15W * 5L", "Australia/Lord_Howe"],
    ] as const) {
      const found = occurrences(expr, zone, span);
      expect(shown(found)).toEqual(shown(slowOccurrences(expr, zone, span)));
      expect(rule(expr, zone).count(span.from + 1, span.to + 1)).toBe(found.length);
    }
  });

  it("grows strictly over years, with seconds", () => {
    const expr = "*/7 59 23 L * *";
    let at = Date.parse("2026-01-01T00:00:00Z");
    for (let step = 0; step < 500; step++) {
      const next = rule(expr, "Europe/Berlin").next(at)!;
      expect(next).toBeGreaterThan(at);
      at = next;
    }
  });

  it("counts a year of seconds in less than a second", () => {
    const from = Date.parse("2026-01-01T00:00:00Z");
    const started = process.hrtime.bigint();
    expect(rule("* * * * * *", "Europe/Berlin").count(from, from + 365 * DAY_MS)).toBe(31_536_000);
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(1_000);
  });

  it("knows which expressions name fixed times", () => {
    expect(rule("0,30 2-4 * * *", "UTC").fixedTime).toBe(true);
    expect(rule("*/30 2 * * *", "UTC").fixedTime).toBe(false);
    expect(rule("0 * * * *", "UTC").fixedTime).toBe(false);
    expect(rule("* 0 3 * * *", "UTC").fixedTime).toBe(false);
    expect(rule("5/10 3 * * *", "UTC").fixedTime).toBe(false);
  });

  it("comes to an end at the end of dates instead of running for ever", () => {
    expect(rule("0 0 1 1 *", "Europe/Berlin").next(Date.parse("9999-06-01T00:00:00Z"))).toBeNull();
  });
});
