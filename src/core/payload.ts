/**
 * Data of jobs as text: JSON. What JSON would lose without a word (functions, Maps, NaN) or
 * choke on (cycles, BigInt) is refused with its path; the data themselves never stand in an error.
 */
import { SchedulerError } from "./errors.js";

export interface PayloadPlace {
  /** Names the call in errors, e.g. `push("email")`. */
  where: string;
  limitBytes: number;
  /** What the value is called in paths; `data` by default. */
  name?: string;
}

/** Deeper nesting is a mistake more often than a wish, and some readers have such a limit, too. */
export const MAX_DEPTH = 100;

/** The JSON text of `data`; "" for undefined. */
export function encodePayload(data: unknown, at: PayloadPlace): string {
  if (data === undefined) return "";
  // Made for those that need a path only: most data are plain, and every push comes by here.
  let walk: Walk | null = null;
  try {
    if (!isPlainJson(data, at.limitBytes)) {
      walk = walkOf(at);
      visit(data, walk);
    }
    const text = JSON.stringify(data);
    if (text === undefined) throw refused(walk ?? walkOf(at), typeof data);
    // A character is at most 3 bytes of UTF-8, so short texts need no counting.
    if (text.length * 3 > at.limitBytes) {
      const bytes = Buffer.byteLength(text);
      if (bytes > at.limitBytes) throw tooLarge(at, `${bytes}`);
    }
    return text;
  } catch (thrown) {
    if (thrown instanceof SchedulerError) throw thrown;
    throw refused(walk ?? walkOf(at), "a getter or toJSON of it throws", thrown);
  }
}

function walkOf(at: PayloadPlace): Walk {
  return { at, bytes: 0, path: [at.name ?? "data"] };
}

/** The data that `encodePayload` was given; undefined for "". */
export function decodePayload(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause: its message quotes the payload.
    throw new SchedulerError("STORE_DAMAGED", "the data of a job are not valid JSON", {
      fix: "see which program writes to this store beside schedule-mq",
    });
  }
}

/** What a look has seen so far. A getter that looks at something else makes it see too little. */
let bytesSeen = 0;

/**
 * True: made of plain objects, arrays and JSON's own values, not too deep and not too large.
 * False: `visit` has to see, and to say where. Most data are plain, and need no path.
 */
function isPlainJson(data: unknown, limitBytes: number): boolean {
  bytesSeen = 0;
  try {
    return isPlain(data, 1, limitBytes);
  } catch {
    return false;
  }
}

function isPlain(value: unknown, depth: number, limitBytes: number): boolean {
  if (typeof value === "string") {
    bytesSeen += value.length + 2;
    return bytesSeen <= limitBytes;
  }
  bytesSeen += 4;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object") return typeof value === "boolean";
  if (value === null) return true;
  if (depth > MAX_DEPTH || bytesSeen > limitBytes) return false;
  if (!Array.isArray(value)) {
    return isPlainObject(value as Record<string, unknown>, depth, limitBytes);
  }
  for (let index = 0; index < value.length; index++) {
    if (!isPlain(value[index], depth + 1, limitBytes)) return false;
  }
  return true;
}

function isPlainObject(value: Record<string, unknown>, depth: number, limitBytes: number): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  if (value.toJSON !== undefined) return false;
  for (const key in value) {
    const child = value[key];
    if (child === undefined) continue;
    bytesSeen += key.length + 3;
    if (!isPlain(child, depth + 1, limitBytes)) return false;
  }
  return true;
}

interface Walk {
  readonly at: PayloadPlace;
  /** At least so many bytes of JSON so far; bounds the walk where parts are shared many times. */
  bytes: number;
  /** The steps from the root to where the walk is. */
  readonly path: string[];
}

function visit(value: unknown, walk: Walk): void {
  switch (typeof value) {
    case "string":
      grow(walk, value.length + 2);
      return;
    case "number":
      if (!Number.isFinite(value)) throw refused(walk, String(value));
      grow(walk, 1);
      return;
    case "boolean":
      grow(walk, 4);
      return;
    case "object":
      if (value === null) grow(walk, 4);
      else visitObject(value, walk);
      return;
    default:
      throw refused(walk, typeof value);
  }
}

