/**
 * What the clocks of a zone show at an instant, whether they are changed on that day, and when a
 * local date begins: for previews, which people read. Zone names are those `checkZone` accepts.
 */
import { DAY_S, FURTHEST_AHEAD_S, restOfDay, zoneOf } from "../zone.js";

export interface LocalTime {
  /** Such as "2026-03-29 03:00:00". */
  text: string;
  /** Local time minus UTC, such as "+02:00"; with seconds only where there are any. */
  offset: string;
}

export function localTime(zoneName: string, ms: number): LocalTime {
  const seconds = Math.floor(ms / 1_000);
  const offset = zoneOf(zoneName).offsetAt(seconds);
  const text = isoOf(seconds + offset).replace("T", " ");
  // 24 hours from the epoch on, so that it is never negative.
  const size = isoOf(Math.abs(offset)).slice(11);
  return {
    text,
    offset: `${offset < 0 ? "-" : "+"}${size.endsWith(":00") ? size.slice(0, 5) : size}`,
  };
}

/**
 * Whether the clocks are changed on the local day of the instant: the day on which times are
 * missing or come twice. Where whole days are missing it is the day after them, too.
 */
export function changeNear(zoneName: string, ms: number): "forward" | "back" | null {
  const zone = zoneOf(zoneName);
  const seconds = Math.floor(ms / 1_000);
  const today = dayOf(seconds + zone.offsetAt(seconds));
  // Two days to each side: a day can last nearly two, and begins up to 14 hours before UTC's.
  for (let day = dayOf(seconds) - 2; day <= dayOf(seconds) + 2; day++) {
    const change = zone.changeIn(day);
    if (change === null) continue;
    const { at, before, after } = change;
    const first = dayOf(at + Math.min(before, after));
    const last = dayOf(at + Math.max(before, after) - (after - before >= DAY_S ? 0 : 1));
    if (today >= first && today <= last) return after > before ? "forward" : "back";
  }
  return null;
}

/**
 * The first instant, in epoch ms, at which the local date is reached. A date that does not exist
 * begins where the clocks go on after it. Months count from 1; a 32nd is one of the next month.
 */
export function startOfDay(zoneName: string, year: number, month: number, day: number): number {
  const zone = zoneOf(zoneName);
  const midnight = Date.UTC(year, month - 1, day) / 1_000;
  for (let from = midnight - FURTHEST_AHEAD_S; ; ) {
    for (const { start, end, offset } of restOfDay(zone, from)) {
      const at = Math.max(start, midnight - offset);
      if (at < end) return at * 1_000;
      from = end;
    }
  }
}

function dayOf(seconds: number): number {
  return Math.floor(seconds / DAY_S);
}

/** "2026-03-29T03:00:00" */
function isoOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace(/\.\d+Z$/, "");
}
