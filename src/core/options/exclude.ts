/** Checks `exclude`: dates, spans of dates or instants, or a function. */
import { startOfDay } from "../cron/local.js";
import type { ExcludedSpan, ScheduleRule } from "../schedule/definition.js";
import { digestOf } from "../schedule/definition.js";
import { quote, show } from "../show.js";
import { conflict, instantOption, invalid, isPlainObject, readOptions } from "./read.js";

/** True: the occurrence at this instant (epoch ms) does not fire. Must not throw. */
export type ExcludeFunction = (at: number) => boolean;

const MOST_SPANS = 1_000;
const USUAL = 'use dates ("2026-12-25"), spans ({ from, to }), a list of them, or a function';

export interface CheckedExclude extends Pick<ScheduleRule, "exclude" | "excludeCode"> {
  excludes: ExcludeFunction | null;
}

export function checkExclude(
  given: unknown,
  at: { where: string; timezone: string },
): CheckedExclude {
  const { where } = at;
  if (given === undefined) return { excludes: null };
  if (typeof given === "function") {
    return { excludes: asked(given as (at: Date) => unknown), excludeCode: digestOf(`${given}`) };
  }
  const items: unknown[] = Array.isArray(given) ? given : [given];
  if (items.length > MOST_SPANS) {
    throw invalid(where, `exclude has ${items.length} entries`, {
      fix: `use at most ${MOST_SPANS}, or a function`,
    });
  }
  const spans = items.map((item) => checkSpan(item, at));
  return spans.length === 0 ? { excludes: null } : { excludes: null, exclude: joined(spans) };
}

/** Whatever the function does, an answer: one that throws excludes nothing. */
function asked(exclude: (at: Date) => unknown): ExcludeFunction {
  return (at) => {
    try {
      return exclude(new Date(at)) === true;
    } catch {
      return false;
    }
  };
}

function checkSpan(item: unknown, at: { where: string; timezone: string }): ExcludedSpan {
  const { where, timezone } = at;
  if (typeof item === "string") return [dayStart(item, at, 0), dayStart(item, at, 1)];
  if (!isPlainObject(item)) {
    throw invalid(where, `exclude has ${show(item)}`, { fix: USUAL, value: item });
  }
  const { from, to } = readOptions(item, `${where}: exclude`, { names: ["from", "to"] });
  const begin =
    typeof from === "string"
      ? dayStart(from, { where, timezone }, 0)
      : instant(from, where, "from");
  const end =
    typeof to === "string" ? dayStart(to, { where, timezone }, 1) : instant(to, where, "to") + 1;
  if (end <= begin) throw conflict(where, "exclude: to is before from", "swap them");
  return [begin, end];
}

function instant(value: unknown, where: string, name: string): number {
  return instantOption(value, where, `exclude: ${name}`);
}

/** The first instant of a local date, or of `plus` days after it. */
function dayStart(text: string, at: { where: string; timezone: string }, plus: number): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const [year, month, day] = (match ?? []).slice(1).map(Number);
  const utc = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day ?? 0));
  const exists = match !== null && utc.getUTCMonth() + 1 === month && utc.getUTCDate() === day;
  if (!exists) {
    throw invalid(at.where, `exclude: ${quote(text)} is not a date`, {
      fix: 'write dates as "2026-12-25"; a span is { from: "2026-12-24", to: "2026-12-26" }',
      value: text,
    });
  }
  utc.setUTCDate(utc.getUTCDate() + plus);
  return startOfDay(at.timezone, utc.getUTCFullYear(), utc.getUTCMonth() + 1, utc.getUTCDate());
}

/** In order, those that touch as one. */
function joined(spans: readonly ExcludedSpan[]): ExcludedSpan[] {
  const out: ExcludedSpan[] = [];
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}
