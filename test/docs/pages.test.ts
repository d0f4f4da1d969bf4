/** What the documentation says is complete: links resolve, and nothing public is left out. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAst } from "vitest/node";
import { ROOT } from "../../scripts/lib/project.mjs";
import { EVENT_NAMES } from "../../src/core/events.js";
import { type Node, nameOf, walk } from "../house/source.js";
import { pages, readPage } from "./blocks.js";

const README_LINES = 150;
const CODE_BY_LINE = 30;
const CODE_LINES = 18;

/** Text without code, where square brackets mean something else. */
function proseOf(path: string): string {
  return readPage(path)
    .replace(/^```[\s\S]*?^```/gm, "")
    .replace(/`[^`\n]*`/g, "`code`");
}

/** The anchors that a page offers, as GitHub makes them of its headings. */
function anchorsOf(path: string): string[] {
  const headings = readPage(path).match(/^#+ .*$/gm) ?? [];
  return headings.map((heading) =>
    heading
      .replace(/^#+ /, "")
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function brokenLinks(path: string): string[] {
  const targets = [...proseOf(path).matchAll(/\]\(([^)\s]+)\)/g)].map((link) => link[1] ?? "");
  return targets.filter((target) => {
    if (/^https:\/\/[\w.-]+\//.test(target)) return false;
    const [file = "", anchor] = target.split("#");
    const full = file === "" ? path : posix.join(dirname(path), file);
    if (!existsSync(join(ROOT, full))) return true;
    return anchor !== undefined && !anchorsOf(full).includes(anchor);
  });
}

/** Paths of this repository that a page names in backticks. */
function namedPaths(path: string): string[] {
  const named = readPage(path).matchAll(
    /`((?:src|test|protocol|scripts|examples|docs)\/[\w./-]*)`/g,
  );
  return [...named].map((match) => match[1] ?? "");
}

function tree(path: string): Node {
  return parseAst(readPage(path), { lang: "ts", sourceType: "module" }) as unknown as Node;
}

const NAMED = new Set(["TSInterfaceDeclaration", "TSTypeAliasDeclaration"]);

/** The members of each type that a file declares, by its name; not those inside of a member. */
function membersOf(path: string): Map<string, string[]> {
  const members = new Map<string, string[]>();
  walk(tree(path), (node, { parents }) => {
    if (node.type !== "TSPropertySignature") return;
    const owner = parents.find(({ type }) => NAMED.has(type));
    const isInside = parents
      .slice(0, parents.indexOf(owner!))
      .some(({ type }) => type === node.type);
    if (owner === undefined || isInside) return;
    const known = members.get(nameOf(owner.id)) ?? [];
    members.set(nameOf(owner.id), [...known, nameOf(node.key)]);
  });
  return members;
}

/** Every type whose members users write, or handlers are handed, and where it is declared. */
const OPTIONS: readonly [file: string, name: string][] = [
  ["src/types/scheduler-options.ts", "SchedulerOptions"],
  ["src/types/scheduler-options.ts", "RetentionOptions"],
  ["src/types/scheduler-options.ts", "RedisOptions"],
  ["src/types/scheduler-options.ts", "KeepOption"],
  ["src/types/handler.ts", "BindOptions"],
  ["src/types/handler.ts", "HandlerContext"],
  ["src/types/job-options.ts", "JobOptions"],
  ["src/types/job-options.ts", "PushOptions"],
  ["src/types/job-options.ts", "ScheduleOptions"],
  ["src/types/job-options.ts", "RegisterOptions"],
  ["src/types/job-options.ts", "RetryOption"],
  ["src/types/scheduler.ts", "StartOptions"],
  ["src/types/answers.ts", "ListOptions"],
  ["src/types/answers.ts", "RepairOptions"],
  ["src/types/schedules.ts", "ListSchedulesOptions"],
  ["src/types/schedules.ts", "PauseOptions"],
  ["src/types/schedules.ts", "TriggerOptions"],
  ["src/types/schedules.ts", "BackfillOptions"],
  ["src/types/schedules.ts", "PreviewOptions"],
];

/** The verbs of `scheduler.schedules` that take options, and the types of those. */
const SCHEDULE_OPTIONS: readonly [verb: string, name: string][] = [
  ["list", "ListSchedulesOptions"],
  ["pause", "PauseOptions"],
  ["trigger", "TriggerOptions"],
  ["backfill", "BackfillOptions"],
  ["preview", "PreviewOptions"],
];

/** The words of which a type is one. */
function wordsOf(path: string, name: string): string[] {
  const words: string[] = [];
  walk(tree(path), (node, { parents }) => {
    const isWord = node.type === "Literal" && parents.some(({ id }) => nameOf(id) === name);
    if (isWord) words.push(String(node.value));
  });
  return words;
}

/** The first columns of tables, which is where things are explained. */
function firstCells(path: string): string[] {
  return [...readPage(path).matchAll(/^\| (`[^|]+) \|/gm)].map((row) => row[1] ?? "");
}

