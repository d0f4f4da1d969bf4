/**
 * Reads what users pass in: own properties only, nothing unknown, every value by its kind.
 * `where` names the call (`push("email")`), so that an error says where to look.
 */
import { parseDuration } from "../duration.js";
import { type ErrorCode, SchedulerError } from "../errors.js";
import { harmless, kindOf, quote, show, showMs } from "../show.js";
import { closest } from "../suggest.js";

export interface KnownOptions {
  names: readonly string[];
  /** Fixes for names that are wrong here but mean something elsewhere. */
  hints?: Readonly<Record<string, string>>;
}

/**
 * An object without any inherited property. Unlike one of Object.create(null) it is no slow
 * dictionary: every push reads its options into one.
 */
const Bare = function Bare() {} as unknown as new () => Record<string, unknown>;
Bare.prototype = Object.freeze(Object.create(null));

/**
 * What a spread would copy of a plain object, without what is undefined; {} for undefined. Other
 * properties are not looked for: asking for those costs more than all the rest of a push's check.
 */
export function readOptions(
  given: unknown,
  where: string,
  known: KnownOptions,
): Record<string, unknown> {
  const read = new Bare();
  if (given === undefined) return read;
  if (!isPlainObject(given)) {
    // Not shown: somebody may have passed the URL of the store.
    throw invalid(where, `the options must be a plain object, got ${kindOf(given)}`, {
      fix: `use { ${known.names[0] ?? ""}: … }`,
    });
  }
  for (const key of Object.keys(given)) {
    if (!known.names.includes(key)) throw unknownOption(key, where, known);
    const value = readProperty(given, key, where);
    if (value !== undefined) read[key] = value;
  }
  return read;
}

/** True for `{}`, `Object.create(null)` and what JSON.parse makes, of any realm. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  // Another realm's Object.prototype is not ours, but like it has no prototype above it.
  return (
    Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "constructor")
  );
}

function readProperty(from: object, key: string, where: string): unknown {
  try {
    return Reflect.get(from, key);
  } catch (cause) {
    throw invalid(where, `${key} cannot be read: its getter throws`, {
      fix: "pass plain values",
      cause,
    });
  }
}

function unknownOption(name: string, where: string, known: KnownOptions): SchedulerError {
  const hint = known.hints !== undefined && Object.hasOwn(known.hints, name);
  const meant = closest(name, known.names);
  const fix = hint
    ? known.hints?.[name]
    : meant === undefined
      ? `use one of ${known.names.join(", ")}`
      : `did you mean "${meant}"?`;
  return new SchedulerError("OPTION_UNKNOWN", `${where}: unknown option ${quote(name)}`, {
    ...(fix === undefined ? {} : { fix }),
    value: name,
  });
}

/** A duration between two bounds, in ms; `fallback` when it was left out. */
export function durationOption(
  value: unknown,
  at: { where: string; name: string; fallback: number; min: number; max: number },
): number {
  if (value === undefined) return at.fallback;
  const ms = parseDuration(value, `${at.where}: ${at.name}`);
  if (ms >= at.min && ms <= at.max) return ms;
  const side = ms < at.min ? `less than ${showMs(at.min)}` : `more than ${showMs(at.max)}`;
  throw invalid(at.where, `${at.name} ${show(value)} is ${side}`, {
    fix: `use ${showMs(at.min)} to ${showMs(at.max)}`,
    value,
  });
}

/** A whole number between two bounds; `fallback` when it was left out. */
export function wholeOption(
  value: unknown,
  at: { where: string; name: string; fallback: number; min: number; max: number },
): number {
  if (value === undefined) return at.fallback;
  if (Number.isInteger(value) && (value as number) >= at.min && (value as number) <= at.max) {
    // -0 would be stored as another text than 0.
    return (value as number) + 0;
  }
  const asNumber = typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
  const fits = Number.isInteger(asNumber) && asNumber >= at.min && asNumber <= at.max;
  throw invalid(
    at.where,
    `${at.name} must be a whole number from ${at.min} to ${at.max}, got ${show(value)}`,
    { fix: fits ? `write it as a number: ${asNumber}` : "use a number in that range", value },
  );
}

/** One of a few words; `fallback` when it was left out. */
export function wordOption<Word extends string>(
  value: unknown,
  at: { where: string; name: string; fallback: Word; words: readonly Word[] },
): Word {
  if (value === undefined) return at.fallback;
  const found = at.words.find((word) => word === value);
  if (found !== undefined) return found;
  const meant = typeof value === "string" ? closest(value, at.words) : undefined;
  const list = at.words.map((word) => `"${word}"`).join(", ");
  throw invalid(at.where, `${at.name} must be one of ${list}, got ${show(value)}`, {
    fix: meant === undefined ? "use one of them" : `did you mean "${meant}"?`,
    value,
  });
}

/** Epoch ms of a Date or a number; numbers that can only be seconds are refused. */
export function instantOption(value: unknown, where: string, name: string): number {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime();
  if (typeof value === "number" && Number.isInteger(value)) {
    if (value >= EARLIEST_INSTANT && value <= LATEST_INSTANT) return value;
    const seconds = value > 0 && value < EARLIEST_INSTANT;
    throw invalid(where, `${name} ${value} is not an instant in epoch ms`, {
      fix: seconds ? `if these are seconds, use ${value * 1000}` : "use epoch ms or a Date",
      value,
    });
  }
  throw invalid(where, `${name} must be a Date or epoch ms, got ${show(value)}`, {
    fix: typeof value === "string" ? `use new Date(${quote(value)})` : "use a Date or epoch ms",
    value,
  });
}

/** In 1973: whatever is smaller was meant as seconds. */
const EARLIEST_INSTANT = 100_000_000_000;
/** In the year 5138. */
const LATEST_INSTANT = 99_999_999_999_999;

export function invalid(
  where: string,
  message: string,
  details: { fix?: string; value?: unknown; cause?: unknown } = {},
): SchedulerError {
  return fault("OPTION_INVALID", where, message, details);
}

export function conflict(where: string, message: string, fix: string): SchedulerError {
  return fault("OPTION_CONFLICT", where, message, { fix });
}

export function missing(where: string, message: string, fix: string): SchedulerError {
  return fault("OPTION_MISSING", where, message, { fix });
}

function fault(
  code: ErrorCode,
  where: string,
  message: string,
  details: { fix?: string; value?: unknown; cause?: unknown },
): SchedulerError {
  return new SchedulerError(code, `${where}: ${message}`, {
    ...details,
    value: harmless(details.value),
  });
}
