/**
 * Reads one field of a cron expression: lists of values, ranges and steps, names, and the
 * calendar's special forms. Strict: what this file lets through means what it says.
 */
import { closest } from "../suggest.js";
import { type CronText, cronProblem, type Span } from "./problem.js";

export interface FieldKind {
  name: string;
  min: number;
  max: number;
  /** Names of values, the first being `min`. */
  names?: readonly string[];
  /** `?` stands for `*`. */
  question?: true;
  /** Forms like `L` and `15W`, which croner understands; a day that such a form needs, if any. */
  special?: (item: string) => { text: string; day: number | null } | null;
}

export interface Field {
  /** For each value from 0 on whether it is named; special forms name none. */
  values: readonly boolean[];
  /** All values by `*` or `?`. */
  star: boolean;
  /** A `*` or a step: the field follows the clock rather than name times. */
  open: boolean;
  /** The lowest day that would do: special forms may do with any (0). */
  lowest: number;
  /** The same in croner's words: numbers only, and no shorthand. */
  text: string;
}

const ITEM = /^(\*|\?|[0-9A-Za-z]+)(?:-([0-9A-Za-z]+))?(?:\/([0-9]+))?$/;

export function readField(cron: CronText, at: Span, kind: FieldKind): Field {
  const values: boolean[] = new Array(kind.max + 1).fill(false);
  const texts: string[] = [];
  let open = false;
  let lowest = Number.POSITIVE_INFINITY;
  let start = at.start;
  for (const text of at.text.split(",")) {
    const item = readItem(cron, { start, text }, kind);
    start += text.length + 1;
    texts.push(item.text);
    open ||= item.open;
    lowest = Math.min(lowest, item.from);
    if (item.special) continue;
    for (let value = item.from; value <= item.to; value += item.step) values[value] = true;
  }
  const star = at.text === "*" || at.text === "?";
  return { values, star, open, lowest, text: star ? "*" : texts.join(",") };
}

interface Item {
  from: number;
  to: number;
  step: number;
  open: boolean;
  special: boolean;
  text: string;
}

function readItem(cron: CronText, at: Span, kind: FieldKind): Item {
  if (at.text === "") {
    throw cronProblem("CRON_INVALID", cron, {
      problem: `${kind.name} has an empty item in its list`,
      fix: "take out the comma that has nothing beside it",
      at,
    });
  }
  const special = kind.special?.(at.text.toUpperCase()) ?? null;
  if (special !== null) {
    const from = special.day === null ? 0 : inRange(cron, at, kind, special.day);
    return { from, to: from, step: 1, open: false, special: true, text: special.text };
  }
  const found = ITEM.exec(at.text);
  const star = found?.[1] === "*" || (found?.[1] === "?" && kind.question === true);
  if (found === null || (found[1] === "?" && !star) || (star && found[2] !== undefined)) {
    throw notUnderstood(cron, at, kind);
  }
  const from = star ? kind.min : readValue(cron, { start: at.start, text: found[1]! }, kind);
  const to = readEnd(cron, at, kind, { found, from, star });
  const step = readStep(cron, at, kind, found[3]);
  const range = from === to ? `${from}` : `${from}-${to}`;
  const base = star ? "*" : range;
  return {
    from,
    to,
    step,
    open: star || found[3] !== undefined,
    special: false,
    // A step over one value is that value; croner would refuse to be told so.
    text: found[3] === undefined || base === `${from}` ? base : `${base}/${step}`,
  };
}

function readEnd(
  cron: CronText,
  at: Span,
  kind: FieldKind,
  start: { found: RegExpExecArray; from: number; star: boolean },
): number {
  const { found, from, star } = start;
  // Sunday is 0 and 7; as the end of `*` and of an open step it would be named twice.
  const last = kind.names?.[0] === "SUN" ? 6 : kind.max;
  const end = found[2];
  if (end === undefined) return star || found[3] !== undefined ? Math.max(from, last) : from;
  let to = readValue(cron, { start: at.start + found[1]!.length + 1, text: end }, kind);
  if (end.toUpperCase() === "SUN" && from > 0) to = 7;
  if (to >= from) return to;
  const isSunday = kind.names?.[0] === "SUN" && to === 0;
  throw cronProblem("CRON_INVALID", cron, {
    problem: `${kind.name} range ${at.text} runs backwards`,
    fix: isSunday
      ? `did you mean "${from}-7"?`
      : `did you mean "${from}-${last},${kind.min}-${to}"?`,
    at,
  });
}

function readStep(cron: CronText, at: Span, kind: FieldKind, text: string | undefined): number {
  if (text === undefined) return 1;
  const step = Number(text);
  const most = kind.max - kind.min + 1;
  if (step >= 1 && step <= most) return step;
  throw cronProblem("CRON_FIELD_RANGE", cron, {
    problem: `${kind.name} step ${text} is outside 1-${most}`,
    fix: stepFix(kind, step),
    at: { start: at.start + at.text.length - text.length, text },
  });
}

function stepFix(kind: FieldKind, step: number): string {
  const smaller = kind.name === "minute" || kind.name === "second";
  if (step > 0 && smaller && step % 60 === 0) {
    return `a ${kind.name} field cannot count beyond the ${
      kind.name === "minute" ? "hour: put the step into the hour field" : "minute"
    }, or use every: "${step}${kind.name[0]}"`;
  }
  return step > 0 ? "use a smaller step, or every: … instead of cronExpr" : "use 1 or more";
}

function readValue(cron: CronText, at: Span, kind: FieldKind): number {
  if (/^[0-9]+$/.test(at.text)) return inRange(cron, at, kind, Number(at.text));
  const index = kind.names?.indexOf(at.text.toUpperCase()) ?? -1;
  if (index >= 0) return index + (kind.names?.[0] === "SUN" ? 0 : kind.min);
  throw notUnderstood(cron, at, kind);
}

function inRange(cron: CronText, at: Span, kind: FieldKind, value: number): number {
  if (value >= kind.min && value <= kind.max) return value;
  // 60 is minute 0 of the next hour; weekdays have no such neighbour.
  const size = kind.max + 1;
  const wrapped = kind.min === 0 && kind.max > 7 && value < 2 * size;
  throw cronProblem("CRON_FIELD_RANGE", cron, {
    problem: `${kind.name} ${at.text} is outside ${kind.min}-${kind.max}`,
    fix: wrapped
      ? `did you mean "${value % size}"${kind.max === 59 ? ' or "*/15"' : ""}?`
      : `use ${kind.min}-${kind.max}; the order is (second) minute hour day month weekday`,
    at,
  });
}

function notUnderstood(cron: CronText, at: Span, kind: FieldKind): Error {
  const word = /^[A-Za-z]{2,12}/.exec(at.text)?.[0];
  const names = kind.names ?? [];
  const meant =
    word === undefined
      ? undefined
      : (names.find((name) => word.toUpperCase().startsWith(name)) ?? closest(word, names));
  const text = at.text.length > 20 ? `${at.text.slice(0, 20)}…` : at.text;
  return cronProblem("CRON_INVALID", cron, {
    problem: `${kind.name} ${JSON.stringify(text)} is not understood`,
    fix:
      meant === undefined
        ? `use values from ${kind.min} to ${kind.max}, lists (1,5), ranges (1-5), steps (*/5) or *`
        : `did you mean "${meant}"?`,
    at,
  });
}
