/** The committed counts of our own costs, and how new ones are compared with them. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * @typedef {import("./own-counts.mjs").Counts} Counts
 */

export const BASELINE_FILE = fileURLToPath(new URL("../baseline.json", import.meta.url));

/** A count may grow by so much: numbers of jobs grow longer, and memory is given out in steps. */
const TOLERANCE = 0.01;

/** What is said with every difference. */
export const HOW_TO_UPDATE =
  "if that is meant: npm run bench:own -- --write-baseline, and commit bench/baseline.json";

/** @returns {Counts} */
export function readBaseline() {
  return JSON.parse(readFileSync(BASELINE_FILE, "utf8"));
}

/** @param {Counts} counts */
export function writeBaseline(counts) {
  /** @type {(key: string, value: unknown) => unknown} */
  const short = (_, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);
  writeFileSync(BASELINE_FILE, `${JSON.stringify(counts, short, 2)}\n`);
}

/**
 * All figures with their names, as "push ×10: sentBytes".
 * @param {Counts} counts
 * @param {boolean} [withMemory]
 * @returns {Map<string, number>}
 */
export function figuresOf({ perJob, memoryBytes }, withMemory = true) {
  /** @type {Map<string, number>} */
  const figures = new Map();
  for (const [verb, count] of Object.entries(perJob)) {
    for (const [name, value] of Object.entries(count)) figures.set(`${verb}: ${name}`, value);
  }
  for (const [state, value] of Object.entries(withMemory ? memoryBytes : {})) {
    figures.set(`memory of a ${state} job: bytes`, value);
  }
  return figures;
}

/**
 * What has grown, is missing or is new; empty: all is as it was, or better. Memory is a matter of
 * Redis, too: it is compared where both were counted on the same version.
 * @param {Counts} baseline
 * @param {Counts} now
 * @returns {string[]}
 */
export function grown(baseline, now) {
  const withMemory = baseline.redis === now.redis;
  const before = figuresOf(baseline, withMemory);
  const after = figuresOf(now, withMemory);
  /** @type {string[]} */
  const found = [];
  for (const [name, old] of before) {
    const value = after.get(name);
    if (value === undefined) found.push(`${name}: is not counted any more`);
    else if (value > old * (1 + TOLERANCE)) found.push(`${name}: ${show(old)} → ${show(value)}`);
  }
  for (const name of after.keys()) {
    if (!before.has(name)) found.push(`${name}: is not in the baseline`);
  }
  return found;
}

/** @param {number} value */
const show = (value) => String(Number(value.toPrecision(6)));
