/** Lengths of time as users write them, turned into whole ms. */
import { SchedulerError } from "./errors.js";
import { harmless, show } from "./show.js";

type Unit = "ms" | "s" | "m" | "h" | "d" | "w";
type IsoTime =
  | `${number}H`
  | `${number}M`
  | `${number}S`
  | `${number}H${number}M`
  | `${number}H${number}S`
  | `${number}M${number}S`
  | `${number}H${number}M${number}S`;

/**
 * A length of time: a number of ms, a number with a unit (`"500ms"`, `"5s"`, `"1.5h"`; units
 * ms, s, m, h, d, w), or an ISO 8601 duration of weeks to seconds (`"PT5S"`, `"P1DT12H"`).
 */
export type Duration =
  | number
  | `${number}${Unit}`
  | `PT${IsoTime}`
  | `P${number}D`
  | `P${number}W`
  | `P${number}DT${IsoTime}`;

/** A hundred years: beyond it, adding to an instant could leave the range of dates. */
export const LONGEST_DURATION_MS = 3_155_760_000_000;

const UNIT_MS: Readonly<Record<Unit, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** What people write instead of our units. */
const OTHER_UNITS: readonly (readonly [RegExp, Unit])[] = [
  [/^(?:milliseconds?|millis|msecs?)$/i, "ms"],
  [/^(?:seconds?|secs?|S)$/i, "s"],
  [/^(?:minutes?|mins?)$/i, "m"],
  [/^(?:hours?|hrs?|H)$/i, "h"],
  [/^(?:days?|D)$/i, "d"],
  [/^(?:weeks?|wks?|W)$/i, "w"],
];

const NUMBER = /^\d{1,15}(?:\.\d{1,9})?/;
const AMOUNT = String.raw`(\d{1,9}(?:\.\d{1,9})?)`;
const ISO_DAYS = `(?:${AMOUNT}W)?(?:${AMOUNT}D)?`;
const ISO_TIME = `(?:T(?:${AMOUNT}H)?(?:${AMOUNT}M)?(?:${AMOUNT}S)?)?`;
const ISO = new RegExp(`^P${ISO_DAYS}${ISO_TIME}$`);
const ISO_UNITS: readonly Unit[] = ["w", "d", "h", "m", "s"];

/** Longer text is no duration, and not worth a look. */
const LONGEST_TEXT = 64;

const USUAL_FIX = 'write a number of ms, or a number with a unit: "500ms", "5s", "1.5h", "7d"';

/** The length of `value` in whole ms, rounded up; `where` names the option in the error. */
export function parseDuration(value: unknown, where: string): number {
  if (typeof value === "number") return fromNumber(value, value, where);
  if (typeof value !== "string") {
    const fix = value instanceof Date ? "a Date is an instant; use runAt for those" : USUAL_FIX;
    throw invalid(value, where, "is not a duration", fix);
  }
  const ms = fromText(value);
  if (ms === null) throw invalid(value, where, "is not a duration", fixFor(value));
  return fromNumber(ms, value, where);
}

function fromNumber(ms: number, given: unknown, where: string): number {
  if (Number.isNaN(ms)) {
    throw invalid(given, where, "is not a duration", USUAL_FIX);
  }
  if (ms < 0) throw invalid(given, where, "is negative", "a duration is 0 or more");
  if (ms > LONGEST_DURATION_MS) {
    throw invalid(given, where, "is longer than 100 years", "use a shorter one");
  }
  // Rounded to ns first: 1.1 × 3 is a little more than 3.3, and must not become a ms more.
  const whole = Math.round(ms);
  return Math.abs(ms - whole) < 1e-6 ? whole : Math.ceil(ms);
}

function fromText(text: string): number | null {
  if (text.length > LONGEST_TEXT) return null;
  const number = NUMBER.exec(text)?.[0];
  if (number === undefined) return fromIso(text);
  const unit = text.slice(number.length);
  return Object.hasOwn(UNIT_MS, unit) ? Number(number) * UNIT_MS[unit as Unit] : null;
}

function fromIso(text: string): number | null {
  const found = ISO.exec(text);
  if (found === null || text === "P" || text.endsWith("T")) return null;
  let ms = 0;
  for (const [index, unit] of ISO_UNITS.entries()) {
    const amount = found[index + 1];
    if (amount !== undefined) ms += Number(amount) * UNIT_MS[unit];
  }
  return ms;
}

/** The nearest thing that would have been right. */
function fixFor(text: string): string {
  if (text.length > LONGEST_TEXT) return USUAL_FIX;
  const trimmed = text.trim();
  if (/^P.*\d[YM]/.test(trimmed.split("T", 1)[0] ?? "")) {
    return 'years and months differ in length: write days, e.g. "P30D"';
  }
  const sign = trimmed.startsWith("-") ? "-" : "";
  const number = NUMBER.exec(trimmed.slice(sign.length))?.[0];
  if (number === undefined) return USUAL_FIX;
  const unit = trimmed.slice(sign.length + number.length).trim();
  if (sign !== "") return "a duration is 0 or more";
  if (unit === "") return `write ${number} (ms) or "${number}s"`;
  const meant = Object.hasOwn(UNIT_MS, unit)
    ? unit
    : OTHER_UNITS.find(([pattern]) => pattern.test(unit))?.[1];
  return meant === undefined ? USUAL_FIX : `did you mean "${number}${meant}"?`;
}

function invalid(value: unknown, where: string, problem: string, fix: string): SchedulerError {
  return new SchedulerError("DURATION_INVALID", `${where} ${show(value)} ${problem}`, {
    fix,
    value: harmless(value),
  });
}