function visitObject(value: object, walk: Walk): void {
  if (walk.path.length > MAX_DEPTH) {
    throw refused(walk, `a cycle, or nested more than ${MAX_DEPTH} deep`);
  }
  grow(walk, 2);
  if (Array.isArray(value)) {
    visitArray(value, walk);
    return;
  }
  if (isLossy(value)) throw refused(walk, kindOf(value));
  const replaced = toJson(value);
  if (replaced !== value) {
    // A null stands for what could not be said, such as an invalid Date.
    if (replaced === null || replaced === undefined) {
      throw refused(walk, value instanceof Date ? "invalid Date" : kindOf(value));
    }
    walk.path.push(".toJSON()");
    visit(replaced, walk);
    walk.path.pop();
    return;
  }
  for (const key of Object.keys(value)) {
    const child: unknown = Reflect.get(value, key);
    if (child === undefined) continue;
    grow(walk, key.length + 3);
    walk.path.push(key);
    visit(child, walk);
    walk.path.pop();
  }
}

function visitArray(list: readonly unknown[], walk: Walk): void {
  for (let index = 0; index < list.length; index++) {
    walk.path.push(`[${index}]`);
    // JSON would make null of a hole or an undefined.
    visit(list[index], walk);
    walk.path.pop();
  }
}

function toJson(value: object): unknown {
  const convert: unknown = Reflect.get(value, "toJSON");
  return typeof convert === "function" ? convert.call(value, "") : value;
}

/** Built-in things whose content JSON drops; classes of the user's own keep their fields. */
const LOSSY = new Set([
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "WeakRef",
  "Promise",
  "RegExp",
  "Error",
  "ArrayBuffer",
  "SharedArrayBuffer",
  "DataView",
  "Generator",
]);

function isLossy(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return false;
  if (typeof Reflect.get(value, "toJSON") === "function") return false;
  return ArrayBuffer.isView(value) || LOSSY.has(kindOf(value));
}

function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function grow(walk: Walk, bytes: number): void {
  walk.bytes += bytes;
  if (walk.bytes > walk.at.limitBytes + SLACK) throw tooLarge(walk.at, `more than ${walk.bytes}`);
}

/** The walk counts a little roughly; near the limit the text itself is measured. */
const SLACK = 65_536;

const LONGEST_PATH = 80;
const PLAIN_KEY = /^[A-Za-z_$][\w$]*$/;

function refused(walk: Walk, kind: string, cause?: unknown): SchedulerError {
  let path = walk.path[0]!;
  for (const step of walk.path.slice(1, 30)) {
    if (step.startsWith("[") || step === ".toJSON()") path += step;
    else path += PLAIN_KEY.test(step) ? `.${step}` : `[${JSON.stringify(step.slice(0, 40))}]`;
  }
  if (path.length > LONGEST_PATH || walk.path.length > 30) path = `${path.slice(0, LONGEST_PATH)}…`;
  return new SchedulerError(
    "DATA_NOT_SERIALIZABLE",
    `${walk.at.where}: ${path} cannot be kept as JSON (${kind})`,
    { fix: fixFor(kind), ...(cause === undefined ? {} : { cause }) },
  );
}

function fixFor(kind: string): string {
  if (kind === "bigint") return "pass it as a string: String(value)";
  if (kind === "Map") return "pass Object.fromEntries(map)";
  if (kind === "Set") return "pass [...set]";
  if (kind === "Error") return "pass its message";
  if (kind === "Promise") return "await it first";
  if (kind === "invalid Date") return "pass a valid one, or null";
  if (kind === "undefined") return "pass null, or leave it out";
  return "pass plain objects, arrays, strings, finite numbers, booleans and null";
}

function tooLarge(at: PayloadPlace, bytes: string): SchedulerError {
  return new SchedulerError(
    "DATA_TOO_LARGE",
    `${at.where}: ${at.name ?? "data"} is ${bytes} bytes of JSON; the limit is ${at.limitBytes}`,
    { fix: "store it elsewhere and pass a reference, or raise payloadLimit" },
  );
}
