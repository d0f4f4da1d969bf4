/** How long a line, a function and a file may be. What a script generates is read by nobody. */
import { GENERATED_FILES } from "../../scripts/build-lua.mjs";
import {
  isCode,
  isLua,
  lineAt,
  type Node,
  type Offence,
  type SourceFile,
  treeOf,
  walk,
} from "./source.js";

const FILE_LINES = 300;
const FUNCTION_LINES = 60;
const COLUMNS = 100;

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

function written(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(
    (file) => (isCode(file) || isLua(file)) && !GENERATED_FILES.includes(file.path),
  );
}

export function fileBudget(files: readonly SourceFile[]): Offence[] {
  return written(files).flatMap((file) => {
    const lines = file.text.trimEnd().split("\n").length;
    if (lines <= FILE_LINES) return [];
    const what = `has ${lines} lines, ${FILE_LINES} are allowed`;
    return { path: file.path, line: FILE_LINES + 1, what, fix: "split it by responsibility" };
  });
}

export function lineWidth(files: readonly SourceFile[]): Offence[] {
  return written(files).flatMap((file) =>
    file.text.split("\n").flatMap((text, index) => {
      // Characters as one sees them, not UTF-16 units.
      const columns = [...text].length;
      if (columns <= COLUMNS) return [];
      const what = `is ${columns} columns wide, ${COLUMNS} are allowed`;
      return { path: file.path, line: index + 1, what, fix: "wrap it" };
    }),
  );
}

/**
 * A function fits a screen. In tests, functions that stand inside another one are not counted with
 * it: the callback of `describe` is a chapter, not a thing that happens.
 */
export function functionBudget(files: readonly SourceFile[]): Offence[] {
  return written(files)
    .filter(isCode)
    .flatMap((file) => {
      const offences: Offence[] = [];
      const functions: Node[] = [];
      walk(treeOf(file), (node) => {
        if (FUNCTIONS.has(node.type)) functions.push(node);
      });
      for (const found of functions) {
        const inner = file.path.startsWith("test/") ? functions : [];
        const lines = ownLines(file.text, found, inner);
        if (lines <= FUNCTION_LINES) continue;
        const what = `is a function of ${lines} lines, ${FUNCTION_LINES} are allowed`;
        const line = lineAt(file.text, found.start);
        offences.push({ path: file.path, line, what, fix: "give its steps names of their own" });
      }
      return offences;
    });
}

/** The lines of a function without those of the outermost of `inner` that stand in it. */
function ownLines(text: string, found: Node, inner: readonly Node[]): number {
  let lines = lineAt(text, found.end) - lineAt(text, found.start) + 1;
  let past = found.start;
  for (const nested of inner) {
    if (nested === found || nested.start < past || nested.end > found.end) continue;
    if (nested.start === found.start) continue;
    lines -= lineAt(text, nested.end) - lineAt(text, nested.start);
    past = nested.end;
  }
  return lines;
}
