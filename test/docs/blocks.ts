/**
 * The code blocks of the documentation, and how each of them is run. A comment stands before each
 * block of JavaScript or TypeScript:
 *
 *   <!-- run setup:NAME until:"TEXT" prints:"TEXT" -->
 *
 *  - nothing but `run`: the block is a whole program, which ends by itself, with exit code 0
 *  - `setup`: it is a fragment; what stands around it is called so in setups.ts
 *  - `prints`: a line of its output contains this
 *  - `until`: the same, and then it is ended by SIGTERM
 *
 * A block without the comment is an error: nothing is left out silently. So is any other language
 * than `sh` and `text`, which are not run. `redis://127.0.0.1:6379` becomes a real server.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/lib/project.mjs";

export interface Block {
  /** Where it stands, for people: `docs/start.md:12`. */
  place: string;
  language: "js" | "ts";
  code: string;
  setup: string | null;
  until: string | null;
  prints: string | null;
}

const NOT_RUN = new Set(["sh", "text"]);
const FENCE = /^```(\S*)\s*$/;
const DIRECTIVE = /^<!-- run(?: setup:([\w-]+))?(?: until:"([^"]+)")?(?: prints:"([^"]+)")? -->$/;

/** The pages written for people, from the root. */
export function pages(): string[] {
  const ofRoot = readdirSync(ROOT).filter((name) => name.endsWith(".md"));
  const inFolders = ["docs", "examples", "protocol"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  );
  return [...ofRoot, ...inFolders].sort();
}

export function readPage(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The blocks of a page that are run; throws where it is not said how. */
export function blocksOf(path: string, text: string = readPage(path)): Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at += 1) {
    const fence = FENCE.exec(lines[at] ?? "");
    if (fence === null) continue;
    const end = lines.indexOf("```", at + 1);
    if (end === -1) throw new Error(`${path}:${at + 1}: a block without an end`);
    const code = lines.slice(at + 1, end).join("\n");
    const place = `${path}:${at + 1}`;
    const block = blockOf({ place, language: fence[1] ?? "", code, before: lines[at - 1] ?? "" });
    if (block !== null) blocks.push(block);
    at = end;
  }
  return blocks;
}

function blockOf(found: {
  place: string;
  language: string;
  code: string;
  before: string;
}): Block | null {
  const { place, language, code, before } = found;
  if (NOT_RUN.has(language)) return null;
  // A picture of something, without a language: only outside of what users copy.
  if (language === "" && !/^(?:README|docs\/|examples\/)/.test(place)) return null;
  if (language !== "js" && language !== "ts") {
    throw new Error(`${place}: a block of "${language}"; use js, ts, sh or text`);
  }
  const run = DIRECTIVE.exec(before);
  if (run === null) {
    throw new Error(`${place}: no <!-- run … --> before the block (see test/docs/blocks.ts)`);
  }
  const [, setup = null, until = null, prints = null] = run;
  return { place, language, code, setup, until, prints };
}
