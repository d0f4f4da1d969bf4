#!/usr/bin/env node
/**
 * Writes the scripts of protocol/lua into TypeScript: src/store/redis/scripts.ts is what the
 * library runs, testing-scripts.ts the same verbs with a clock that tests move by hand.
 * `--check` writes nothing and fails when a file is not what would be written.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { shape } from "./lib/lua-shape.mjs";
import { assembleVerb, usualOf, withoutComments } from "./lib/lua-source.mjs";
import { isMain, ROOT } from "./lib/project.mjs";

const SOURCE = "protocol/lua";

/** What this script writes; everything else in the repository is written by hand. */
export const GENERATED_FILES = Object.freeze([
  "src/store/redis/scripts.ts",
  "src/store/redis/testing-scripts.ts",
]);

/** The only caller of TIME, and what stands for it in tests. */
const CLOCK = "lib/now.lua";
const TEST_CLOCK = "lib/now-test.lua";

const NOTICE = "Generated from protocol/lua by `npm run build:lua`; change the .lua files instead.";

/**
 * What each generated file has to contain, by its path.
 * @param {string} [root] the folder of the repository
 * @returns {Map<string, string>}
 */
export function generate(root = ROOT) {
  const folder = join(root, SOURCE);
  const verbs = readdirSync(folder)
    .filter((name) => name.endsWith(".lua"))
    .map((name) => name.slice(0, -".lua".length))
    .sort();
  if (verbs.length === 0) throw new Error(`${SOURCE} has no .lua file`);
  /** @param {string} path */
  const read = (path) => {
    const file = join(folder, path);
    if (!existsSync(file)) throw new Error(`${SOURCE}/${path} is included but is not there`);
    return readFileSync(file, "utf8").replaceAll("\r\n", "\n");
  };
  const built = verbs.map((verb) => {
    const file = `${verb}.lua`;
    return { verb, text: shape(assembleVerb(file, read), usualOf(read(file))) };
  });
  /** @param {string} path */
  const stripped = (path) => withoutComments(read(path), path);
  const [shipped, testing] = /** @type {[string, string]} */ (GENERATED_FILES);
  const clock = { real: stripped(CLOCK), test: stripped(TEST_CLOCK) };
  return new Map([
    [shipped, renderShipped(built)],
    [testing, renderTesting(clock)],
  ]);
}

/**
 * @param {readonly { verb: string, text: string }[]} scripts
 * @returns {string}
 */
function renderShipped(scripts) {
  const verbs = scripts.map(({ verb }) => `  | ${JSON.stringify(verb)}`).join("\n");
  return `/** The scripts that the Redis store runs. ${NOTICE} */

/** A script and the address under which a server remembers it. */
export interface Script {
  readonly text: string;
  readonly sha1: string;
}

export type Verb =
${verbs};

export const scripts: Readonly<Record<Verb, Script>> = ${renderRecord(scripts)};
`;
}

/**
 * @param {{ real: string, test: string }} clock
 * @returns {string}
 */
function renderTesting(clock) {
  return `/** The scripts with a clock that tests move by hand. ${NOTICE} */
import { createHash } from "node:crypto";
import { type Script, scripts, type Verb } from "./scripts.js";

const REAL_CLOCK = ${literal(clock.real)};

const TEST_CLOCK = ${literal(clock.test)};

function withTestClock(script: Script): Script {
  const text = script.text.replace(REAL_CLOCK, () => TEST_CLOCK);
  return { text, sha1: createHash("sha1").update(text).digest("hex") };
}

export const testScripts: Readonly<Record<Verb, Script>> = Object.fromEntries(
  Object.entries(scripts).map(([verb, script]) => [verb, withTestClock(script)]),
) as Record<Verb, Script>;
`;
}

/**
 * A text as a template literal. (String.raw would keep backslashes short, but holds no backtick.)
 * @param {string} text
 * @returns {string}
 */
function literal(text) {
  return `\`${text.replace(/[\\`]|\$\{/g, "\\$&")}\``;
}

/**
 * @param {readonly { verb: string, text: string }[]} scripts
 * @returns {string}
 */
function renderRecord(scripts) {
  const entries = scripts.map(({ verb, text }) => {
    const sha1 = createHash("sha1").update(text).digest("hex");
    const lines = [`sha1: "${sha1}",`, `text: ${literal(text)},`];
    return `  ${JSON.stringify(verb)}: {\n    ${lines.join("\n    ")}\n  },\n`;
  });
  return `{\n${entries.join("")}}`;
}

/**
 * The generated files that are not what would be written now.
 * @param {string} [root]
 * @returns {string[]}
 */
export function staleFiles(root = ROOT) {
  const stale = [];
  for (const [path, text] of generate(root)) {
    const file = join(root, path);
    if (!existsSync(file) || readFileSync(file, "utf8") !== text) stale.push(path);
  }
  return stale;
}

/** @param {readonly string[]} args */
function main(args) {
  const stale = staleFiles();
  if (args.includes("--check")) {
    for (const path of stale) {
      console.error(`${path} is not what ${SOURCE} says now: run \`npm run build:lua\``);
    }
    process.exitCode = stale.length === 0 ? 0 : 1;
    return;
  }
  // Unchanged files keep their time, so that nothing is compiled again for nothing.
  const texts = generate();
  for (const path of stale) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), texts.get(path) ?? "");
    console.log(`wrote ${path}`);
  }
}

if (isMain(import.meta)) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
