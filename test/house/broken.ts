/** For each rule of the house, houses that break it: the proof that the rule can fail. */
import { arrows } from "./arrows.js";
import { documentedExports, noTopLevelAwait } from "./face.js";
import { chanceRule, clockRule } from "./outside.js";
import { fileBudget, functionBudget, lineWidth } from "./sizes.js";
import type { Rule } from "./source.js";
import { leftovers, responsibility, strangers } from "./texts.js";
import { everyVerbEverywhere } from "./verbs.js";

export interface RuleWithProof {
  claim: string;
  rule: Rule;
  /** Each breaks the rule once; the string is a part of the message. */
  broken: readonly { files: Readonly<Record<string, string>>; says: string }[];
  /** Keeps the rule, although it looks a little like breaking it. */
  sound: Readonly<Record<string, string>>;
}

/** One broken file. */
const one = (path: string, text: string, says: string) => ({ files: { [path]: text }, says });

const lines = (count: number, line: string): string => `${line}\n`.repeat(count);

const CONTRACT = "export interface Store { push(args: A): B; open(): C }";
const DECLARATION = "/** Top. */\n\nexport const a = 1;\n";

export const RULES: readonly RuleWithProof[] = [
  {
    claim: "imports run along the arrows, and packages stay in their places",
    rule: arrows,
    broken: [
      one("src/loops/a.ts", 'import { x } from "../store/redis/b.js";', "loops imports redis"),
      one("src/core/a.ts", 'import type { Clock } from "../clock.js";', "core imports clock"),
      one("src/core/a.ts", 'import { readFile } from "node:fs/promises";', "core imports node:fs"),
      one("src/store/redis/a.ts", 'export { x } from "../sqlite/b.js";', "redis imports sqlite"),
      one("src/scheduler.ts", 'export * from "./create.js";', "scheduler imports create"),
      one("src/create.ts", 'const x = await import("./cli/main.js");', "create imports cli"),
      one("src/types.ts", 'export type X = import("./loops/a.js").Y;', "types imports loops"),
      one("src/store/contract.ts", 'import type { R } from "ioredis";', "imports ioredis"),
      one("src/core/schedule.ts", 'import { Cron } from "croner";', "imports croner"),
      one("src/create.ts", 'const x = require("ioredis");', "imports ioredis"),
      one("src/create.ts", 'import { x } from "left-pad";', "imports left-pad"),
      one("src/create.ts", "const x = import(name);", "computed name"),
      one("src/create.ts", 'const n = "ioredis"; import(n);', "imports ioredis"),
      one("src/create.ts", 'const n = "ioredis"; require(`$' + "{n}/x`);", "imports ioredis"),
      one("src/elsewhere/a.ts", "", "no part of the house"),
    ],
    sound: {
      "src/core/a.ts": 'import { x } from "./b/c.js"; import { EventEmitter } from "node:events";',
      "src/create.ts": 'const load = () => import("./store/redis/store.js");',
      "src/core/cron.ts": 'import { Cron } from "croner";',
      "src/store/redis/a.ts": 'import { Redis } from "ioredis";',
      "src/store/sqlite/a.ts": 'const n = "better-sqlite3"; require(n); require(`$' + "{n}/x`);",
    },
  },
  {
    claim: "only src/clock.ts reads time and sets timers",
    rule: clockRule,
    broken: [
      one("src/a.ts", "const at = Date.now();", "Date.now"),
      one("src/a.ts", "const at = new Date();", "new Date()"),
      one("src/a.ts", "const at = Date();", "Date()"),
      one("src/a.ts", "setTimeout(run, 5);", "setTimeout"),
      one("src/a.ts", "globalThis.setInterval(run, 5);", "setInterval"),
      one("src/a.ts", "const later = { setImmediate };", "setImmediate"),
      one("src/a.ts", "const ms = performance.now();", "performance"),
      one("src/a.ts", "process.hrtime.bigint();", "process.hrtime"),
      one("src/a.ts", "fetch(AbortSignal.timeout(5));", "AbortSignal.timeout"),
      one("src/a.ts", 'import { setTimeout as s } from "node:timers/promises";', "node:timers"),
    ],
    sound: {
      "src/clock.ts": "Date.now(); setTimeout(run, 5);",
      "src/a.ts": "const shown = new Date(at); clock.now(); const x = { performance: 1 };",
      "test/a.test.ts": "setTimeout(fail, 5);",
    },
  },
  {
    claim: "only src/chance.ts draws randomness",
    rule: chanceRule,
    broken: [
      one("src/a.ts", "const x = Math.random();", "Math.random"),
      one("src/a.ts", 'import { randomBytes } from "node:crypto";', "randomBytes"),
      one("src/a.ts", "const id = crypto.randomUUID();", "randomUUID"),
      one("src/a.ts", "crypto.getRandomValues(a);", "getRandomValues"),
    ],
    sound: {
      "src/chance.ts": "Math.random();",
      "src/a.ts": 'import { createHash } from "node:crypto"; chance.random();',
    },
  },
  {
    claim: "a file has at most 300 lines",
    rule: fileBudget,
    broken: [one("src/a.ts", lines(301, "a;"), "has 301 lines"), one("a.lua", lines(301, "a"), "")],
    sound: { "src/a.ts": lines(300, "a;"), "src/store/redis/scripts.ts": lines(301, "a;") },
  },
  {
    claim: "a function has at most 60 lines",
    rule: functionBudget,
    broken: [
      one("src/a.ts", `function f() {\n${lines(59, "a;")}}`, "61 lines"),
      one("src/a.ts", `const f = () => {\n${lines(59, "a;")}};`, "61 lines"),
      one("src/a.ts", `class A { m() {\n${lines(59, "a;")}} }`, "61 lines"),
      one("test/a.ts", `d(() => {\n${lines(59, "a;")}i(() => 1); });`, "61 lines"),
    ],
    sound: {
      "src/a.ts": `function f() {\n${lines(58, "a;")}}`,
      "test/a.ts": `d(() => {\n${lines(3, `i(() => {\n${lines(30, "a;")}});`)}});`,
    },
  },
  {
    claim: "a line has at most 100 columns",
    rule: lineWidth,
    broken: [
      one("src/a.ts", `// ${"x".repeat(98)}`, "101 columns"),
      one("protocol/lua/a.lua", "x".repeat(101), "101 columns"),
    ],
    sound: { "src/a.ts": `// ${"😀".repeat(97)}`, "README.md": "x".repeat(200) },
  },
  {
    claim: "every file says at its top what it is responsible for",
    rule: responsibility,
    broken: [
      one("src/a.ts", 'import { x } from "./b.js";', "responsible"),
      one("src/a.ts", "/** a */\nexport {};", "responsible"),
      one("protocol/lua/a.lua", "#!lua\nlocal a = 1", "responsible"),
    ],
    sound: {
      "src/a.ts": "/**\n * Turns bytes into something else.\n */",
      "scripts/a.mjs": "#!/usr/bin/env node\n// Does one thing after the other.\n",
      "protocol/lua/a.lua": "#!lua flags=allow-oom\n-- a: does one thing for all.\n",
    },
  },
  {
    claim: "nothing is left for later, and no test is left out",
    rule: leftovers,
    broken: [
      one("README.md", `${"TO"}${"DO"}: write`, "later"),
      one("src/a.ts", `// ${"FIX"}${"ME"}`, "later"),
      one("test/a.test.ts", `it${".only"}("x", f);`, "part of the tests"),
      one("test/a.test.ts", `describe${".skip"}("x", f);`, "part of the tests"),
      one("src/a.ts", `// @ts-${"ignore"}`, "compiler"),
    ],
    sound: { "src/a.ts": "const todos = list.skip(1);", "test/a.test.ts": "it.skipIf(x)('y', f);" },
  },
  {
    claim: "nothing ties the project to one machine",
    rule: strangers,
    broken: [
      one("docs/a.md", `see /${"work"}/main`, "folder"),
      one("src/a.ts", `const x = "/${"root"}/.npmrc";`, "folder"),
      one("package-lock.json", `"resolved": "${"http"}s://x/y.tgz"`, "package came from"),
      one("README.md", `https://${"registry"}.example.org/x`, "registry"),
      one(".ci/run", `deb ${"http"}://deb.${"debian"}.org/x`, "registry"),
    ],
    sound: { "src/a.ts": 'import { x } from "./loops/work/step.js"; // ../work/a, "/tmp/x"' },
  },
  {
    claim: "every public name is documented where it is declared",
    rule: documentedExports,
    broken: [
      { files: { "src/index.ts": 'export * from "./a.js";' }, says: "whole file" },
      { files: { "src/index.ts": 'export { a } from "./a.js";' }, says: "found nowhere" },
      { files: {}, says: "missing" },
      {
        files: {
          "src/index.ts": 'export { b as c } from "./a.js";',
          "src/a.ts": 'export { a as b } from "./d.js";',
          "src/d.ts": DECLARATION.replace("\n\n", "\nconst b = 2;\n\n"),
        },
        says: "public, without a comment",
      },
      {
        files: { "src/index.ts": 'export { a } from "./a.js";', "src/a.ts": DECLARATION },
        says: "public, without a comment",
      },
    ],
    sound: {
      "src/index.ts": 'export { a, type T } from "./a.js"; export { c } from "./d.js";',
      "src/d.ts": 'import { b as c } from "./testing/index.js"; export { c };',
      "src/a.ts":
        "/** Top. */\n/** A. */\nconst a = 1;\n/** T. */\nexport type T = 1; export { a };",
      "src/testing/index.ts": "/** Top. */\n/** B. */\nexport const b = 1;",
    },
  },
  {
    claim: "nothing waits while it is loaded",
    rule: noTopLevelAwait,
    broken: [
      one("src/a.ts", "const x = await load();", "waits"),
      one("src/a.ts", "for await (const x of y) z;", "waits"),
    ],
    sound: { "src/a.ts": "const f = async () => { await x; for await (const a of b) c; };" },
  },
  {
    claim: "every verb of the contract has a script, a form in SQLite, and a case",
    rule: everyVerbEverywhere,
    broken: [
      one("src/store/contract.ts", CONTRACT, "no script"),
      one("src/store/contract.ts", CONTRACT, "no function"),
      one("src/store/contract.ts", CONTRACT, "no case"),
    ],
    sound: {
      "src/store/contract.ts": CONTRACT,
      "protocol/lua/push.lua": "",
      "protocol/cases/push-ids.json": "{}",
      "src/store/sqlite/store.ts": "class S { push(args) {} }",
    },
  },
];
