/**
 * Ids and prefixes that mean something to somebody on their way (Lua, SQL, Redis patterns, the
 * protocol of the wire, a Cluster's hash tags): each works exactly, or is refused with words.
 */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { until } from "../support/until.js";
import { KINDS, storesForThisFile } from "./stores.js";

const stores = storesForThisFile();

const HOSTILE = [
  `it's "quoted" \`so\``,
  "]] .. os.exit() --[[",
  "[==[ x ]==]",
  "{0}:meta",
  "}{",
  "*?[a-z]\\",
  "%s%d%n #{x}",
  "'; DROP TABLE jobs; --",
  "a|b,c;d:e=f/g\\h",
  "t:jobs:sleepers",
  "ünïcödé 漢字 🦄 e\u0301",
  "\u202eright to left\u2066",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "-1",
  "0",
  "+inf",
  "1e309",
  "null",
  "x".repeat(200),
  "🦄".repeat(100),
];

const REFUSED = [
  "",
  " a",
  "a\u00a0",
  "a\u0000b",
  "a\r\nSET x y",
  "a\nb",
  "\u001b[31m",
  "\u007f",
  "\u202e\u0007",
  "half \ud800",
  "x".repeat(201),
  "x".repeat(10_240),
];

/** Names differ from one another also where they look alike. */
const ALIKE = ["e\u0301", "\u00e9", "A", "a", "a:b", "a", "a:", "ab", "a\\b", "a/b"];

describe.each(KINDS)("on %s", (kind) => {
  test.each(HOSTILE)("a task, a schedule and a job called %j live and end", async (name) => {
    const scheduler = stores.create(kind);
    const ran: unknown[] = [];
    scheduler.bind(name, (data, { jobId, taskId, scheduleId }) => {
      ran.push([taskId, jobId, data, scheduleId]);
    });
    const pushed = await scheduler.push(name, { id: name, data: name });
    expect(pushed).toMatchObject({ id: name, taskId: name, created: true, state: "ready" });
    const again = await scheduler.push(name, { id: name, data: "another" });
    expect(again).toMatchObject({ id: name, created: false });
    expect((await scheduler.jobs.get(name, name))?.data).toBe(name);
    const { jobs } = await scheduler.jobs.list(name, { state: "ready" });
    expect(jobs.map(({ id, taskId }) => [id, taskId])).toEqual([[name, name]]);
    const every = { scheduleId: name, every: "1d", data: name } as const;
    await scheduler.schedules.upsert(name, every);
    expect(await scheduler.schedules.get(name)).toMatchObject({ scheduleId: name, taskId: name });
    await scheduler.start();
    await scheduler.schedules.trigger(name);
    await until("both to have run", () => ran.length === 2);
    expect(ran).toContainEqual([name, name, name, undefined]);
    expect(ran).toContainEqual([name, expect.any(String), name, name]);
    await until("both to be counted", async () => {
      return (await scheduler.jobs.counts(name)).total.completed === 2;
    });
    const late = await scheduler.push(name, { delay: "1h", id: `${name.slice(0, 100)}2` });
    expect(await scheduler.jobs.cancel(name, late.id)).toMatchObject({ state: "cancelled" });
    expect((await scheduler.jobs.redrive(name, late.id))?.redriven).toBe(true);
    expect(await scheduler.schedules.remove(name)).toBe(true);
  });

  test("names that only look alike are different tasks and different jobs", async () => {
    const scheduler = stores.create(kind);
    const names = [...new Set(ALIKE)];
    for (const taskId of names) {
      for (const id of names) await scheduler.push(taskId, { id, data: [taskId, id] });
    }
    for (const taskId of names) {
      expect((await scheduler.jobs.counts(taskId)).ready).toBe(names.length);
      for (const id of names) {
        expect((await scheduler.jobs.get(taskId, id))?.data).toEqual([taskId, id]);
      }
    }
  });

  test.each(REFUSED)("%j is refused everywhere, before anything is sent", async (name) => {
    const scheduler = stores.create(kind);
    const calls: (() => unknown)[] = [
      () => scheduler.push(name),
      () => scheduler.push("task", { id: name }),
      () => scheduler.bind(name, () => {}),
      () => scheduler.register(name, { every: "1h" }),
      () => scheduler.register("task", { every: "1h", scheduleId: name }),
      () => scheduler.schedules.upsert("task", { every: "1h", scheduleId: name }),
      () => scheduler.schedules.get(name),
      () => scheduler.schedules.trigger(name),
      () => scheduler.jobs.get("task", name),
      () => scheduler.jobs.cancel(name, "id"),
      () => scheduler.jobs.list(name, { state: "ready" }),
    ];
    for (const call of calls) {
      const error = await Promise.resolve()
        .then(call)
        .then(
          () => new Error(`no error of ${call}`),
          (thrown: Error) => thrown,
        );
      expect(error, String(call)).toMatchObject({ code: "ID_INVALID" });
      expect(inspect(error, { maxStringLength: null }).length).toBeLessThan(4_000);
      // What is printed says where it is, and moves no cursor and forges no line.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
      expect(error.message.replace(/\n {2}fix: /, " ")).not.toMatch(/[\u0000-\u001f\u007f\u202e]/);
    }
  });
});

const PREFIXES = ["it's:", '"q":', "]]--:", "*:", "[a-z]:", "\\:", "?", "ünï🦄:", "x".repeat(100)];

test.each(PREFIXES)(
  "the prefix %j works, beside others, and stays within itself",
  async (prefix) => {
    const scheduler = stores.create("Redis", { redisPrefix: prefix });
    const other = stores.create("Redis", { redisPrefix: "other:" });
    await other.push("task", { id: "one", data: "other" });
    const data = new Promise((resolve) => {
      scheduler.bind("task", resolve);
    });
    await scheduler.start();
    await scheduler.push("task", { id: "one", data: prefix });
    expect(await data).toBe(prefix);
    expect((await other.jobs.get("task", "one"))?.data).toBe("other");
    const keys = (await stores.admin().keys("*")).filter((key) => !key.startsWith("other:"));
    expect(keys.filter((key) => !key.startsWith(prefix))).toEqual([]);
  },
);

test.each(["", "{a}:", "a}", "a\u0000", "a b", "a\r\n", "x".repeat(101), "\ud800"])(
  "the prefix %j is refused",
  (redisPrefix) => {
    const make = () => stores.create("Redis", { redisPrefix });
    expect(make).toThrow(/\[OPTION_INVALID\] createScheduler\(\): redisPrefix/);
  },
);
