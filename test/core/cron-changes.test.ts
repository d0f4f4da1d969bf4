/** Cron around every clock change of twenty years, against the slow walk. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CronRule, parseCron } from "../../src/core/cron.js";
import { type ClockChange, DAY_S, zoneOf } from "../../src/core/zone.js";
import { localAt, slowOccurrences } from "./slow-cron.js";

const DAY_MS = DAY_S * 1_000;

const ZONES: readonly string[] = [
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Africa/Cairo",
  "America/Sao_Paulo",
  "Pacific/Apia",
  "Africa/Casablanca",
  "Asia/Jerusalem",
  "Asia/Kathmandu",
  "Pacific/Auckland",
  "Pacific/Chatham",
  "Antarctica/Troll",
  "Pacific/Kwajalein",
  // Changes at one minute past midnight until 2011.
  "America/St_Johns",
  // Forward at 24:00 on Saturday evening.
  "America/Nuuk",
  "America/Santiago",
  "Asia/Gaza",
  "Asia/Tehran",
  "Asia/Pyongyang",
  "America/Caracas",
  "Europe/Lisbon",
];

/** Hours at which clocks change somewhere; fixed times first. */
const EXPRESSIONS: readonly string[] = [
  "30 2 * * *",
  "0 0 * * *",
  "30 0 * * *",
  "59 23 * * *",
  "0,15,45 0-3,23 * * *",
  "5 1,2,3 * * *",
  "10-20 2-3 L * 7#1",
  "15 0,1,2,3,23 15W,L,1 * 7L",
  "0,30 0 2,3 * 3,4,10,11 SAT,SUN",
  "* * * * *",
  "*/20 0-3 * * *",
  "0 * * * *",
  "7/11 2 * * SUN",
  "30 */2 * * *",
  "*/30 0,30 23,0,1 * * FRI-SUN",
  "12 * LW * 0#5",
];

function rule(expr: string, zone: string): CronRule {
  return parseCron(expr, zone, "cronExpr");
}

function changesOf(zone: string, from: string, to: string): ClockChange[] {
  const found: ClockChange[] = [];
  for (let day = Date.parse(from) / DAY_MS; day < Date.parse(to) / DAY_MS; day++) {
    const change = zoneOf(zone).changeIn(day);
    if (change !== null) found.push(change);
  }
  return found;
}

function byNext(expr: string, zone: string, span: { from: number; to: number }): number[] {
  const found: number[] = [];
  const cron = rule(expr, zone);
  for (let at = cron.next(span.from); at !== null && at <= span.to; at = cron.next(at)) {
    if (at <= (found.at(-1) ?? span.from)) throw new Error(`${expr} in ${zone}: not after ${at}`);
    found.push(at);
  }
  return found;
}

/** What is in only one of the two lists, for reading. */
function difference(found: readonly number[], expected: readonly number[]): string[] {
  const show = (sign: string, list: readonly number[], other: readonly number[]): string[] =>
    list.filter((ms) => !other.includes(ms)).map((ms) => `${sign} ${new Date(ms).toISOString()}`);
  if (found.length === expected.length && found.every((ms, index) => ms === expected[index])) {
    return [];
  }
  return ["differs", ...show("+", found, expected), ...show("-", expected, found)];
}

describe("every clock change from 2010 to 2030", () => {
  it.each(ZONES)("%s", (zone) => {
    const wrong: string[] = [];
    for (const { at } of changesOf(zone, "2010-01-01", "2030-12-31")) {
      const middle = at * 1_000;
      const span = { from: middle - 1.2 * DAY_MS, to: middle + 1.2 * DAY_MS };
      for (const expr of EXPRESSIONS) {
        const found = byNext(expr, zone, span);
        const [from, to] = [span.from + 1, span.to + 1];
        const between = [...rule(expr, zone).between(from, to)];
        const count = rule(expr, zone).count(from, to);
        const where = `${expr} around ${new Date(middle).toISOString()}: `;
        for (const text of difference(found, slowOccurrences(expr, zone, span))) {
          wrong.push(`${where}${text}`);
        }
        for (const text of difference(between, found)) wrong.push(`${where}between ${text}`);
        if (count !== found.length) wrong.push(`${where}count ${count}, not ${found.length}`);
      }
    }
    expect(wrong.slice(0, 20)).toEqual([]);
  });

  it("are as many as the time zone database has", () => {
    const count = (zone: string): number => changesOf(zone, "2010-01-01", "2020-01-01").length;
    expect(count("Europe/Berlin")).toBe(20);
    expect(count("Australia/Lord_Howe")).toBe(20);
    // 2010 with a pause for Ramadan, 2014 as well; none from 2015 to 2022.
    expect(count("Africa/Cairo")).toBe(8);
    expect(count("Asia/Kathmandu")).toBe(0);
    expect(count("Asia/Pyongyang")).toBe(2);
    // The last one is that of February 2019.
    expect(count("America/Sao_Paulo")).toBe(19);
  });
});

