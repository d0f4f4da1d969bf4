/** Each verb of the contract exists everywhere: as script, in SQLite, and as a case for others. */
import { basename } from "node:path";
import {
  isNode,
  type Node,
  nameOf,
  type Offence,
  type SourceFile,
  treeOf,
  walk,
} from "./source.js";

const CONTRACT = "src/store/contract.ts";

/** They are about the connection, not about what is stored: no script, no case. */
const CONNECTION = new Set([
  ...["open", "onWake", "onConnection", "guarantee", "examine", "health", "close"],
]);

/** The verbs of the contract that read or change what is stored. */
export function verbsOf(files: readonly SourceFile[]): string[] {
  const contract = files.find((file) => file.path === CONTRACT);
  if (contract === undefined) throw new Error(`${CONTRACT} is missing`);
  const verbs: string[] = [];
  walk(treeOf(contract), (node, { parents }) => {
    const isMember = node.type === "TSMethodSignature" && nameOf(parents[1]?.id) === "Store";
    if (isMember && !CONNECTION.has(nameOf(node.key))) verbs.push(nameOf(node.key));
  });
  return verbs;
}

export function everyVerbEverywhere(files: readonly SourceFile[]): Offence[] {
  const inSqlite = new Set(
    files.filter(({ path }) => path.startsWith("src/store/sqlite/")).flatMap(functionNames),
  );
  const cases = files
    .filter(({ path }) => path.startsWith("protocol/cases/"))
    .map(({ path }) => basename(path, ".json"));
  return verbsOf(files).flatMap((verb) => {
    const missing: Offence[] = [];
    const miss = (path: string, what: string) =>
      missing.push({ path, line: 1, what: `the verb "${verb}" ${what}`, fix: "write it" });
    const script = `protocol/lua/${verb}.lua`;
    if (!files.some(({ path }) => path === script)) miss(script, "has no script");
    if (!inSqlite.has(verb)) miss("src/store/sqlite", "has no function of its name");
    if (!cases.some((name) => name === verb || name.startsWith(`${verb}-`))) {
      miss(`protocol/cases/${verb}.json`, "has no case for other languages");
    }
    return missing;
  });
}

/** The names of functions and methods, however they are written. */
function functionNames(file: SourceFile): string[] {
  const names: string[] = [];
  walk(treeOf(file), (node) => {
    if (node.type === "FunctionDeclaration") names.push(nameOf(node.id));
    if (node.type === "MethodDefinition") names.push(nameOf(node.key));
    if (isFunction(node.value)) names.push(nameOf(node.key));
    if (isFunction(node.init)) names.push(nameOf(node.id));
  });
  return names;
}

function isFunction(value: unknown): value is Node {
  return isNode(value) && /Function/.test(value.type);
}
