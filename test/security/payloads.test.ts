/**
 * Payloads, options and records with the names that JavaScript's objects inherit, and those that
 * are too large or too deep: what may pass comes back as it was, and changes nobody's prototype.
 */
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openRaw } from "../sqlite/raw.js";
import { until } from "../support/until.js";
import { Listener } from "./listener.js";
import { KINDS, storesForThisFile } from "./stores.js";

const stores = storesForThisFile();

const EVIL_TEXT = `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},
  "toString":"x","hasOwnProperty":0,"valueOf":null,"then":"y",
  "list":[{"__proto__":[]},{"__proto__":null}]}`;

/** JSON.parse makes own keys of all of them, as a web server's body parser does. */
function evil(): Record<string, unknown> {
  return JSON.parse(EVIL_TEXT) as Record<string, unknown>;
}
const EVIL = JSON.stringify(evil());

function unpolluted(): void {
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(([] as { polluted?: unknown }).polluted).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(String({})).toBe("[object Object]");
}
afterEach(unpolluted);

describe.each(KINDS)("on %s", (kind) => {
  test("keys of prototypes come back as they were, as data, progress and result", async () => {
    const scheduler = stores.create(kind, { retention: { completed: { age: "1h", count: 10 } } });
    let seen: unknown;
    scheduler.bind("task", (data, { progress }) => {
      seen = data;
      progress(evil());
      return evil();
    });
    await scheduler.push("task", { id: "one", data: evil() });
    await scheduler.pushMany("task", [{ id: "two", data: evil() }]);
    await scheduler.schedules.upsert("task", { scheduleId: "s", every: "1d", data: evil() });
    await scheduler.start();
    const result = await until("its result", async () => {
      return (await scheduler.jobs.get("task", "one"))?.result;
    });
    expect(JSON.stringify(seen)).toBe(EVIL);
    expect(Object.getPrototypeOf(seen)).toBe(Object.prototype);
    expect(JSON.stringify(result)).toBe(EVIL);
    expect(JSON.stringify((await scheduler.jobs.get("task", "two"))?.data)).toBe(EVIL);
    expect(JSON.stringify((await scheduler.schedules.get("s"))?.data)).toBe(EVIL);
  });

  test.each([
    `{"__proto__":{"data":1}}`,
    `{"constructor":{"prototype":{"retry":true}}}`,
    `{"toString":1}`,
    `{"retry":{"__proto__":{"attempts":5}}}`,
    `{"retry":{"constructor":1}}`,
  ])("the options %s are refused by name", async (text) => {
    const scheduler = stores.create(kind);
    const options = JSON.parse(text) as never;
    await expect(async () => await scheduler.push("task", options)).rejects.toMatchObject({
      code: "OPTION_UNKNOWN",
    });
    expect(() => scheduler.register("task", { every: "1h", ...(options as object) })).toThrow(
      text.includes("__proto__") && !text.includes("retry") ? /./ : /OPTION_UNKNOWN/,
    );
  });

  test("too large and too deep is refused, with the limit, and nothing is sent", async () => {
    const scheduler = stores.create(kind, { payloadLimit: 10_000 });
    const tooLarge = /the limit is 10000/;
    const shared = Array.from({ length: 1_000 }, () => "x".repeat(1_000));
    const bomb = Array.from({ length: 60 }).reduce<unknown>((inner) => [inner, inner], "x");
    const sparse: unknown[] = [];
    sparse.length = 2 ** 32 - 1;
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    const cases: [unknown, RegExp][] = [
      ["x".repeat(64 * 1_048_576), tooLarge],
      ["漢".repeat(4_000), tooLarge],
      [{ ["k".repeat(20_000)]: 1 }, tooLarge],
      [Array.from({ length: 500_000 }, () => 0), tooLarge],
      [Array.from({ length: 1_000 }, () => shared), tooLarge],
      [bomb, /the limit is 10000/],
      [sparse, /DATA_NOT_SERIALIZABLE|the limit is 10000/],
      [cyclic, /a cycle, or nested more than 100 deep/],
      [deep, /a cycle, or nested more than 100 deep/],
      [JSON.parse("[".repeat(5_000) + "]".repeat(5_000)), /nested more than 100 deep/],
      [{ toJSON: () => deep }, /nested more than 100 deep/],
    ];
    for (const [data, words] of cases) {
      const begun = performance.now();
      const refused = async () => await scheduler.push("task", { data: data as never });
      await expect(refused).rejects.toThrow(words);
      // Once more than generous: whoever walked all of it would take minutes, or all memory.
      expect(performance.now() - begun).toBeLessThan(5_000);
    }
    expect((await scheduler.jobs.counts("task")).total.pushed).toBe(0);
  });

  test("an error repeats no long text that was passed in", async () => {
    const scheduler = stores.create(kind);
    await scheduler.push("task");
    const long = "x".repeat(100_000);
    const calls: (() => Promise<unknown>)[] = [
      () => scheduler.schedules.list({ cursor: long }),
      () => scheduler.jobs.list("task", { state: "ready", cursor: long }),
      () => scheduler.schedules.get(long),
      () => scheduler.push("task", { delay: long as never }),
      () => scheduler.push("task", { id: long }),
    ];
    for (const call of calls) {
      const answer: unknown = await Promise.resolve()
        .then(call)
        .catch((error: unknown) => error);
      expect(answer instanceof Error ? answer.message.length : 0).toBeLessThan(500);
    }
  });

  test("what a handler throws is cut, in the store, in events and in the log", async () => {
    const listener = new Listener();
    const scheduler = stores.create(kind, { logger: listener.logger });
    const events: string[] = [];
    scheduler.on("job:failed", ({ error }) => events.push(error));
    scheduler.on("job:dead", ({ error }) => events.push(error ?? ""));
    const thrown: unknown[] = [
      new Error("x".repeat(10_000_000)),
      "y".repeat(10_000_000),
      Object.assign(new Error("z"), { name: "n".repeat(10_000_000) }),
      { toString: () => "t".repeat(10_000_000) },
      Object.create(null),
      Object.defineProperty(new Error("g"), "message", {
        get: () => {
          throw new Error("no");
        },
      }),
      undefined,
    ];
    scheduler.bind("task", (nth) => {
      throw thrown[Number(nth)];
    });
    await scheduler.start();
    for (const nth of thrown.keys()) await scheduler.push("task", { id: `j${nth}`, data: nth });
    await until("all to be dead", () => events.length === 2 * thrown.length);
    for (const nth of thrown.keys()) {
      const job = await scheduler.jobs.get("task", `j${nth}`);
      expect(job?.state).toBe("dead");
      expect(job?.error?.length).toBeGreaterThan(0);
      expect(job?.error?.length).toBeLessThan(2_100);
    }
    for (const event of events) expect(event.length).toBeLessThan(2_100);
    expect(listener.longest).toBeLessThan(10_000);
    listener.close();
  });

  test.each([
    `${"*/1 ".repeat(100_000)}`,
    `${"1,".repeat(1_000_000)}1 * * * *`,
    "0 0 30 2 *",
    "0 0 31 2,4,6,9,11 *",
    `* * * * ${"7-".repeat(10_000)}`,
    "*/0 * * * *",
    "1-99999999999999999999 * * * *",
    `${" ".repeat(1_000_000)}* * * * *`,
  ])("a cron expression that is a bomb is refused at once (%#)", (cronExpr) => {
    const scheduler = stores.create(kind);
    const begun = performance.now();
    let error: Error | null = null;
    try {
      scheduler.register("task", { cronExpr });
    } catch (thrown) {
      error = thrown as Error;
    }
    expect(performance.now() - begun).toBeLessThan(500);
    expect(error).toMatchObject({ code: expect.stringMatching(/^CRON_/) });
    expect(error?.message.length).toBeLessThan(1_000);
  });
});

