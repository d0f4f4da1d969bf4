/**
 * Time zones: which exist, and what a zone's clocks showed at an instant. Everything in whole
 * seconds since the epoch; a local time is the same count, read off the zone's clocks.
 */
import { SchedulerError } from "./errors.js";
import { harmless, show } from "./show.js";
import { closest } from "./suggest.js";

/** A moment at which the clocks of a zone are changed: the offset before it and from it on. */
export interface ClockChange {
  at: number;
  before: number;
  after: number;
}

export interface Zone {
  /** Local time minus UTC. */
  offsetAt(seconds: number): number;
  /** The clock change within a UTC day (counted from the epoch), if there is one. */
  changeIn(day: number): ClockChange | null;
}

export const DAY_S = 86_400;

/** No zone's clocks are further ahead of UTC: the most is 14 hours. */
export const FURTHEST_AHEAD_S: number = 15 * 3_600;

/** The beginning of the UTC day after that of `seconds`. */
export function nextDay(seconds: number): number {
  return (Math.floor(seconds / DAY_S) + 1) * DAY_S;
}

/** A stretch of instants with one offset: from `start` up to, not including, `end`. */
export interface Stretch {
  start: number;
  end: number;
  offset: number;
  /** The change that it begins with, if it begins with one. */
  change: ClockChange | null;
}

/** The rest of a UTC day from `from` on, cut where the clocks change. */
export function restOfDay(zone: Zone, from: number): Stretch[] {
  const end = nextDay(from);
  const change = zone.changeIn(Math.floor(from / DAY_S));
  if (change === null || from > change.at) {
    return [{ start: from, end, offset: zone.offsetAt(from), change: null }];
  }
  const second = { start: change.at, end, offset: change.after, change };
  if (from === change.at) return [second];
  return [{ start: from, end: change.at, offset: change.before, change: null }, second];
}

/** The zone that this process lives in. */
export function systemZone(): string {
  const name = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  // An undefined or odd TZ leaves Intl without a name that other machines would know.
  return name === undefined || !isZone(name) ? "UTC" : name;
}

/** The name of a zone that exists; `where` names the option in the error. */
export function checkZone(name: unknown, where: string): string {
  if (typeof name === "string" && isZone(name)) return name;
  throw new SchedulerError("ZONE_UNKNOWN", `${where} ${show(name)} is not a known time zone`, {
    fix: fixFor(name),
    value: harmless(name),
  });
}

/** Offsets such as "+02:00" are no zones: newer Nodes know them, older ones do not. */
const ZONE_NAME = /^[A-Za-z][\w+/-]{0,63}$/;

function isZone(name: string): boolean {
  if (!ZONE_NAME.test(name)) return false;
  try {
    formatFor(name);
    return true;
  } catch {
    return false;
  }
}

function fixFor(name: unknown): string {
  const usual = 'use a name such as "Europe/Berlin" or "UTC"';
  if (typeof name !== "string") return usual;
  if (/^(?:UTC|GMT)?[+-]\d/i.test(name)) {
    return 'an offset knows no daylight saving: use a name such as "Europe/Berlin", or "UTC"';
  }
  const zones = Intl.supportedValuesOf("timeZone");
  const city = name.toLowerCase().replaceAll(" ", "_");
  const meant =
    zones.find((zone) => zone.toLowerCase().endsWith(`/${city}`)) ?? closest(name, zones);
  return meant === undefined ? usual : `did you mean "${meant}"?`;
}

const MOST_ZONES_KEPT = 500;
const zones = new Map<string, Zone>();

/** The zone with a name that `checkZone` has accepted. */
export function zoneOf(name: string): Zone {
  let zone = zones.get(name);
  if (zone === undefined) {
    if (zones.size >= MOST_ZONES_KEPT) zones.clear();
    zone = name === "UTC" ? UTC : new IntlZone(formatFor(name));
    zones.set(name, zone);
  }
  return zone;
}

const UTC: Zone = { offsetAt: () => 0, changeIn: () => null };

function formatFor(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
}

/** Some years of days; a zone that is asked for more forgets the rest. */
const MOST_DAYS_KEPT = 4_000;

class IntlZone implements Zone {
  readonly #format: Intl.DateTimeFormat;
  /** Offsets in the last second before UTC days: two that are equal have no change between them. */
  readonly #eves = new Map<number, number>();
  readonly #changes = new Map<number, ClockChange>();

  constructor(format: Intl.DateTimeFormat) {
    this.#format = format;
  }

  offsetAt(seconds: number): number {
    const day = Math.floor(seconds / DAY_S);
    const change = this.changeIn(day);
    if (change === null) return this.#eveOf(day);
    return seconds < change.at ? change.before : change.after;
  }

  changeIn(day: number): ClockChange | null {
    const before = this.#eveOf(day);
    const after = this.#eveOf(day + 1);
    if (before === after) return null;
    let change = this.#changes.get(day);
    if (change === undefined) {
      change = { at: this.#findChange(day, before), before, after };
      this.#changes.set(day, change);
    }
    return change;
  }

  #eveOf(day: number): number {
    let offset = this.#eves.get(day);
    if (offset === undefined) {
      if (this.#eves.size >= MOST_DAYS_KEPT) {
        this.#eves.clear();
        this.#changes.clear();
      }
      offset = this.#measure(day * DAY_S - 1);
      this.#eves.set(day, offset);
    }
    return offset;
  }

  /** The first second of the day whose offset is not that of the day's eve. */
  #findChange(day: number, before: number): number {
    let same = day * DAY_S - 1;
    let changed = same + DAY_S;
    while (changed - same > 1) {
      const middle = Math.floor((same + changed) / 2);
      if (this.#measure(middle) === before) same = middle;
      else changed = middle;
    }
    return changed;
  }

  #measure(seconds: number): number {
    // "3/29/2026, 03:00:00"; half the work of formatToParts, and this is most of what is done here.
    const shown = this.#format
      .format(seconds * 1_000)
      .match(/\d+/g)!
      .map(Number);
    const [month = 1, day = 1, year = 0, hour = 0, minute = 0, second = 0] = shown;
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1_000 - seconds;
  }
}
