/**
 * Turns the files of protocol/lua into the texts that servers run: includes resolved, comments
 * and blank lines left out. Knows nothing of TypeScript or of files on disk.
 */

/**
 * @typedef {(path: string) => string} ReadLua Text of a file, by its path below protocol/lua.
 */

const SHEBANG = /^#!lua(?: name=\S+)?(?: flags=[a-z,-]+)?$/;
const INCLUDE = /^--\s*@include\s+(\S+)\s*$/;
/** What a verb's header has to say, so that other languages can call it from the file alone. */
const HEADER_LINES = [/^--\s*keys\b/im, /^--\s*args\b/im];

/**
 * The text of one verb.
 * @param {string} path
 * @param {ReadLua} read
 * @returns {string}
 */
export function assembleVerb(path, read) {
  const source = read(path);
  const lines = source.split("\n");
  const shebang = lines.shift() ?? "";
  if (!SHEBANG.test(shebang)) {
    throw new Error(`${path}: the first line must be "#!lua flags=…", it is "${shebang}"`);
  }
  for (const needed of HEADER_LINES) {
    if (!needed.test(source)) {
      throw new Error(`${path}: the header must have a line that matches ${needed}`);
    }
  }
  const body = expandIncludes({ path, text: lines.join("\n"), read, done: new Set() });
  return `${shebang}\n${withoutComments(body, path)}\n`;
}

/**
 * The functions that a usual call of a verb needs, as its header says: `-- usual  one two`, and
 * indented lines behind it. null: it does not say.
 * @param {string} source
 * @returns {string[] | null}
 */
export function usualOf(source) {
  const said = /^-- usual {2}(.+(?:\n-- {8}\S.*)*)/m.exec(source)?.[1];
  return said === undefined ? null : said.replace(/\n--/g, " ").trim().split(/\s+/);
}

/**
 * Puts each included file in the place of its first include; later includes of it give nothing.
 * @param {{ path: string, text: string, read: ReadLua, done: Set<string>,
 *   within?: readonly string[] }} args
 * @returns {string}
 */
function expandIncludes({ path, text, read, done, within = [] }) {
  const trail = [...within, path];
  /** @type {string[]} */
  const out = [];
  for (const line of text.split("\n")) {
    const named = INCLUDE.exec(line.trim())?.[1];
    if (named === undefined) {
      out.push(line);
      continue;
    }
    if (!named.startsWith("lib/")) {
      throw new Error(`${path}: @include ${named}: only files of lib/ can be included`);
    }
    if (trail.includes(named)) {
      throw new Error(`${path}: @include goes in a circle: ${[...trail, named].join(" → ")}`);
    }
    if (done.has(named)) continue;
    done.add(named);
    const included = read(named);
    if (included.startsWith("#!")) throw new Error(`${named}: only verbs have a #! line`);
    out.push(expandIncludes({ path: named, text: included, read, done, within: trail }));
  }
  return out.join("\n");
}

/**
 * The same program without comments and blank lines. Strings are left exactly as they are.
 * @param {string} text
 * @param {string} where
 * @returns {string}
 */
export function withoutComments(text, where) {
  let out = "";
  let at = 0;
  while (at < text.length) {
    const end = tokenEnd(text, at, where);
    if (!text.startsWith("--", at)) out += text.slice(at, end);
    // A long comment may stand between two words; a space keeps them apart.
    else if (text[at + 2] === "[" && text[end - 1] === "]") out += " ";
    at = end;
  }
  return out
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .join("\n");
}

/**
 * Where the piece that begins at `at` ends: a comment, a string, or one other character.
 * @param {string} text
 * @param {number} at
 * @param {string} where
 * @returns {number}
 */
function tokenEnd(text, at, where) {
  const first = text[at];
  if (text.startsWith("--", at)) {
    if (/^--\[=*\[/.test(text.slice(at, at + 12))) return longBracketEnd(text, at + 2, where);
    const end = text.indexOf("\n", at);
    return end === -1 ? text.length : end;
  }
  if (first === '"' || first === "'") return quotedEnd(text, at, where);
  // Blank lines are dropped line by line afterwards, which a string over several lines would not
  // survive; scripts do without them.
  if (first === "[" && /^\[=*\[/.test(text.slice(at, at + 10))) {
    throw new Error(`${where}: line ${lineOf(text, at)}: write "…" instead of a [[…]] string`);
  }
  return at + 1;
}

/**
 * @param {string} text
 * @param {number} at
 * @param {string} where
 * @returns {number}
 */
function quotedEnd(text, at, where) {
  for (let i = at + 1; i < text.length && text[i] !== "\n"; i += 1) {
    if (text[i] === "\\") i += 1;
    else if (text[i] === text[at]) return i + 1;
  }
  throw new Error(`${where}: line ${lineOf(text, at)}: a string that does not end on its line`);
}

/**
 * @param {string} text
 * @param {number} at
 * @param {string} where
 * @returns {number}
 */
function longBracketEnd(text, at, where) {
  const level = /^\[(=*)\[/.exec(text.slice(at))?.[1] ?? "";
  const close = `]${level}]`;
  const end = text.indexOf(close, at);
  if (end === -1) throw new Error(`${where}: line ${lineOf(text, at)}: a comment without an end`);
  return end + close.length;
}

/**
 * @param {string} text
 * @param {number} at
 * @returns {number}
 */
function lineOf(text, at) {
  return text.slice(0, at).split("\n").length;
}
