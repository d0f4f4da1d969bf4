/** The public face: every name is documented where it is declared, and `require` can load it. */
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

const ENTRIES = ["src/index.ts", "src/testing/index.ts"];

/** Every exported name has a doc comment. */
export function documentedExports(files: readonly SourceFile[]): Offence[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return ENTRIES.flatMap((path) => {
    const entry = byPath.get(path);
    if (entry === undefined) {
      return [{ path, line: 1, what: "is missing", fix: "package.json exports it: write it" }];
    }
    return exportsOf(entry).flatMap(({ name, line }): Offence[] => {
      if (name === "*") {
        return [{ path, line, what: "exports a whole file", fix: "name what is public" }];
      }
      const place = declarationOf(name, entry, byPath);
      if (place === null) {
        return [{ path, line, what: `exports ${name}, found nowhere`, fix: "export it there" }];
      }
      if (isDocumented(place.file.text, place.node.start)) return [];
      const at = { path: place.file.path, line: lineAt(place.file.text, place.node.start) };
      return [{ ...at, what: `${name} is public, without a comment`, fix: "say what it is for" }];
    });
  });
}

interface Exported {
  /** As the outside sees it; `*`: everything. */
  name: string;
  line: number;
  /** The statement that exports it. */
  node: Node;
  /** Where it comes from, and its name there; null: from this file. */
  from: string | null;
  localName: string;
}

function exportsOf(file: SourceFile): Exported[] {
  const body = treeOf(file).body as Node[];
  return body.flatMap((node): Exported[] => {
    const line = lineAt(file.text, node.start);
    const source = isNode(node.source) ? String(node.source.value) : null;
    if (node.type === "ExportAllDeclaration") {
      return [{ name: "*", line, node, from: source, localName: "*" }];
    }
    if (node.type !== "ExportNamedDeclaration") return [];
    const specifiers = (node.specifiers as Node[]).map((specifier) => ({
      name: nameOf(specifier.exported),
      line,
      node,
      from: source,
      localName: nameOf(specifier.local),
    }));
    const declared = isNode(node.declaration) ? declaredNames(node.declaration) : [];
    return [
      ...specifiers,
      ...declared.map((name) => ({ name, line, node, from: null, localName: name })),
    ];
  });
}

function declaredNames(declaration: Node): string[] {
  if (declaration.type !== "VariableDeclaration") return [nameOf(declaration.id)].filter(Boolean);
  return (declaration.declarations as Node[]).map((one) => nameOf(one.id));
}

type Files = ReadonlyMap<string, SourceFile>;

interface Declaration {
  file: SourceFile;
  node: Node;
}

/** The statement that declares an exported name, wherever it is re-exported from. */
function declarationOf(name: string, file: SourceFile, files: Files): Declaration | null {
  const found = exportsOf(file).find((one) => one.name === name);
  if (found === undefined) return null;
  if (found.from !== null) return elsewhere(found.localName, found.from, file, files);
  if (isNode(found.node.declaration)) return { file, node: found.node };
  for (const node of treeOf(file).body as Node[]) {
    if (declaredNames(node).includes(found.localName)) return { file, node };
    // Imported, then exported in a statement of its own.
    if (node.type !== "ImportDeclaration" || !isNode(node.source)) continue;
    const specifier = (node.specifiers as Node[]).find(
      ({ local }) => nameOf(local) === found.localName,
    );
    if (specifier === undefined) continue;
    return elsewhere(nameOf(specifier.imported), String(node.source.value), file, files);
  }
  return null;
}

function elsewhere(name: string, from: string, file: SourceFile, files: Files): Declaration | null {
  const path = posix.join(posix.dirname(file.path), from).replace(/\.js$/, ".ts");
  const next = files.get(path);
  return next === undefined ? null : declarationOf(name, next, files);
}

function isDocumented(text: string, start: number): boolean {
  const before = text.slice(0, start).trimEnd();
  if (!before.endsWith("*/")) return false;
  // The comment at the top of a file is the file's, not that of its first declaration.
  const opened = before.lastIndexOf("/*");
  return before.startsWith("/**", opened) && before.slice(0, opened).trim() !== "";
}

/** Nothing waits while it is loaded: otherwise `require` of the package would fail. */
export function noTopLevelAwait(files: readonly SourceFile[]): Offence[] {
  const ours = files.filter((file) => file.path.startsWith("src/") && isCode(file));
  return ours.flatMap((file) => {
    const offences: Offence[] = [];
    walk(treeOf(file), (node, { parents }) => {
      const waits = node.type === "AwaitExpression" || node.await === true;
      if (!waits || parents.some(({ type }) => /Function/.test(type))) return;
      const line = lineAt(file.text, node.start);
      const fix = "move it into a function that is called later";
      offences.push({ path: file.path, line, what: "waits while it is loaded", fix });
    });
    return offences;
  });
}
