/** What the bench shows and keeps of its results. */
import { cpus, loadavg } from "node:os";
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
    const rows = keys.map((key) => row(results, given, { key, title: titleOf(systems, key) }));
    const wrong = keys.flatMap((key) =>
      results.problems(given.key, key).map((text) => `  ✗ ${titleOf(systems, key)}: ${text}`),
    );
    return ["", `${given.key} · ${given.title(size)}`, ...table(head, rows), ...wrong];
  });
}

/**
 * @param {Results} results
 * @param {Case} given
 * @param {{ key: string, title: string }} system
 */
function row(results, given, { key, title }) {
  const cells = given.metrics.map((metric) => {
    const summary = results.summary(given.key, key, metric);
    if (summary === null) return "–";
    const { median, oursBetter } = summary;
    const shown = number(median, metric.digits);
    return oursBetter === null ? shown : `${shown} (${number(oursBetter, 2)}×)`;
  });
  const [main] = given.metrics;
  const summary = main ? results.summary(given.key, key, main) : null;
  const known = summary !== null && summary.rounds.length > 1;
  return [title, ...cells, known ? `${number(summary.spread * 100, 0)} %` : "–"];
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
                const summary = results.summary(given.key, key, metric);
                return summary === null ? [] : [[metric.title, summary]];
              }),
            ),
            problems: results.problems(given.key, key),
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
