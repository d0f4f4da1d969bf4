/** All that was measured, by case, system and round, and what it comes to. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, spread } from "./numbers.mjs";
import { BENCH } from "./prepare.mjs";

/**
 * @typedef {import("./case.mjs").Case} Case
 * @typedef {import("./case.mjs").Metric} Metric
 * @typedef {import("./case.mjs").Outcome} Outcome
 */

/**
 * @typedef {object} Summary
 * @property {number} median
 * @property {number} spread (largest - smallest) / median
 * @property {number | null} oursBetter how many times better this library is (on the store that the
 *   system is compared with): the median over rounds, each compared with its own; null: not to be
 *   compared
 * @property {readonly number[]} rounds
 */

export class Results {
  /** @type {Map<string, Outcome[]>} by case and system, one for each round */
  #outcomes = new Map();

  /**
   * @param {string} caseKey
   * @param {string} system
   * @param {Outcome} outcome
   */
  add(caseKey, system, outcome) {
    const key = `${caseKey} ${system}`;
    this.#outcomes.set(key, [...(this.#outcomes.get(key) ?? []), outcome]);
  }

  /**
   * @param {string} caseKey
   * @param {string} system
   */
  has(caseKey, system) {
    return this.#outcomes.has(`${caseKey} ${system}`);
  }

  /**
   * @param {string} caseKey
   * @param {string} system
   * @returns {string[]}
   */
  problems(caseKey, system) {
    const outcomes = this.#outcomes.get(`${caseKey} ${system}`) ?? [];
    return outcomes.flatMap(({ problems }) => problems);
  }

  /**
   * @param {string} caseKey
   * @param {string} system
   * @returns {string[]} each once
   */
  notes(caseKey, system) {
    const outcomes = this.#outcomes.get(`${caseKey} ${system}`) ?? [];
    return [...new Set(outcomes.flatMap(({ notes = [] }) => notes))];
  }

  /**
   * @param {string} caseKey
   * @param {{ key: string, against: string }} system
   * @param {Metric} metric
   * @returns {Summary | null} null: it does not apply, or was never measured
   */
  summary(caseKey, { key, against }, metric) {
    const all = this.#figures(caseKey, key, metric);
    const rounds = all.filter((value) => value !== null);
    if (rounds.length === 0) return null;
    const ours = this.#figures(caseKey, against, metric);
    const ratios = all.flatMap((theirs, round) => {
      const own = ours[round];
      if (theirs === null || own == null || theirs <= 0 || own <= 0) return [];
      return [metric.better === "more" ? own / theirs : theirs / own];
    });
    const compared = key !== against && metric.better !== null && ratios.length > 0;
    return {
      median: median(rounds),
      spread: spread(rounds),
      oursBetter: compared ? median(ratios) : null,
      rounds,
    };
  }

  /**
   * @param {string} caseKey
   * @param {string} system
   * @param {Metric} metric
   */
  #figures(caseKey, system, metric) {
    const outcomes = this.#outcomes.get(`${caseKey} ${system}`) ?? [];
    return outcomes.map(({ figures }) => figures[metric.key] ?? null);
  }
}

/**
 * Writes results/<name>-<instant>.json and results/<name>-latest.json.
 * @param {string} name
 * @param {object} content
 * @returns {string} the path from the project's folder
 */
export function writeResults(name, content) {
  const folder = join(BENCH, "results");
  mkdirSync(folder, { recursive: true });
  const instant = new Date().toISOString().replaceAll(":", "-").slice(0, 19);
  /** @type {(key: string, value: unknown) => unknown} */
  const short = (_, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);
  const text = `${JSON.stringify(content, short, 2)}\n`;
  for (const file of [`${name}-${instant}.json`, `${name}-latest.json`]) {
    writeFileSync(join(folder, file), text);
  }
  return `bench/results/${name}-${instant}.json`;
}
