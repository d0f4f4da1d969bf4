/** Cron expressions that would be much work: refused, or answered in bounded time. */
import { describe, expect, it } from "vitest";
import { parseCron } from "../../src/core/cron.js";

const FROM = Date.parse("2026-01-01T00:00:00Z");
const YEAR_MS = 365 * 86_400_000;

/** Each run has a zone of its own, because rules are kept. */
const ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "UTC"];

/** What has no bound takes seconds at least; what has one some ms, or many on a busy machine. */
const BOUNDED_MS = 200;

function milliseconds(work: () => unknown): number {
  const started = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - started) / 1e6;
}

/** The best of some runs: what else the machine does is not what is asked. */
function best(work: (run: number) => unknown): number {
  return Math.min(...ZONES.map((_, run) => milliseconds(() => work(run))));
}

function list(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index).join(",");
}

describe("what is refused", () => {
  it.each([
    ["0 0 30 2 *", "CRON_NEVER_FIRES"],
    ["0 0 31 2,4,6,9,11 *", "CRON_NEVER_FIRES"],
    ["0 0 31W 2,4,6,9,11 *", "CRON_NEVER_FIRES"],
    ["0 0 30,31 FEB *", "CRON_NEVER_FIRES"],
    ["0 0 30-31/1 2 ?", "CRON_NEVER_FIRES"],
    [`${"0,".repeat(130)}0 * * * *`, "CRON_INVALID"],
    [`${" ".repeat(300)}* * * * *`, "CRON_INVALID"],
    ["*/2/3 * * * *", "CRON_INVALID"],
    ["1-5-9 * * * *", "CRON_INVALID"],
    ["1/2/3/4/5/6/7/8 * * * *", "CRON_INVALID"],
    [`*/${"9".repeat(200)} * * * *`, "CRON_FIELD_RANGE"],
    [`0-${"9".repeat(200)} * * * *`, "CRON_FIELD_RANGE"],
    ["*/0 * * * *", "CRON_FIELD_RANGE"],
    ["*/00000 * * * *", "CRON_FIELD_RANGE"],
    [`${",".repeat(200)} * * * *`, "CRON_INVALID"],
    ["@".repeat(256), "CRON_INVALID"],
    [`${"((a+)+)+$".repeat(20)} * * * *`, "CRON_INVALID"],
    [`0 0 * * ${"SUN#".repeat(50)}1`, "CRON_INVALID"],
    ["0 0 * * 1#6", "CRON_INVALID"],
    ["0 0 32W * *", "CRON_FIELD_RANGE"],
    ["0 0 0W * *", "CRON_FIELD_RANGE"],
    ["0 0 LW,15W * *", "CRON_INVALID"],
  ])("%s", (expr, code) => {
    const refuse = (): unknown => parseCron(expr, "UTC", "cronExpr");
    expect(refuse).toThrow(expect.objectContaining({ code }));
    const took = best(() => {
      expect(refuse).toThrow();
    });
    expect(took).toBeLessThan(BOUNDED_MS);
  });
});

const LONGEST = `${list(0, 59)} ${list(0, 23)} ? * *`;

describe("what is answered", () => {
  it.each([
    ["0 0 29 2 *", "2028-02-29T00:00:00Z"],
    ["0 0 29W 2 *", "2028-02-29T00:00:00Z"],
    ["0 0 * 2 SUN#5", "2032-02-29T00:00:00Z"],
    ["0 0 * 2 SAT#5", "2048-02-29T00:00:00Z"],
    ["59 59 23 30 2 WED#5", "2040-02-29T23:59:59Z"],
    ["0 0 31 2,4,6,9,11,12 *", "2026-12-31T00:00:00Z"],
    [LONGEST, "2026-01-01T00:01:00Z"],
    [`${"0,".repeat(100)}0 0 1 1 *`, "2027-01-01T00:00:00Z"],
    [`0 0 ${list(1, 31)} ${list(1, 12)} ${list(0, 6)}`, "2026-01-02T00:00:00Z"],
    [`0 0 ${"1W,15W,31W,".repeat(10)}L * ${"1#1,2#2,3#3,4#4,5#5,6L,".repeat(3)}0L`, null],
    ["59 59 23 31 12 *", "2026-12-31T23:59:59Z"],
    ["* * * * * *", "2026-01-01T00:00:01Z"],
  ])("%s", (expr, first) => {
    expect(expr.length).toBeLessThanOrEqual(256);
    const found = parseCron(expr, "UTC", "cronExpr").next(FROM)!;
    if (first !== null) expect(new Date(found).toISOString()).toBe(new Date(first).toISOString());
    // Rules are kept by zone and text: each of these is read anew.
    const took = best((run) => parseCron(`${expr} `.slice(0, 256), ZONES[run]!, "c").next(FROM));
    expect(took).toBeLessThan(BOUNDED_MS);
  });

  it("nothing, beyond the end of dates, at once", () => {
    const end = Date.parse("9998-12-31T23:59:59Z");
    for (const expr of ["0 0 29 2 *", "* * * * * *", "0 0 * 2 SAT#5", "0 0 31 12 *"]) {
      const rule = parseCron(expr, "Europe/Berlin", "cronExpr");
      expect(rule.next(end + YEAR_MS)).toBeNull();
      expect([...rule.between(end + YEAR_MS, Number.POSITIVE_INFINITY)]).toEqual([]);
      expect(best(() => rule.next(end + YEAR_MS))).toBeLessThan(BOUNDED_MS);
    }
  });
});

describe("a year of", () => {
  const minutely = (): number => {
    let count = 0;
    const rule = parseCron("* * * * *", "Europe/Berlin", "cronExpr");
    for (const _ of rule.between(FROM, FROM + YEAR_MS)) count++;
    return count;
  };

  it("minutes takes a bounded time", () => {
    expect(minutely()).toBe(525_600);
    expect(best(minutely)).toBeLessThan(10 * BOUNDED_MS);
  });

  it("days takes a bounded time", () => {
    const daily = parseCron("0 3 * * *", "Europe/Berlin", "cronExpr");
    const days = (): number => [...daily.between(FROM, FROM + YEAR_MS)].length;
    expect(days()).toBe(365);
    expect(best(days)).toBeLessThan(BOUNDED_MS);
  });
});
