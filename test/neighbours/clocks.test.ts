/** What befell others when clocks were changed: every zone, every change of twenty years. */
import { describe, expect, test } from "vitest";
import { parseCron } from "../../src/core/cron.js";
import { type ClockChange, DAY_S, type Zone, zoneOf } from "../../src/core/zone.js";
import { localAt } from "../core/slow-cron.js";

const DAY_MS = DAY_S * 1_000;
const FROM_DAY = Date.parse("2010-01-01T00:00:00Z") / DAY_MS;
const DAYS = 20 * 365;
/** No clocks are changed and changed back in less: the shortest is a pause for Ramadan. */
const STEP = 12;

function changesOf(timezone: string): ClockChange[] {
  const zone = zoneOf(timezone);
  const found = new Map<number, ClockChange>();
  const offsetOf = (day: number) => localAt(timezone, day * DAY_MS) - day * DAY_MS;
  let before = offsetOf(FROM_DAY);
  for (let day = FROM_DAY; day < FROM_DAY + DAYS; day += STEP) {
    const after = offsetOf(day + STEP);
    if (after === before) continue;
    for (let near = day; near <= day + STEP; near += 1) {
      const change = zone.changeIn(near);
      if (change !== null) found.set(near, change);
    }
    before = after;
  }
  return [...found.values()];
}

/** One zone of each kind: many have the same changes, and differ in nothing but their names. */
function kindsOfZones(): [timezone: string, changes: ClockChange[]][] {
  const kinds = new Map<string, [string, ClockChange[]]>();
  for (const timezone of Intl.supportedValuesOf("timeZone")) {
    const changes = changesOf(timezone);
    kinds.set(JSON.stringify(changes), [timezone, changes]);
  }
  return [...kinds.values()];
}

/** At midnight and noon, and at the hours at which clocks are changed. */
const EXPRESSIONS = [
  "0 0 * * *",
  "0 12 * * *",
  "30 2 * * *",
  "59 23,0,1 * * *",
  "0 */3 * * *",
  "0 0 10 * *",
];

/** How often one call may ask for the clocks of a day: far less than there are days in a month. */
const MOST_ASKED = 30;

/** Counts how often the zone is asked, and ends whoever asks for ever. */
function counted(zone: Zone): { ask: <T>(act: () => T) => T } {
  const { changeIn } = zone;
  let asked = 0;
  zone.changeIn = (day) => {
    asked += 1;
    if (asked > MOST_ASKED) throw new Error("asks and asks");
    return changeIn.call(zone, day);
  };
  return {
    ask(act) {
      asked = 0;
      return act();
    },
  };
}

/** What is wrong with the row of occurrences around a day. */
function wrongAround(
  day: number,
  { expr, timezone, next }: { expr: string; timezone: string; next: Next },
): string | null {
  const to = (day + 2) * DAY_MS;
  const where = `${expr} in ${timezone} near ${new Date(day * DAY_MS).toISOString()}`;
  let at = (day - 1) * DAY_MS;
  try {
    while (at < to) {
      const following = next(at);
      if (following === null || following <= at) return `${where}: ${following} after ${at}`;
      at = following;
    }
    return null;
  } catch (error) {
    return `${where}: ${String(error)}`;
  }
}

type Next = (at: number) => number | null;

describe("harrisiirak/cron-parser#25, harrisiirak/cron-parser#72", () => {
  test("17: no clock change of any zone makes the next occurrence endless work, or not later", {
    timeout: 60_000,
  }, () => {
    const wrong: string[] = [];
    const kinds = kindsOfZones();
    for (const [timezone, changes] of kinds) {
      const { ask } = counted(zoneOf(timezone));
      for (const expr of EXPRESSIONS) {
        const rule = parseCron(expr, timezone, "cronExpr");
        const next: Next = (at) => ask(() => rule.next(at));
        for (const { at } of changes) {
          const found = wrongAround(Math.floor(at / DAY_S), { expr, timezone, next });
          if (found !== null) wrong.push(found);
        }
      }
    }
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(kinds.length).toBeGreaterThan(80);
    expect(kinds.flatMap(([, changes]) => changes).length).toBeGreaterThan(1_000);
  });
});