function namesIn(cells: readonly string[]): string[] {
  return cells.flatMap((cell) => [...cell.matchAll(/`([\w:]+)/g)].map((match) => match[1] ?? ""));
}

function explained(path: string): Set<string> {
  return new Set(namesIn(firstCells(path)));
}

/** The names in cells that say whose they are: "`from`, `to` of `backfill`". */
function explainedOf(path: string, owner: string): string[] {
  const end = ` of \`${owner}\``;
  const own = firstCells(path).filter((cell) => cell.endsWith(end));
  return namesIn(own.map((cell) => cell.slice(0, -end.length)));
}

describe("every page", () => {
  it.each(pages())("%s links to what is there", (path) => {
    expect(brokenLinks(path)).toEqual([]);
  });

  it.each(pages())("%s names files that are there", (path) => {
    expect(namedPaths(path).filter((named) => !existsSync(join(ROOT, named)))).toEqual([]);
  });

  it.each(pages())("%s promises nothing that nobody can keep", (path) => {
    expect(readPage(path)).not.toMatch(/exactly[ -]once/i);
  });

  it("can be reached from the README", () => {
    const reached = new Set(["README.md"]);
    for (const path of reached) {
      for (const link of proseOf(path).matchAll(/\]\(([^)\s#]+\.md)/g)) {
        reached.add(posix.join(dirname(path), link[1] ?? ""));
      }
    }
    expect(pages().filter((path) => !reached.has(path))).toEqual([]);
  });
});

describe("the README", () => {
  const lines = readPage("README.md").trimEnd().split("\n");

  it(`has at most ${README_LINES} lines`, () => {
    expect(lines.length).toBeLessThanOrEqual(README_LINES);
  });

  it(`shows code by line ${CODE_BY_LINE}, not more than ${CODE_LINES} lines of it`, () => {
    const start = lines.indexOf("```js");
    const end = lines.indexOf("```", start);
    expect(start).toBeGreaterThan(0);
    expect(end).toBeLessThan(CODE_BY_LINE);
    expect(end - start - 1).toBeLessThanOrEqual(CODE_LINES);
  });
});

describe("nothing public is left out", () => {
  it.each(OPTIONS)("%s: each member of %s is in docs/options.md", (file, name) => {
    const members = membersOf(file).get(name) ?? [];
    expect(members.length).toBeGreaterThan(0);
    const there = explained("docs/options.md");
    expect(members.filter((member) => !there.has(member))).toEqual([]);
  });

  it.each(SCHEDULE_OPTIONS)("schedules.%s: docs/options.md has the members of %s", (verb, name) => {
    const members = membersOf("src/types/schedules.ts").get(name) ?? [];
    expect(members.length).toBeGreaterThan(0);
    expect(explainedOf("docs/options.md", verb).sort()).toEqual([...members].sort());
  });

  it("each verb of scheduler.schedules is named where docs/options.md speaks of them", () => {
    const [, section = ""] = readPage("docs/options.md").split("\n## scheduler.schedules\n");
    const [own = ""] = section.split("\n## ");
    const verbs: string[] = [];
    walk(tree("src/types/schedules.ts"), (node, { parents }) => {
      const isVerb = parents.some((parent) => nameOf(parent.id) === "Schedules");
      if (isVerb && node.type === "TSMethodSignature") verbs.push(nameOf(node.key));
    });
    expect(verbs.length).toBeGreaterThan(10);
    expect(verbs.filter((verb) => !new RegExp(`\`${verb}[\`(]`).test(own))).toEqual([]);
  });

  it("every type of options in src/types is looked at", () => {
    const files = readdirSync(join(ROOT, "src/types"));
    const declared = files.flatMap((file) => [...membersOf(`src/types/${file}`).keys()]);
    const known = new Set(OPTIONS.map(([, name]) => name));
    const left = declared.filter((name) => /Options?$/.test(name) && !known.has(name));
    expect(left).toEqual([]);
  });

  it("each error code is in docs/errors.md, and no other", () => {
    const codes = wordsOf("src/core/errors.ts", "ErrorCode");
    expect(codes.length).toBeGreaterThan(20);
    expect([...explained("docs/errors.md")].sort()).toEqual([...codes].sort());
  });

  it("each code of a finding, level and kind of repair is in docs/doctor.md, and no other", () => {
    const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
    const texts = files
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readPage(`src/${file}`))
      .filter((text) => /finding\.js"|function finding\(/.test(text));
    const said = /\b(?:finding|hidden)\(\s*"([A-Z_]+)"|\bcode = "([A-Z_]+)"/g;
    const codes = texts.flatMap((text) => [...text.matchAll(said)].map((one) => one[1] ?? one[2]));
    expect(codes.length).toBeGreaterThan(20);
    const kinds = wordsOf("src/types/answers.ts", "RepairKind");
    const levels = wordsOf("src/core/finding.ts", "FindingLevel");
    const all = new Set([...codes, ...kinds, ...levels]);
    const there = [...explained("docs/doctor.md")];
    // The heads of two tables.
    const named = there.filter((name) => name !== "level" && name !== "kind");
    expect(named.sort()).toEqual([...all].sort());
  });

  it("each event is in docs/events.md", () => {
    const there = explained("docs/events.md");
    expect(EVENT_NAMES.filter((name) => !there.has(name))).toEqual([]);
  });
});
