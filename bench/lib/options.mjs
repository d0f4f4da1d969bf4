/** The command line of the bench. */
import { parseArgs } from "node:util";
import { SYSTEMS } from "./system.mjs";

export const USAGE = `npm run bench -- [options]
  --quick            small numbers, 1 round: under 3 minutes
  --only a,b         cases whose names begin so (see --list)
  --systems a,b      of: ${Object.keys(SYSTEMS).join(", ")}
  --rounds n         default: 3, quick 1
  --payload n        bytes of a job's data as JSON; default: 100
  --tasks n          spreads the jobs over so many tasks, and the concurrency, too; default: 1
  --retry-off        our jobs at most once, in every case; the peers stay as they are
  --write-ratios     makes the ratios of this run the committed ones
  --no-build         measure the dist that is there
  --list             names the cases
`;

/**
 * @typedef {object} Options
 * @property {boolean} quick
 * @property {readonly import("./case.mjs").Case[]} cases
 * @property {readonly string[]} systems
 * @property {number} rounds
 * @property {number} bytes
 * @property {number} tasks
 * @property {boolean} retry
 * @property {boolean} build
 * @property {boolean} writeRatios
 */

/**
 * @param {readonly string[]} words
 * @param {readonly import("./case.mjs").Case[]} all
 * @returns {Options | string} a text: what to print instead of a run
 */
export function readOptions(words, all) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      systems: { type: "string" },
      rounds: { type: "string" },
      payload: { type: "string", default: "100" },
      tasks: { type: "string", default: "1" },
      "retry-off": { type: "boolean", default: false },
      "write-ratios": { type: "boolean", default: false },
      "no-build": { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return USAGE;
  if (values.list) return all.map(({ key }) => key).join("\n");
  const quick = values.quick;
  return {
    quick,
    cases: casesOf(all, values.only, quick),
    systems: systemsOf(values.systems),
    rounds: wholeNumber("--rounds", values.rounds ?? (quick ? "1" : "3")),
    bytes: wholeNumber("--payload", values.payload),
    tasks: wholeNumber("--tasks", values.tasks),
    retry: !values["retry-off"],
    build: !values["no-build"],
    writeRatios: values["write-ratios"],
  };
}

/**
 * @param {readonly import("./case.mjs").Case[]} all
 * @param {string | undefined} only
 * @param {boolean} quick
 */
function casesOf(all, only, quick) {
  if (only === undefined) return all.filter(({ fullOnly }) => !(quick && fullOnly));
  const wanted = only.split(",");
  for (const word of wanted) {
    if (all.some(({ key }) => key.startsWith(word))) continue;
    throw new Error(`--only ${word}: no case begins so; there are ${all.map((c) => c.key)}`);
  }
  return all.filter(({ key }) => wanted.some((word) => key.startsWith(word)));
}

/** @param {string | undefined} named */
function systemsOf(named) {
  const keys = named?.split(",") ?? Object.keys(SYSTEMS);
  for (const key of keys) {
    if (SYSTEMS[key] !== undefined) continue;
    throw new Error(`--systems ${key}: there are ${Object.keys(SYSTEMS).join(", ")}`);
  }
  return keys;
}

/**
 * @param {string} option
 * @param {string} text
 */
function wholeNumber(option, text) {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${option} ${text}: give a whole number above 0`);
}
