/** Local times, days of clock changes and beginnings of days, as a preview shows them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeNear, localTime, startOfDay } from "../../src/core/cron/local.js";
import { parseCron } from "../../src/core/cron.js";
import { localAt } from "./slow-cron.js";

const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/Sao_Paulo",
  "America/St_Johns",
  "America/Nuuk",
  "Australia/Lord_Howe",
  "Africa/Cairo",
  "Pacific/Apia",
  "Pacific/Kiritimati",
  "Antarctica/Troll",
];

describe("localTime", () => {
  it.each([
    ["Europe/Berlin", "2026-03-29T00:59:59.999Z", "2026-03-29 01:59:59", "+01:00"],
    ["Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29 03:00:00", "+02:00"],
    ["Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25 02:30:00", "+02:00"],
    ["Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25 02:30:00", "+01:00"],
    ["Australia/Lord_Howe", "2026-04-04T15:00:00Z", "2026-04-05 01:30:00", "+10:30"],
    ["America/St_Johns", "2026-01-01T00:00:00Z", "2025-12-31 20:30:00", "-03:30"],
    ["Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01 05:45:00", "+05:45"],
    ["UTC", "1969-12-31T23:59:59Z", "1969-12-31 23:59:59", "+00:00"],
    ["Europe/Berlin", "1880-01-01T00:00:00Z", "1880-01-01 00:53:28", "+00:53:28"],
  ])("%s at %s: %s %s", (zone, at, text, offset) => {
    expect(localTime(zone, Date.parse(at))).toEqual({ text, offset });
  });

  it("is what Intl shows, and its parts give the instant back", () => {
    const instant = fc.integer({ min: 0, max: Date.parse("2040-01-01T00:00:00Z") / 1_000 });
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), instant, (zone, seconds) => {
        const { text, offset } = localTime(zone, seconds * 1_000);
        expect(Date.parse(`${text.replace(" ", "T")}Z`)).toBe(localAt(zone, seconds * 1_000));
        // Of some zones the local mean time lasted until after 1970; it has seconds.
        if (offset.length === 6) {
          expect(Date.parse(`${text.replace(" ", "T")}${offset}`)).toBe(seconds * 1_000);
        }
      }),
      { numRuns: 1_000, seed: 20260329 },
    );
  });
});

describe("changeNear", () => {
  it.each([
    ["Europe/Berlin", "2026-03-28T22:59:59Z", null],
    ["Europe/Berlin", "2026-03-28T23:00:00Z", "forward"],
    ["Europe/Berlin", "2026-03-29T21:59:59Z", "forward"],
    ["Europe/Berlin", "2026-03-29T22:00:00Z", null],
    ["Europe/Berlin", "2026-10-24T22:00:00Z", "back"],
    ["Europe/Berlin", "2026-10-25T22:59:59Z", "back"],
    ["Europe/Berlin", "2026-10-25T23:00:00Z", null],
    ["Australia/Lord_Howe", "2026-04-04T20:00:00Z", "back"],
    // The hour after midnight is missing.
    ["Africa/Cairo", "2026-04-23T21:59:59Z", null],
    ["Africa/Cairo", "2026-04-23T22:00:00Z", "forward"],
    ["Africa/Cairo", "2026-04-24T20:59:59Z", "forward"],
    // The hour before midnight comes twice.
    ["Africa/Cairo", "2026-10-28T21:00:00Z", "back"],
    ["Africa/Cairo", "2026-10-29T21:59:59Z", "back"],
    ["Africa/Cairo", "2026-10-29T22:00:00Z", null],
    // The hour before midnight is missing.
    ["America/Nuuk", "2026-03-29T00:30:00Z", "forward"],
    ["America/Nuuk", "2026-03-29T01:00:00Z", null],
    // A whole day is missing, and its neighbours are whole.
    ["Pacific/Apia", "2011-12-30T09:59:59Z", null],
    ["Pacific/Apia", "2011-12-30T10:00:00Z", "forward"],
    ["Pacific/Apia", "2011-12-31T10:00:00Z", null],
    // One minute of Sunday and 59 of Saturday come twice.
    ["America/St_Johns", "2010-11-06T12:00:00Z", "back"],
    ["America/St_Johns", "2010-11-07T12:00:00Z", "back"],
    ["Asia/Kathmandu", "2026-03-29T01:00:00Z", null],
    ["UTC", "2026-03-29T01:00:00Z", null],
  ])("%s at %s: %s", (zone, at, change) => {
    expect(changeNear(zone, Date.parse(at))).toBe(change);
  });

  it("is on twice a year of Berlin's days", () => {
    const days = Array.from({ length: 365 }, (_, day) =>
      startOfDay("Europe/Berlin", 2026, 1, day + 1),
    );
    const changes = days.map((ms) => changeNear("Europe/Berlin", ms)).filter((it) => it !== null);
    expect(changes).toEqual(["forward", "back"]);
  });
});

describe("startOfDay", () => {
  it.each([
    ["UTC", 2028, 2, 29, "2028-02-29T00:00:00Z"],
    ["Europe/Berlin", 2026, 3, 29, "2026-03-28T23:00:00Z"],
    ["Europe/Berlin", 2026, 3, 30, "2026-03-29T22:00:00Z"],
    ["America/New_York", 2026, 11, 2, "2026-11-02T05:00:00Z"],
    // Midnight is missing: 01:00 is the first there is.
    ["Africa/Cairo", 2026, 4, 24, "2026-04-23T22:00:00Z"],
    ["America/Sao_Paulo", 2018, 11, 4, "2018-11-04T03:00:00Z"],
    // The day before is an hour longer.
    ["Africa/Cairo", 2026, 10, 30, "2026-10-29T22:00:00Z"],
    ["America/Sao_Paulo", 2019, 2, 17, "2019-02-17T03:00:00Z"],
    // The gap ends at midnight.
    ["America/Nuuk", 2026, 3, 29, "2026-03-29T01:00:00Z"],
    // It began, went back into the day before, and began again.
    ["America/St_Johns", 2010, 11, 7, "2010-11-07T02:30:00Z"],
    ["Pacific/Apia", 2011, 12, 29, "2011-12-29T10:00:00Z"],
    ["Pacific/Apia", 2011, 12, 30, "2011-12-30T10:00:00Z"],
    ["Pacific/Apia", 2011, 12, 31, "2011-12-30T10:00:00Z"],
    ["Pacific/Kiritimati", 2026, 1, 1, "2025-12-31T10:00:00Z"],
    ["Etc/GMT+12", 2026, 1, 1, "2026-01-01T12:00:00Z"],
    ["Europe/Berlin", 2026, 4, 31, "2026-04-30T22:00:00Z"],
  ])("%s, %d-%d-%d: %s", (zone, year, month, day, at) => {
    expect(new Date(startOfDay(zone, year, month, day)).toISOString()).toBe(
      new Date(at).toISOString(),
    );
  });

  it("is the first instant of its date, and a daily fixed time at midnight agrees", () => {
    const days = fc.integer({ min: 0, max: 21 * 365 });
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), days, (zone, day) => {
        const midnight = Date.UTC(2010, 0, 1 + day);
        const at = startOfDay(zone, 2010, 1, 1 + day);
        expect(localAt(zone, at)).toBeGreaterThanOrEqual(midnight);
        expect(localAt(zone, at - 1_000)).toBeLessThan(midnight);
        expect(parseCron("0 0 * * *", zone, "cronExpr").next(at - 1)).toBe(at);
      }),
      { numRuns: 2_000, seed: 20111230 },
    );
  });
});
