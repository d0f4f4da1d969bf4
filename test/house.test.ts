/** The house stays a house: its rules hold, and each of them is shown to be able to fail. */
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { GENERATED_FILES, staleFiles } from "../scripts/build-lua.mjs";
import { staleReason } from "../scripts/lib/install.mjs";
import { assembleVerb } from "../scripts/lib/lua-source.mjs";
import { ROOT } from "../scripts/lib/project.mjs";
import { scripts, type Verb } from "../src/store/redis/scripts.js";
import { testScripts } from "../src/store/redis/testing-scripts.js";
import { RULES } from "./house/broken.js";
import { readProject, type SourceFile, show } from "./house/source.js";

const project = readProject();

function house(files: Readonly<Record<string, string>>): SourceFile[] {
  return Object.entries(files).map(([path, text]) => ({ path, text }));
}

describe.each(RULES)("$claim", ({ rule, broken, sound }) => {
  it("holds here", () => {
    expect(show(rule(project))).toEqual([]);
  });

  it.each(broken)("a house that breaks it is found: $says", ({ files, says }) => {
    const found = show(rule(house(files)));
    expect(found.join("\n")).toContain(says);
    expect(found.length).toBeGreaterThan(0);
  });

  it("a house that only looks like breaking it is left alone", () => {
    expect(show(rule(house(sound)))).toEqual([]);
  });
});

describe("the scripts of the Redis store", () => {
  it("are what protocol/lua says, in both builds", () => {
    expect(staleFiles(), "run `npm run build:lua`").toEqual([]);
  });

  it("are found to be stale when a .lua file changes", () => {
    const copy = mkdtempSync(join(tmpdir(), "schedule-mq-house-"));
    try {
      for (const folder of ["protocol/lua", "src/store/redis"]) {
        cpSync(join(ROOT, folder), join(copy, folder), { recursive: true });
      }
      expect(staleFiles(copy)).toEqual([]);
      const file = join(copy, "protocol/lua/lib/now.lua");
      writeFileSync(file, "-- now\nlocal function now_us() return 0 end\n");
      expect(staleFiles(copy)).toEqual([...GENERATED_FILES]);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it("are addressed by what they say", () => {
    for (const [verb, { text, sha1 }] of [
      ...Object.entries(scripts),
      ...Object.entries(testScripts),
    ]) {
      expect(createHash("sha1").update(text).digest("hex"), verb).toBe(sha1);
      expect(text.split("\n", 1)[0], verb).toMatch(/^#!lua/);
    }
  });

  it("ask the server for the time in one place, which tests replace", () => {
    for (const [verb, { text }] of Object.entries(scripts)) {
      const asks = text.match(/'TIME'/g)?.length ?? 0;
      expect(asks, verb).toBeLessThanOrEqual(1);
      expect(text, verb).not.toContain("test:offset");
      expect(testScripts[verb as Verb].text.match(/test:offset/g)?.length ?? 0, verb).toBe(asks);
    }
  });
});

describe("a script is put together from its parts", () => {
  const files: Record<string, string> = {
    "verb.lua":
      "#!lua flags=x\n-- keys a\n-- args b\n-- @include lib/a.lua\n-- @include lib/b.lua\nreturn 1",
    "lib/a.lua": "-- a\n-- @include lib/b.lua\nlocal a = '-- no comment' -- a comment\n",
    "lib/b.lua": '-- b\n\nlocal b = "\\"--[[" --[[ long\n comment ]] .. x\n',
    "circle.lua": "#!lua\n-- keys\n-- args\n-- @include lib/c.lua",
    "lib/c.lua": "-- @include lib/d.lua",
    "lib/d.lua": "-- @include lib/c.lua",
    "bare.lua": "return 1",
    "mute.lua": "#!lua\nreturn 1",
    "long.lua": "#!lua\n-- keys\n-- args\nlocal a = [[x\n\ny]]",
    "open.lua": "#!lua\n-- keys\n-- args\nlocal a = 'x",
  };
  const read = (path: string): string => files[path] ?? `-- ${path}\nmissing()`;

  it("each include once, without comments, strings untouched", () => {
    expect(assembleVerb("verb.lua", read)).toBe(
      '#!lua flags=x\nlocal b = "\\"--[["   .. x\nlocal a = \'-- no comment\'\nreturn 1\n',
    );
  });

  it.each([
    ["circle.lua", "circle: circle.lua → lib/c.lua → lib/d.lua → lib/c.lua"],
    ["bare.lua", "the first line must be"],
    ["mute.lua", "the header must have a line"],
    ["long.lua", "line 3"],
    ["open.lua", "does not end on its line"],
  ])("%s is refused: %s", (path, says) => {
    expect(() => assembleVerb(path, read)).toThrow(says);
  });
});

describe("the package's own commands", () => {
  it("name files that are there", () => {
    const { scripts: commands } = JSON.parse(
      project.find(({ path }) => path === "package.json")?.text ?? "{}",
    ) as { scripts: Record<string, string> };
    const paths = Object.values(commands).flatMap(
      (command) => /^node (\S+)/.exec(command)?.[1] ?? [],
    );
    const missing = paths.filter((path) => !project.some((file) => file.path === path));
    expect(missing, "write the file, or take the command out of package.json").toEqual([]);
  });

  it("notice that what is installed is not what the lockfile names", () => {
    expect(staleReason()).toBeNull();
    expect(staleReason(join(ROOT, "test"))).toBe("node_modules is missing");
  });
});