describe("records that somebody else wrote", () => {
  const HEAD = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"i":"one"}';

  test("into Redis", async () => {
    const scheduler = stores.create("Redis");
    await scheduler.push("task", { id: "one", data: 1 });
    const key = "_schedule_mq:{0}:t:task:jobs";
    const [number = ""] = await stores.admin().hkeys(key);
    const record = String(await stores.admin().hget(key, number));
    const head = record.split("\n", 1)[0] ?? "";
    await stores.admin().hset(key, number, record.replace(head, HEAD));
    const job = await scheduler.jobs.get("task", "one");
    expect(job).toMatchObject({ id: "one", data: 1, priority: 0 });
    expect(job).not.toHaveProperty("polluted");
    unpolluted();
  });

  test("into a file", async () => {
    const path = join(stores.folder(), "evil.db");
    const scheduler = stores.create("SQLite", { store: { path } });
    await scheduler.push("task", { id: "one", data: 1 });
    const raw = await openRaw(path);
    raw.prepare("UPDATE job SET head = ?").run(HEAD);
    raw.close();
    const job = await scheduler.jobs.get("task", "one");
    expect(job).toMatchObject({ id: "one", data: 1, priority: 0 });
    expect(job).not.toHaveProperty("polluted");
    unpolluted();
  });
});
