/** Which part of the library may import which: the arrows of the house; who may use a package. */
import { posix } from "node:path";
import {
  isCode,
  isNode,
  lineAt,
  type Node,
  nameOf,
  type Offence,
  type SourceFile,
  treeOf,
  walk,
} from "./source.js";

/** Each part, and the parts that it may import besides itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  index: ["create", "scheduler", "types", "core"],
  create: [
    "scheduler",
    "threads",
    "loops",
    "redis",
    "sqlite",
    "store",
    "core",
    "clock",
    "chance",
    "types",
  ],
  // Each thread is a root of its own; what begins them stands beside.
  threads: ["loops", "redis", "sqlite", "store", "core", "clock", "chance", "types"],
  scheduler: ["schedules", "loops", "store", "core", "clock", "chance", "types"],
  schedules: ["loops", "store", "core", "types"],
  loops: ["store", "core", "clock", "chance", "types"],
  redis: ["store", "core", "clock", "chance"],
  sqlite: ["store", "core", "clock", "chance"],
  store: ["core"],
  types: ["core"],
  core: [],
  clock: [],
  chance: [],
  // These hang off the public face; nothing imports them.
  testing: ["index", "create", "types", "store", "core", "clock", "chance"],
  cli: ["index", "types"],
  dashboard: ["index", "types"],
  otel: ["index", "types"],
};

/** The only places where a package or a part of Node with side effects is used. */
const PACKAGES: Readonly<Record<string, string>> = {
  ioredis: "src/store/redis/",
  croner: "src/core/cron.ts",
  "@photostructure/sqlite": "src/store/sqlite/",
  "better-sqlite3": "src/store/sqlite/",
  "node:sqlite": "src/store/sqlite/",
};

/** The only place where what users name is imported. */
const USERS_FILES = "src/threads/handler-thread.ts";

/** Parts of Node that do no I/O and know no time, so that `core` stays pure with them. */
const PURE_BUILTINS = new Set(["node:events", "node:util", "node:buffer", "node:crypto"]);

const IMPORTS = new Set([
  "ImportDeclaration",
  "ImportExpression",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "TSImportType",
]);

export interface Import {
  path: string;
  line: number;
  /** As written; null: computed. */
  target: string | null;
}

/** The part of the house that a file of src belongs to; null: none. */
export function partOf(path: string): string | null {
  const [, folder = "", below = ""] = /^src\/([^/]+)(?:\/([^/]+))?/.exec(path) ?? [];
  if (folder === "store") return below === "redis" || below === "sqlite" ? below : "store";
  const name = folder.replace(/\.ts$/, "");
  if (name in ARROWS) return name;
  // Files beside scheduler.ts are pieces of it.
  return folder.endsWith(".ts") ? "scheduler" : null;
}

/** Every import of a file: static, dynamic, re-exports, `require`, and types. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  const constants = constantsOf(file);
  walk(treeOf(file), (node) => {
    const isRequire = node.type === "CallExpression" && nameOf(node.callee) === "require";
    if (!isRequire && !IMPORTS.has(node.type)) return;
    const source = isRequire ? (node.arguments as unknown[])[0] : node.source;
    if (!isNode(source)) return;
    const line = lineAt(file.text, node.start);
    for (const target of valuesOf(source, constants)) found.push({ path: file.path, line, target });
  });
  return found;
}

type Constants = ReadonlyMap<string, readonly string[]>;

/** All strings that a `const` of each name stands for, in any scope of the file. */
function constantsOf(file: SourceFile): Constants {
  const constants = new Map<string, string[]>();
  walk(treeOf(file), (node) => {
    if (node.type !== "VariableDeclarator" || !isNode(node.init)) return;
    const { value } = node.init;
    if (typeof value !== "string") return;
    constants.set(nameOf(node.id), [...(constants.get(nameOf(node.id)) ?? []), value]);
  });
  return constants;
}

/** What an imported name may be: as written, or by a constant; null: nobody can tell. */
function valuesOf(source: Node, constants: Constants): readonly (string | null)[] {
  if (typeof source.value === "string") return [source.value];
  if (source.type !== "TemplateLiteral") return constants.get(nameOf(source)) ?? [null];
  const [first] = source.expressions as Node[];
  const [before, after] = (source.quasis as { value: { cooked: string } }[]).map(
    ({ value }) => value.cooked,
  );
  const known = constants.get(nameOf(first)) ?? [];
  if (after === undefined || known.length === 0) return [null];
  return known.map((value) => `${before}${value}${after}`);
}

/** Imports run along the arrows; packages are used where they belong. */
export function arrows(files: readonly SourceFile[]): Offence[] {
  const ours = files.filter((file) => file.path.startsWith("src/") && isCode(file));
  return ours.flatMap((file) => {
    const part = partOf(file.path);
    if (part === null) {
      return [offence(file, "is in no part of the house", "add its part to test/house/arrows.ts")];
    }
    return importsOf(file).flatMap((found) => judge(found, part) ?? []);
  });
}

function judge({ path, line, target }: Import, part: string): Offence | null {
  const at = { path, line };
  if (target === null) {
    if (path === USERS_FILES) return null;
    return { ...at, what: "imports a computed name", fix: "write the name as a string" };
  }
  if (target.startsWith(".")) return judgeFile(at, part, target);
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(target)?.[0] ?? target;
  const place = PACKAGES[name];
  if (place !== undefined) {
    if (path.startsWith(place)) return null;
    return { ...at, what: `imports ${target}`, fix: `only ${place} may; use what it exports` };
  }
  if (!target.startsWith("node:")) {
    return { ...at, what: `imports ${target}`, fix: "give the package a place in house/arrows.ts" };
  }
  if (part !== "core" || PURE_BUILTINS.has(target)) return null;
  return { ...at, what: `core imports ${target}`, fix: "core is pure: let its caller pass it in" };
}

function judgeFile(at: { path: string; line: number }, part: string, target: string) {
  const to = partOf(posix.join(posix.dirname(at.path), target).replace(/\.js$/, ".ts"));
  if (to === part || (to !== null && ARROWS[part]?.includes(to))) return null;
  const allowed = ARROWS[part]?.join(", ") || "nothing else";
  const what = `${part} imports ${to ?? "something outside src"} (${target})`;
  return { ...at, what, fix: `${part} may import: ${allowed}; pass it in, or move it` };
}

function offence(file: SourceFile, what: string, fix: string): Offence {
  return { path: file.path, line: 1, what, fix };
}