describe("zones", () => {
  it("show at any instant what Intl shows", () => {
    const seconds = fc.integer({
      min: Date.parse("1970-01-02T00:00:00Z") / 1_000,
      max: Date.parse("2040-01-01T00:00:00Z") / 1_000,
    });
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), seconds, (zone, at) => {
        expect(zoneOf(zone).offsetAt(at)).toBe(localAt(zone, at * 1_000) / 1_000 - at);
      }),
      { numRuns: 2_000, seed: 20300101 },
    );
  });

  it("change at the second, not before and not after it", () => {
    for (const zone of ZONES) {
      for (const { at, before, after } of changesOf(zone, "2010-01-01", "2016-01-01")) {
        expect(localAt(zone, (at - 1) * 1_000) / 1_000 - (at - 1)).toBe(before);
        expect(localAt(zone, at * 1_000) / 1_000 - at).toBe(after);
      }
    }
  });
});

describe("between", () => {
  const zones = fc.constantFrom("Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "UTC");
  const instant = fc.integer({
    min: Date.parse("2026-01-01T00:00:00Z"),
    max: Date.parse("2026-12-31T00:00:00Z"),
  });
  const length = fc.integer({ min: -1_000, max: 3 * DAY_MS });

  it("is what next finds, from any instant on", () => {
    const expressions = fc.constantFrom(...EXPRESSIONS, "@daily", "0 0 31 * *", "*/7 * * * * *");
    fc.assert(
      fc.property(expressions, zones, instant, length, (expr, zone, from, size) => {
        const to = from + size;
        const found = byNext(expr, zone, { from: from - 1, to: to - 1 });
        expect(difference([...rule(expr, zone).between(from, to)], found)).toEqual([]);
      }),
      { numRuns: 300, seed: 20260101 },
    );
  });

  it("has its beginning and not its end", () => {
    const noon = Date.parse("2026-05-05T12:00:00Z");
    const daily = rule("0 12 * * *", "UTC");
    expect([...daily.between(noon, noon + DAY_MS)]).toEqual([noon]);
    expect([...daily.between(noon + 1, noon + DAY_MS)]).toEqual([]);
    expect([...daily.between(noon + 1, noon + DAY_MS + 1)]).toEqual([noon + DAY_MS]);
    expect([...daily.between(noon, noon)]).toEqual([]);
    expect([...daily.between(noon + DAY_MS, noon)]).toEqual([]);
  });

  it("finds no more than is asked for", () => {
    const endless = rule("0 0 29 2 *", "Europe/Berlin").between(0, Number.POSITIVE_INFINITY);
    const [first, second] = endless;
    expect([first, second].map((ms) => new Date(ms ?? 0).toISOString())).toEqual([
      "1972-02-28T23:00:00.000Z",
      "1976-02-28T23:00:00.000Z",
    ]);
  });

  it("starts at the gap, not before it, when asked from its end", () => {
    const gapEnd = Date.parse("2026-03-29T01:00:00Z");
    const nightly = rule("30 2 * * *", "Europe/Berlin");
    expect([...nightly.between(gapEnd, gapEnd + 1)]).toEqual([gapEnd]);
    expect([...nightly.between(gapEnd + 1, gapEnd + DAY_MS / 2)]).toEqual([]);
    expect([...nightly.between(gapEnd - DAY_MS / 24, gapEnd)]).toEqual([]);
  });
});
