/** Values as they stand in error messages: short, on one line, never the inside of an object. */

const LONGEST_SHOWN = 60;

/** Text in quotes, cut when it is long; of a URL only the scheme, since it may hold a password. */
export function quote(text: string, longest: number = LONGEST_SHOWN): string {
  const scheme = text.slice(0, longest).indexOf("://");
  if (scheme !== -1) return literal(`${text.slice(0, scheme)}://***`);
  if (text.length <= longest) return literal(text);
  return `${literal(text.slice(0, longest)).slice(0, -1)}…" (${text.length} characters)`;
}

/** What JSON leaves as it is though terminals act on it: DEL, C1 controls, changes of direction. */
const ACTING = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function literal(text: string): string {
  return JSON.stringify(text).replace(ACTING, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Any value; objects only by their kind, since they may hold a payload or a secret. */
export function show(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "bigint":
      return `${value.toString().slice(0, LONGEST_SHOWN)}n`;
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    case "object":
      return showObject(value);
    default:
      return String(value);
  }
}

/** Longer text is no name: it would fill the logs of whoever writes errors down. */
const LONGEST_VALUE = 1_000;

/** The value as an error may carry it: nothing that may hold a payload or a secret. */
export function harmless(value: unknown): unknown {
  if (typeof value === "string") {
    return value.length > LONGEST_VALUE || value.includes("://") ? undefined : value;
  }
  return typeof value === "object" || typeof value === "function" ? undefined : value;
}

/** What kind of value it is, for values that must not be shown at all. */
export function kindOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? `a ${typeof value}` : show(value);
}

/** A length of time in the largest unit that says it exactly. */
export function showMs(ms: number): string {
  for (const [unit, size] of UNITS) {
    if (ms >= size && ms % size === 0) return `${ms / size} ${unit}`;
  }
  return `${ms} ms`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ["years", 31_557_600_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["s", 1_000],
];

function showObject(value: object | null): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? "an invalid Date" : `the Date ${value.toISOString()}`;
  }
  if (value instanceof Error) return "an Error";
  if (value instanceof Promise) return "a Promise (is an await missing?)";
  return "an object";
}

const SPANS: readonly (readonly [name: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
];

/** A span of time for people, cut to its two largest units: `"3 h 20 min"`, `"120 ms"`. */
export function showSpan(ms: number): string {
  const first = SPANS.findIndex(([, unit]) => ms >= unit);
  if (first < 0) return `${Math.round(ms)} ms`;
  let rest = ms;
  const parts: string[] = [];
  for (const [name, unit] of SPANS.slice(first, first + 2)) {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    if (count > 0) parts.push(`${count} ${name}`);
  }
  return parts.join(" ");
}
