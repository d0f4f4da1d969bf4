/**
 * Shapes an assembled script so that little has to be made each time it runs: a server runs the
 * whole text, definitions included, for every call.
 *  1. functions that nothing calls are left out: an included file has more than one verb needs
 *  2. functions become fields of one table: as locals each of them would be searched for, from the
 *     last one back, for every function that calls it, and a hundred of them cost more than the
 *     commands of a call
 *  3. where a verb says what it usually needs, all other functions are made when the first of them
 *     is asked for
 */

/** @typedef {{ name: string, text: string }} Fn a function at the top of a script */

/** As this project writes them: at the top, ending with an `end` at the margin. */
const FUNCTION = /^local function (\w+)\(.*\)\n(?:(?!end$).*\n)*end$/gm;
const STRING = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;

/** The table of functions, and the list of what makes those that are rarely needed. */
const TABLE = "F";
const MAKERS = "R";

/** Replaced by name in tests. */
const KEPT = new Set(["now_us"]);

/**
 * @param {string} text without comments
 * @param {readonly string[] | null} [usual] the functions that a usual call needs; null: all
 * @returns {string}
 */
export function shape(text, usual = null) {
  return asFields(withoutUnused(text), usual);
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
 * @param {readonly string[] | null} usual
 * @returns {string}
 */
function asFields(text, usual) {
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
  const unknown = (usual ?? []).filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no such function: ${unknown.join(", ")}`);
  // Made at its full size: a table that grows is copied again and again.
  const fields = (usual ?? names).map((name) => `${name}=0`).join(",");
  const table = `local ${TABLE} = {${fields}}`;
  if (usual === null) return out.replace("\n", `\n${table}\n`);
  return made(out, usual).replace("\n", `\n${table}\n${WHEN_ASKED}\n`);
}

/** A maker sees what stands above it, and is asked by what stands below it. */
const WHEN_ASKED = `local ${MAKERS} = {}
setmetatable(${TABLE}, { __index = function(_, name)
  for k = #${MAKERS}, 1, -1 do
    ${MAKERS}[k]()
    ${MAKERS}[k] = nil
    if rawget(${TABLE}, name) then break end
  end
  return rawget(${TABLE}, name)
end })`;

const LOCALS = /^local (?!function)([\w, ]+)/gm;
const FIELD = new RegExp(`^function ${TABLE}\\.(\\w+)\\(.*\\)\\n(?:(?!end$).*\\n)*end$`, "gm");

/**
 * The same with makers of the functions that are not usual, each as late as nothing can have asked
 * for one of them before.
 * @param {string} text
 * @param {readonly string[]} usual
 */
function made(text, usual) {
  const locals = Array.from(text.matchAll(LOCALS), ([, names = ""]) =>
    names.trim().split(", "),
  ).flat();
  const double = locals.find((name, k) => locals.indexOf(name) !== k);
  // A maker stands below both, and would take the second for the first.
  if (double !== undefined) throw new Error(`${double} stands for two things`);
  let out = "";
  let at = 0;
  /** @type {string[]} */
  let row = [];
  const make = () => {
    const one = `${MAKERS}[#${MAKERS} + 1] = function()\n${row.join("\n")}\nend\n`;
    if (row.length > 0) out += one;
    row = [];
  };
  for (const found of text.matchAll(FIELD)) {
    const between = text.slice(at, found.index);
    if (between.replace(FUNCTION, "").includes(`${TABLE}.`)) make();
    out += between;
    at = found.index + found[0].length + 1;
    if (usual.includes(found[1] ?? "")) out += `${found[0]}\n`;
    else row.push(found[0]);
  }
  make();
  return out + text.slice(at);
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
