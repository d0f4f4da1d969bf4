/**
 * Shapes an assembled script so that little has to be made each time it runs: a server runs the
 * whole text, definitions included, for every call.
 *  1. functions that nothing calls are left out: an included file has more than one verb needs
 *  2. functions become fields of one table: as locals each of them would be searched for, from the
 *     last one back, for every function that calls it, and a hundred of them cost more than the
 *     commands of a call
 */

/** @typedef {{ name: string, text: string }} Fn a function at the top of a script */

/** As this project writes them: at the top, ending with an `end` at the margin. */
const FUNCTION = /^local function (\w+)\(.*\)\n(?:(?!end$).*\n)*end$/gm;
const STRING = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;

/** The table of functions. */
const TABLE = "F";

/** Replaced by name in tests. */
const KEPT = new Set(["now_us"]);

/**
 * @param {string} text without comments
 * @returns {string}
 */
export function shape(text) {
  return asFields(withoutUnused(text));
}

/**
 * @param {string} text
 * @returns {Fn[]}
 */
function functionsOf(text) {
  return Array.from(text.matchAll(FUNCTION), ([whole, name = ""]) => ({ name, text: whole }));
}

/**
 * @param {string} text
 * @returns {string}
 */
function withoutUnused(text) {
  const code = text.replace(STRING, "''");
  const unused = functionsOf(text).find(
    ({ name }) => (code.match(word(name)) ?? []).length === 1 && !KEPT.has(name),
  );
  return unused === undefined ? text : withoutUnused(text.replace(`${unused.text}\n`, ""));
}

/**
 * @param {string} text
 * @returns {string}
 */
function asFields(text) {
  const names = functionsOf(text)
    .map(({ name }) => name)
    .filter((name) => !KEPT.has(name) && isOnlyFunction(text, name));
  if (names.length === 0) return text;
  let out = text;
  for (const name of names) {
    out = out.replace(`local function ${name}(`, `function ${TABLE}.${name}(`);
    out = outsideStrings(out, (code) =>
      code.replace(new RegExp(`(?<![\\w.:])${name}(?!\\w)`, "g"), `${TABLE}.${name}`),
    );
  }
  // Made at its full size: a table that grows is copied again and again.
  const fields = names.map((name) => `${name}=0`).join(",");
  return out.replace("\n", `\nlocal ${TABLE} = {${fields}}\n`);
}

/**
 * False: the word is a variable or a field somewhere, too, and stays as it is.
 * @param {string} text
 * @param {string} name
 */
function isOnlyFunction(text, name) {
  const code = text.replace(STRING, "''");
  const uses = [
    `\\blocal (?:\\w+, )*${name}\\b(?!\\()`,
    `\\bfunction[^(\\n]*\\([^)]*\\b${name}\\b`,
    `\\bfor (?:\\w+, )*${name}\\b`,
    `\\b${name}\\s*=(?!=)`,
  ];
  return !uses.some((use) => new RegExp(use).test(code));
}

/**
 * @param {string} text
 * @param {(code: string) => string} change
 */
function outsideStrings(text, change) {
  let out = "";
  let at = 0;
  for (const found of text.matchAll(STRING)) {
    out += change(text.slice(at, found.index)) + found[0];
    at = found.index + found[0].length;
  }
  return out + change(text.slice(at));
}

/** @param {string} name */
function word(name) {
  return new RegExp(`(?<![\\w.:])${name}(?!\\w)`, "g");
}
