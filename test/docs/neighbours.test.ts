/** The page about the bugs of others says what tests say: their names, and where they come from. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/lib/project.mjs";
import { readPage } from "./blocks.js";

const FOLDER = join(ROOT, "test/neighbours");
const BUGS = 19;

interface Claim {
  /** Without what tells its variants apart. */
  name: string;
  /** As the title of the chapter around it has them: owner/repo#n. */
  issues: string[];
}

/** Titles of chapters, and names of tests, in their order. */
const TITLES = /\bdescribe[\w.]*\(\s*"([^"]+)"|"(\d+: [^"]+)"/g;

function claimsOf(file: string): Claim[] {
  const claims: Claim[] = [];
  let issues: string[] = [];
  for (const [, title, name] of readFileSync(join(FOLDER, file), "utf8").matchAll(TITLES)) {
    if (title !== undefined) issues = title.split(", ");
    if (name !== undefined) claims.push({ name: name.replace(/ \([^()]*%s\)$/, ""), issues });
  }
  return claims;
}

const claims = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".test.ts"))
  .flatMap(claimsOf);

interface Section {
  number: number;
  /** Names of tests, in backticks. */
  tests: string[];
  links: { text: string; target: string }[];
}

function sections(): Section[] {
  const parts = readPage("docs/neighbours.md").split(/^## /m).slice(1);
  return parts.map((part) => ({
    number: Number.parseInt(part, 10),
    tests: [...part.matchAll(/`(\d+: [^`]+)`/g)].map((match) => match[1] ?? ""),
    links: [...part.matchAll(/\[([^\]]+#\d+)\]\(([^)]+)\)/g)].map((match) => {
      return { text: match[1] ?? "", target: match[2] ?? "" };
    }),
  }));
}

function ofBug(number: number): Claim[] {
  return claims.filter(({ name }) => name.startsWith(`${number}: `));
}

it("has each of the bugs once, in order", () => {
  const numbers = sections().map(({ number }) => number);
  expect(numbers).toEqual(Array.from({ length: BUGS }, (_, n) => n + 1));
});

describe.each(sections())("bug $number", ({ number, tests, links }) => {
  it("names its tests, all of them and no other", () => {
    expect(tests.length).toBeGreaterThan(0);
    expect([...tests].sort()).toEqual(
      ofBug(number)
        .map(({ name }) => name)
        .sort(),
    );
  });

  it("links the issues that the tests are about, each by its name", () => {
    const issues = new Set(ofBug(number).flatMap((claim) => claim.issues));
    expect(links.map(({ text }) => text).sort()).toEqual([...issues].sort());
    for (const { text, target } of links) {
      const [repository, issue] = text.split("#");
      expect(target).toMatch(/^https:\/\/github\.com\//);
      const path = new URL(target).pathname.split("/");
      expect([`${path[1]}/${path[2]}`, path[4]]).toEqual([repository, issue]);
    }
  });
});
