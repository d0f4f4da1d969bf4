/** What is kept of ended jobs: the options `retention` and `idRetention`. */
import { LONGEST_DURATION_MS } from "../duration.js";
import { DEFAULT_KEEP, type KeepRule, type KeepRules } from "../keep.js";
import { show } from "../show.js";
import { durationOption, invalid, isPlainObject, readOptions, wholeOption } from "./read.js";

const STATES = ["completed", "dead", "cancelled"] as const;

/** What an option that names only one of age and count gets for the other: a bound all the same. */
const WHEN_KEPT = DEFAULT_KEEP.dead;
const MOST_KEPT = 10_000_000;

export function checkKeep(retention: unknown, idRetention: unknown, where: string): KeepRules {
  const given = readOptions(retention, `${where}: retention`, { names: STATES });
  const keep: KeepRules = {
    ...DEFAULT_KEEP,
    idMs: durationOption(idRetention, {
      where,
      name: "idRetention",
      fallback: DEFAULT_KEEP.idMs,
      min: 0,
      max: LONGEST_DURATION_MS,
    }),
  };
  for (const state of STATES) {
    if (given[state] !== undefined) {
      keep[state] = checkRule(given[state], `${where}: retention.${state}`);
    }
  }
  return keep;
}

function checkRule(option: unknown, where: string): KeepRule {
  if (option === false) return { ageMs: 0, count: 0 };
  if (!isPlainObject(option)) {
    throw invalid(where, `must be false or { age, count }, got ${show(option)}`, {
      fix: 'use { age: "7d", count: 1000 }, or false to only count them',
      value: option,
    });
  }
  const { age, count } = readOptions(option, where, { names: ["age", "count"] });
  return {
    ageMs: durationOption(age, {
      where,
      name: "age",
      fallback: WHEN_KEPT.ageMs,
      min: 0,
      max: LONGEST_DURATION_MS,
    }),
    count: wholeOption(count, {
      where,
      name: "count",
      fallback: WHEN_KEPT.count,
      min: 0,
      max: MOST_KEPT,
    }),
  };
}
