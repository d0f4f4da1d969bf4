/** Time and randomness: who may ask for them. Everybody else is given a `Clock` or a `Chance`. */
import { importsOf } from "./arrows.js";
import {
  isCode,
  lineAt,
  type Node,
  nameOf,
  type Offence,
  type Place,
  type SourceFile,
  treeOf,
  walk,
} from "./source.js";

interface Forbidden {
  /** The file that may. */
  home: string;
  names: ReadonlySet<string>;
  /** `object.member`. */
  members: ReadonlySet<string>;
  modules: ReadonlySet<string>;
  fix: string;
}

const TIME: Forbidden = {
  home: "src/clock.ts",
  names: new Set(["setTimeout", "setInterval", "setImmediate", "performance"]),
  members: new Set([
    "Date.now",
    "process.hrtime",
    "process.uptime",
    "AbortSignal.timeout",
    "Atomics.wait",
  ]),
  modules: new Set(["node:timers", "node:timers/promises", "node:perf_hooks"]),
  fix: "take a `Clock` as an argument; only src/clock.ts reads time and sets timers",
};

const CHANCE: Forbidden = {
  home: "src/chance.ts",
  names: new Set(["randomBytes", "randomUUID", "randomInt", "randomFill", "randomFillSync"]),
  members: new Set(["Math.random", "crypto.getRandomValues", "webcrypto.getRandomValues"]),
  modules: new Set(),
  fix: "take a `Chance` as an argument; only src/chance.ts draws randomness",
};

/** Nobody but the clock asks what time it is. */
export function clockRule(files: readonly SourceFile[]): Offence[] {
  return users(files, TIME);
}

/** Nobody but chance.ts draws randomness. */
export function chanceRule(files: readonly SourceFile[]): Offence[] {
  return users(files, CHANCE);
}

function users(files: readonly SourceFile[], forbidden: Forbidden): Offence[] {
  const others = files.filter(
    (file) => file.path.startsWith("src/") && isCode(file) && file.path !== forbidden.home,
  );
  return others.flatMap((file) => {
    const offences: Offence[] = importsOf(file)
      .filter(({ target }) => target !== null && forbidden.modules.has(target))
      .map(({ path, line, target }) => ({
        path,
        line,
        what: `imports ${target}`,
        fix: forbidden.fix,
      }));
    walk(treeOf(file), (node, place) => {
      const what = use(node, place, forbidden);
      if (what === null) return;
      const line = lineAt(file.text, node.start);
      offences.push({ path: file.path, line, what: `uses ${what}`, fix: forbidden.fix });
    });
    return offences;
  });
}

/** What a node uses of the forbidden; null: nothing. */
function use(node: Node, place: Place, { names, members }: Forbidden): string | null {
  if (node.type === "Identifier" && names.has(nameOf(node)) && !isLabel(place)) return nameOf(node);
  if (node.type === "MemberExpression") {
    const property = nameOf(node.property);
    if (names.has(property)) return property;
    const member = `${nameOf(node.object)}.${property}`;
    return members.has(member) ? member : null;
  }
  // `new Date()` and `Date()` read the clock; `new Date(ms)` only shows an instant.
  const isDate = nameOf(node.callee) === "Date" && members.has("Date.now");
  if (isDate && node.type === "CallExpression") return "Date()";
  if (isDate && node.type === "NewExpression" && (node.arguments as unknown[]).length === 0) {
    return "new Date()";
  }
  return null;
}

/** True where an identifier only names a field, which is no use of what has the same name. */
function isLabel({ field, parents }: Place): boolean {
  const parent = parents[0];
  if (parent?.computed === true) return false;
  if (field === "property") return true;
  return field === "key" && parent?.shorthand !== true;
}
