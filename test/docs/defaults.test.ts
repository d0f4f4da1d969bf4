/** The defaults that docs/options.md and the comments of src/types name are those that are used. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/lib/project.mjs";
import {
  checkBind,
  checkList,
  checkPreview,
  checkPush,
  checkRegister,
  checkSchedulerOptions,
  checkSchedulesList,
  checkStart,
} from "../../src/core/options.js";
import { readPage } from "./blocks.js";

type Options = Record<string, unknown>;

const context = { tasks: null, payloadLimitBytes: 1_000 };
const handler = () => {};
const DAILY = { cronExpr: "0 3 * * *" };

/** What becomes of options, with an option said or left out. */
const scheduler = (options: Options) => checkSchedulerOptions(options);
const bind = (options: Options) => checkBind("a", handler, options);
const push = (options: Options) => checkPush("a", options, context);
const retried = (options: Options) => push({ retry: true, ...options });
const backoff = (options: Options) => push({ retry: { attempts: 3, ...options } });
const register = (options: Options) => checkRegister("a", { ...DAILY, ...options }, context);
const kept = (options: Options) => scheduler({ retention: { dead: { count: 5, ...options } } });
const counted = (options: Options) => scheduler({ retention: { dead: { age: 5, ...options } } });
const keep = (options: Options) => scheduler({ retention: options });
const list = (options: Options) => checkList("a", { state: "dead", ...options });
const schedules = (options: Options) => checkSchedulesList(options, context);
const preview = (options: Options) => checkPreview("a", options, context);
const start = (options: Options) => checkStart(options);

type Check = (options: Options) => unknown;

/** Each option whose default is a value, by whom it belongs to. */
const CHECKS: readonly [Check, names: readonly string[]][] = [
  [scheduler, ["redisPrefix", "pollInterval", "lease", "pushTimeout", "stopTimeout"]],
  [scheduler, ["payloadLimit", "maxPending", "maxPendingText", "idRetention"]],
  [scheduler, ["durability", "renewFrom"]],
  [keep, ["completed", "dead", "cancelled"]],
  [kept, ["age"]],
  [counted, ["count"]],
  [bind, ["concurrency"]],
  [push, ["delay", "retry", "priority"]],
  [retried, ["retryTimeout"]],
  [backoff, ["backoff of retry"]],
  [register, ["jitter", "overlap", "orphan", "orphanAfter"]],
  [register, ["misfire", "misfireAfter", "catchupWindow", "maxCatchup"]],
  [list, ["limit"]],
  [schedules, ["limit of list"]],
  [preview, ["count of preview"]],
  [start, ["mustConnect"]],
];

/** Of the Redis client; and one that depends on the schedule. */
const OTHERS = new Set([
  ...["host", "port", "family", "db", "connectTimeout", "keepAlive", "noDelay", "connectionName"],
  "overlap of backfill",
]);

/** The value at the beginning of a text; undefined: it begins with words. */
function valueIn(text: string): unknown {
  const json = /^`?(\{[^}]*\}|"[^"]*"|\d+|true|false)/.exec(text.trim())?.[1];
  return json === undefined ? undefined : JSON.parse(json.replace(/(\w+): /g, '"$1": '));
}

/** What the tables of docs/options.md name as the default, by option. */
function inPage(): Map<string, unknown> {
  const found = new Map<string, unknown>();
  let column = -1;
  for (const line of readPage("docs/options.md").split("\n")) {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    if (!line.startsWith("|")) column = -1;
    else if (column === -1) column = cells.indexOf("Default");
    const name = /^`(\w+)`(?: of `(\w+)`)?$/.exec(cells[1] ?? "");
    const value = column > 0 ? valueIn(cells[column] ?? "") : undefined;
    if (name === null || value === undefined) continue;
    found.set(name[2] === undefined ? `${name[1]}` : `${name[1]} of ${name[2]}`, value);
  }
  return found;
}

/** What comments in src/types say to be the default, each value that is said of a name. */
function inTypes(): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  const said = /@defaultValue ([^\n]*?)\s*(?:\*\/|\n[^/]*\*\/)\s*(?:readonly )?(\w+)\??:/g;
  for (const file of readdirSync(join(ROOT, "src/types"))) {
    for (const [, text = "", name = ""] of readPage(`src/types/${file}`).matchAll(said)) {
      const value = valueIn(text);
      if (value !== undefined) found.set(name, [...(found.get(name) ?? []), value]);
    }
  }
  return found;
}

const page = inPage();
const types = inTypes();
const all = CHECKS.flatMap(([check, names]) => names.map((name) => [name, check] as const));

describe("the default of", () => {
  it.each(all)("%s is what docs/options.md says", (name, check) => {
    expect([...page.keys()]).toContain(name);
    const [option = ""] = name.split(" ");
    expect(check({ [option]: page.get(name) })).toEqual(check({}));
  });

  // Of `count` there are two.
  const told = all.filter(([name]) => name !== "count");
  it.each(told)("%s is what its comment says, where it says a value", (name, check) => {
    const [option = ""] = name.split(" ");
    for (const value of types.get(option) ?? []) {
      expect(check({ [option]: value })).toEqual(check({}));
    }
  });

  it("no option is left out", () => {
    const known = new Set(all.map(([name]) => name));
    const left = [...page.keys()].filter((name) => !known.has(name) && !OTHERS.has(name));
    expect(left).toEqual([]);
    expect([...types.keys()].length).toBeGreaterThan(20);
  });
});
