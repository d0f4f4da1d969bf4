/** What the rules of the house look at: files as text, and as syntax trees. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "vitest/node";
import { projectFiles, ROOT } from "../../scripts/lib/project.mjs";

export interface SourceFile {
  /** From the project's folder, with forward slashes. */
  path: string;
  text: string;
}

/** What is wrong, where, and what to do about it. */
export interface Offence {
  path: string;
  line: number;
  what: string;
  fix: string;
}

export type Rule = (files: readonly SourceFile[]) => Offence[];

/** One node of a syntax tree (ESTree, with TypeScript's nodes). */
export interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

const CODE = /\.(?:ts|mts|cts|mjs|cjs|js)$/;
const TEXT = /\.(?:ts|mts|cts|mjs|cjs|js|lua|json|md|sh|yaml|yml)$|^\.[a-z]+(?:\/run)?$|^LICENSE$/;

/** Every file that belongs to the project, by whoever wrote it. */
export function readProject(): SourceFile[] {
  return projectFiles()
    .filter((path) => TEXT.test(path))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

export function isCode(file: SourceFile): boolean {
  return CODE.test(file.path);
}

export function isLua(file: SourceFile): boolean {
  return file.path.endsWith(".lua");
}

const trees = new WeakMap<SourceFile, Node>();

export function treeOf(file: SourceFile): Node {
  let tree = trees.get(file);
  if (tree === undefined) {
    const lang = /\.[mc]?ts$/.test(file.path) ? "ts" : "js";
    // A script may begin with #!, which is no syntax.
    const text = file.text.replace(/^#!/, "//");
    try {
      tree = parseAst(text, { lang, sourceType: "module" }) as unknown as Node;
    } catch (error) {
      throw new Error(`${file.path} cannot be read as ${lang}`, { cause: error });
    }
    trees.set(file, tree);
  }
  return tree;
}

/** Where a node stands: `parents[0]` is the nearest, `field` its name in there. */
export interface Place {
  field: string;
  parents: readonly Node[];
}

/** Calls `visit` for every node below `root`, outer ones first. */
export function walk(root: Node, visit: (node: Node, place: Place) => void): void {
  const step = (node: Node, field: string, parents: readonly Node[]): void => {
    visit(node, { field, parents });
    const below = [node, ...parents];
    for (const [name, value] of Object.entries(node)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (isNode(child)) step(child, name, below);
      }
    }
  };
  step(root, "", []);
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

/** The name of an identifier; "" for anything else. */
export function nameOf(value: unknown): string {
  return isNode(value) && value.type === "Identifier" ? String(value.name) : "";
}

export function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}

/** How offences are shown when a rule is broken. */
export function show(offences: readonly Offence[]): string[] {
  return offences.map(({ path, line, what, fix }) => `${path}:${line} ${what}\n    fix: ${fix}`);
}
