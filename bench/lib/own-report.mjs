/** The tables of our own CPU costs. */
import { number, table } from "./table.mjs";

/** @typedef {import("./own-costs.mjs").Cost} Cost */

const COLUMNS = ["Node µs", "Redis µs", "of it scripts"];

/** @param {Cost} cost @param {string} [indent] */
const row = ({ part, nodeUs, redisUs, scriptUs }, indent = "") => [
  indent + part,
  number(nodeUs, 2),
  ...(redisUs === 0 ? ["–", "–"] : [number(redisUs, 2), number(scriptUs, 2)]),
];

/**
 * @param {readonly Cost[]} parts
 * @param {readonly { whole: Cost, of: readonly Cost[] }[]} wholes
 * @returns {string[]} lines
 */
export function showCosts(parts, wholes) {
  const of = wholes.flatMap((one) => [row(one.whole), ...one.of.map((part) => row(part, "  "))]);
  return [
    "",
    "CPU, one call after the other (so a call pays for its whole round trip):",
    ...table(
      ["per job", ...COLUMNS],
      parts.map((part) => row(part)),
    ),
    "",
    "CPU of the whole, by the public face, and what it is made of:",
    ...table(["per job", ...COLUMNS], of),
  ];
}
