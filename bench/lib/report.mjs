/** What the bench shows and keeps of its results. */
import { cpus, loadavg } from "node:os";
import { OURS } from "./system.mjs";
import { number, table } from "./table.mjs";

/**
 * @typedef {import("./case.mjs").Case} Case
 * @typedef {import("./results.mjs").Results} Results
 * @typedef {import("./options.mjs").Options} Options
 * @typedef {ReadonlyMap<string, import("./system.mjs").System>} Systems
 */

/**
 * One table for each case, with what was wrong below it.
 * @param {Results} results
 * @param {Options} options
 * @param {Systems} systems
 * @returns {string[]} lines
 */
export function report(results, options, systems) {
  return options.cases.flatMap((given) => {
    const keys = [...systems.keys()].filter((key) => results.has(given.key, key));
    if (keys.length === 0) return [];
    const size = sizeOf(given, options);
    const head = ["", ...given.metrics.map(({ title }) => title), "spread"];
    const rows = keys.map((key) => row(results, given, namesOf(systems, key)));
    const wrong = keys.flatMap((key) =>
      results.problems(given.key, key).map((text) => `  ✗ ${titleOf(systems, key)}: ${text}`),
    );
    const notes = keys.flatMap((key) =>
      results.notes(given.key, key).map((text) => `  · ${titleOf(systems, key)}: ${text}`),
    );
    return ["", `${given.key} · ${given.title(size)}`, ...table(head, rows), ...notes, ...wrong];
  });
}

/**
 * @typedef {{ key: string, title: string, against: string }} Names
 * @param {Systems} systems
 * @param {string} key
 * @returns {Names}
 */
const namesOf = (systems, key) => ({
  key,
  title: titleOf(systems, key),
  against: systems.get(key)?.against ?? OURS,
});

/**
 * @param {Results} results
 * @param {Case} given
 * @param {Names} system
 */
function row(results, given, system) {
  const cells = given.metrics.map((metric) => {
    const summary = results.summary(given.key, system, metric);
    if (summary === null) return "–";
    const { median, oursBetter } = summary;
    const shown = number(median, metric.digits);
    return oursBetter === null ? shown : `${shown} (${number(oursBetter, 2)}×)`;
  });
  const [main] = given.metrics;
  const summary = main ? results.summary(given.key, system, main) : null;
  const known = summary !== null && summary.rounds.length > 1;
  return [system.title, ...cells, known ? `${number(summary.spread * 100, 0)} %` : "–"];
}

/**
 * @param {Results} results
 * @param {Options} options
 * @param {Systems} systems
 */
export function content(results, options, systems) {
  return options.cases.map((given) => ({
    case: given.key,
    title: given.title(sizeOf(given, options)),
    systems: Object.fromEntries(
      [...systems.keys()]
        .filter((key) => results.has(given.key, key))
        .map((key) => [
          key,
          {
            figures: Object.fromEntries(
              given.metrics.flatMap((metric) => {
                const summary = results.summary(given.key, namesOf(systems, key), metric);
                return summary === null ? [] : [[metric.title, summary]];
              }),
            ),
            problems: results.problems(given.key, key),
            notes: results.notes(given.key, key),
          },
        ]),
    ),
  }));
}

/** The machine, as far as figures depend on it. */
export function machine() {
  const [first] = cpus();
  return {
    cpus: cpus().length,
    model: first?.model ?? "unknown",
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    load: loadavg().map((value) => Number(value.toFixed(2))),
  };
}

/**
 * @param {Case} given
 * @param {Options} options
 */
export function sizeOf(given, options) {
  return options.quick ? given.sizes.quick : given.sizes.full;
}

/**
 * @param {Systems} systems
 * @param {string} key
 */
function titleOf(systems, key) {
  return systems.get(key)?.title ?? key;
}
