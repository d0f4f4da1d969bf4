/**
 * The committed ratios to other systems, and how those of a run compare with them. Never a gate:
 * they are times, and a machine has its days. Counts are (baseline.mjs).
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Committed
 * @property {Record<string, string | number | null>} conditions of the run that was written last
 * @property {Record<string, Record<string, number>>} ratios of each figure, by system: how many
 *   times better this library is
 */

export const RATIOS_FILE = fileURLToPath(new URL("../ratios.json", import.meta.url));

/** Whoever is told of each change of a noisy figure does not listen any more. */
const WORTH_A_LINE = 0.2;

/** @returns {Committed} */
export function readRatios() {
  if (!existsSync(RATIOS_FILE)) return { conditions: {}, ratios: {} };
  return JSON.parse(readFileSync(RATIOS_FILE, "utf8"));
}

/**
 * @param {ReturnType<typeof import("./report.mjs").content>} cases
 * @returns {Committed["ratios"]}
 */
export function ratiosOf(cases) {
  /** @type {Committed["ratios"]} */
  const ratios = {};
  for (const { case: name, systems } of cases) {
    for (const [system, { figures }] of Object.entries(systems)) {
      for (const [title, { oursBetter }] of Object.entries(figures)) {
        if (oursBetter === null) continue;
        const own = ratios[`${name}: ${title}`] ?? {};
        ratios[`${name}: ${title}`] = { ...own, [system]: Number(oursBetter.toPrecision(3)) };
      }
    }
  }
  return ratios;
}

/**
 * What was not measured stays as it was, and what is not known of this run.
 * @param {Committed["ratios"]} measured
 * @param {Committed["conditions"]} conditions
 */
export function writeRatios(measured, conditions) {
  const before = readRatios();
  const ratios = { ...before.ratios };
  for (const [figure, own] of Object.entries(measured)) {
    ratios[figure] = { ...ratios[figure], ...own };
  }
  const known = Object.entries(conditions).filter(([, value]) => value !== null);
  const content = { conditions: { ...before.conditions, ...Object.fromEntries(known) }, ratios };
  writeFileSync(RATIOS_FILE, `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * Those that have changed by a fifth and more.
 * @param {Committed["ratios"]} measured
 * @param {Committed} [committed]
 * @returns {string[]}
 */
export function ratioLines(measured, { ratios } = readRatios()) {
  return Object.entries(measured).flatMap(([figure, own]) =>
    Object.entries(own).flatMap(([system, now]) => {
      const before = ratios[figure]?.[system];
      if (before === undefined || Math.abs(now / before - 1) < WORTH_A_LINE) return [];
      return [`${figure}, beside ${system}: ${before}× as committed, ${now}× now`];
    }),
  );
}
