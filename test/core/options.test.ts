/** Options that are right: what the scheduler makes of them. Mistakes are in mistakes.test.ts. */
import { type } from "arktype";
import { Redis } from "ioredis";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DEFAULT_KEEP } from "../../src/core/keep.js";
import {
  checkBind,
  checkList,
  checkPush,
  checkRegister,
  checkSchedulerOptions,
  checkStart,
} from "../../src/core/options.js";
import { isStandardSchema, type StandardSchema, validate } from "../../src/core/standard-schema.js";
import { closest } from "../../src/core/suggest.js";

const CONTEXT = { payloadLimitBytes: 1_000 };

describe("checkSchedulerOptions", () => {
  it("has a bound on what waits, whatever is asked for", () => {
    const sizes = { maxPending: 1, maxPendingText: 4_096 * 1_048_576 };
    expect(checkSchedulerOptions(sizes)).toMatchObject(sizes);
    for (const none of [0, Infinity, 1.5, "1000"]) {
      const wrong = expect.objectContaining({ code: "OPTION_INVALID", value: none });
      expect(() => checkSchedulerOptions({ maxPending: none })).toThrow(wrong);
      expect(() => checkSchedulerOptions({ maxPendingText: none })).toThrow(wrong);
    }
  });

  it("has a default for everything: an embedded file, safe on disk", () => {
    expect(checkSchedulerOptions(undefined)).toEqual({
      redis: null,
      sqlite: { path: null },
      redisPrefix: "_schedule_mq:",
      pollIntervalMs: 1_000,
      leaseMs: 10_000,
      pushTimeoutMs: 5_000,
      stopTimeoutMs: 30_000,
      payloadLimitBytes: 1_048_576,
      maxPending: 100_000,
      maxPendingText: 67_108_864,
      keep: DEFAULT_KEEP,
      durability: "fsync",
      requireDurability: null,
      renewFrom: "thread",
      misfireAfterMs: 60_000,
      logger: undefined,
      tasks: null,
    });
  });

  it("takes the seed's options", () => {
    const redisConfig = { host: "127.0.0.1", port: 5379, password: "dummy", db: 0 };
    const options = { redisConfig, redisPrefix: "_my_prefix:", pollInterval: 2000 };
    expect(checkSchedulerOptions(options)).toMatchObject({
      redis: redisConfig,
      sqlite: null,
      redisPrefix: "_my_prefix:",
      pollIntervalMs: 2_000,
      durability: "store",
    });
  });

  it("takes a URL, an unset password, Sentinels, and a client as it is", () => {
    const url = "rediss://user:p%40ss@host:6379/2";
    expect(checkSchedulerOptions({ redisConfig: url }).redis).toBe(url);
    const unset = checkSchedulerOptions({ redisConfig: { host: "h", password: undefined } });
    expect(unset.redis).toEqual({ host: "h" });
    const sentinels = { sentinels: [{ host: "a" }, { host: "b", port: 2 }], name: "m" };
    expect(checkSchedulerOptions({ redisConfig: sentinels }).redis).toEqual(sentinels);
    const client = new Redis({ lazyConnect: true });
    expect(checkSchedulerOptions({ redisConfig: client }).redis).toBe(client);
  });

  it("takes stores, retention, durations of all kinds, and a logger", () => {
    const checked = checkSchedulerOptions({
      store: { path: "jobs.db" },
      lease: "PT20S",
      stopTimeout: 0,
      idRetention: "2d",
      retention: { completed: { age: "1h" }, dead: false, cancelled: { count: 5 } },
      logger: console,
      durability: "store",
      pollInterval: undefined,
    });
    expect(checked).toMatchObject({
      sqlite: { path: "jobs.db" },
      leaseMs: 20_000,
      stopTimeoutMs: 0,
      pollIntervalMs: 1_000,
      durability: "store",
      logger: console,
    });
    expect(checked.keep).toEqual({
      idMs: 172_800_000,
      idCount: DEFAULT_KEEP.idCount,
      completed: { ageMs: 3_600_000, count: 10_000 },
      dead: { ageMs: 0, count: 0 },
      cancelled: { ageMs: 604_800_000, count: 5 },
    });
    expect(checkSchedulerOptions({ store: "memory" })).toMatchObject({
      sqlite: "memory",
      durability: "store",
    });
  });

  it("takes no option from a prototype that somebody has polluted", () => {
    const prototype = Object.prototype as { redisPrefix?: string };
    try {
      prototype.redisPrefix = "stolen:";
      expect(checkSchedulerOptions({}).redisPrefix).toBe("_schedule_mq:");
    } finally {
      delete prototype.redisPrefix;
    }
  });
});

describe("checkBind, checkList, checkStart", () => {
  it("have the defaults that are written down", () => {
    const handler = () => true;
    expect(checkBind("email", handler, undefined)).toEqual({
      taskId: "email",
      handler,
      file: null,
      concurrency: 10,
      timeoutMs: null,
      spread: null,
    });
    expect(checkBind("a:b {c} ü", handler, { concurrency: 1, timeout: "30s" })).toMatchObject({
      concurrency: 1,
      timeoutMs: 30_000,
    });
    expect(checkBind("email", handler, { spread: 16 })).toMatchObject({
      spread: 16,
    });
    expect(checkList("email", { state: "dead" })).toEqual({
      taskId: "email",
      state: "dead",
      cursor: null,
      limit: 100,
    });
    expect(checkStart(undefined)).toEqual({ mustConnect: false });
    expect(checkStart({ mustConnect: true })).toEqual({ mustConnect: true });
  });
});

describe("checkPush", () => {
  const job = (options?: unknown) => checkPush("email", options, CONTEXT);

  it("makes a plain job of nothing", () => {
    expect(job()).toEqual({
      taskId: "email",
      id: null,
      payload: "",
      due: null,
      rules: { retry: null, priority: 0, timeoutMs: null },
      occurrence: null,
    });
  });

  it("takes every option", () => {
    expect(
      job({
        data: "im data",
        delay: "5m",
        id: "welcome",
        retry: { attempts: 5, backoff: "exponential" },
        retryTimeout: 5000,
        priority: -0,
        timeout: "PT1M",
      }),
    ).toEqual({
      taskId: "email",
      id: "welcome",
      payload: '"im data"',
      due: { in: 300_000 },
      rules: {
        retry: { attempts: 5, waitMs: 5_000, backoff: "exponential" },
        priority: 0,
        timeoutMs: 60_000,
      },
      occurrence: null,
    });
  });

  it("takes an instant as Date or number, and a delay of 0 as now", () => {
    expect(job({ runAt: new Date(2e12) }).due).toEqual({ at: 2e12 });
    expect(job({ runAt: 2e12 }).due).toEqual({ at: 2e12 });
    expect(job({ delay: 0 }).due).toBeNull();
  });

  it.each([
    [false, null],
    [true, { attempts: 0, waitMs: 10_000, backoff: "fixed" }],
    [3, { attempts: 3, waitMs: 10_000, backoff: "fixed" }],
    [{}, { attempts: 0, waitMs: 10_000, backoff: "fixed" }],
    [Number.POSITIVE_INFINITY, { attempts: 0, waitMs: 10_000, backoff: "fixed" }],
    [{ attempts: 2 }, { attempts: 2, waitMs: 10_000, backoff: "fixed" }],
  ])("retry: %j", (retry, rule) => {
    expect(job({ retry }).rules.retry).toEqual(rule);
    expect(job({ retry: false, retryTimeout: 5 }).rules.retry).toBeNull();
  });
});

describe("checkRegister", () => {
  it("has the defaults that are written down", () => {
    const checked = checkRegister(
      "report",
      { cronExpr: "0 3 * * *" },
      {
        ...CONTEXT,
        timezone: "Europe/Berlin",
      },
    );
    expect(checked).toEqual({
      taskId: "report",
      scheduleId: "report",
      definition: {
        v: 1,
        taskId: "report",
        kind: "cron",
        cronExpr: "0 3 * * *",
        timezone: "Europe/Berlin",
        misfire: "once",
        misfireAfterMs: 60_000,
        catchupWindowMs: 300_000,
        maxCatchup: 100,
        overlap: "allow",
        orphan: "pause",
        orphanAfterMs: 86_400_000,
        payload: "",
        rules: { retry: null, priority: 0, timeoutMs: null },
      },
      excludes: null,
    });
  });

  it("uses the zone of the process for cron, and none for intervals", () => {
    const here = new Intl.DateTimeFormat().resolvedOptions().timeZone;
    const zoneOf = (options: object) =>
      checkRegister("report", options, CONTEXT).definition.timezone;
    expect(zoneOf({ cronExpr: "@daily" })).toBe(here);
    expect(zoneOf({ every: "5s" })).toBe("UTC");
    expect(zoneOf({ cronExpr: "@daily", tz: "america/new_york" })).toBe("america/new_york");
  });
});

describe("validators", () => {
  const zod = z.object({ to: z.string(), n: z.coerce.number() });
  const valibot = v.object({ to: v.string(), list: v.array(v.object({ a: v.number() })) });
  const ark = type({ to: "string", "n?": "number" });
  const async = z.object({ to: z.string().refine(async (to) => to !== "no", "refused") });

  it("of three libraries are known by their shape, functions too", () => {
    for (const schema of [zod, valibot, ark]) expect(isStandardSchema(schema)).toBe(true);
    for (const other of [null, 5, {}, { "~standard": {} }, () => 1]) {
      expect(isStandardSchema(other)).toBe(false);
    }
    const { tasks } = checkSchedulerOptions({ tasks: { zod, valibot, ark } });
    expect([...tasks!.keys()]).toEqual(["zod", "valibot", "ark"]);
  });

  it("give the output, or the issues with their paths", async () => {
    expect(validate(zod, { to: "a", n: "5" })).toEqual({ value: { to: "a", n: 5 } });
    const said = async (schema: StandardSchema, value: unknown) =>
      (await validate(schema, value)).issues;
    expect(await said(zod, { to: 5, n: 1 })).toMatch(/^data\.to: /);
    expect(await said(valibot, { to: "a", list: [{ a: "x" }] })).toMatch(/^data\.list\[0\]\.a: /);
    expect(await said(ark, { to: 5 })).toMatch(/^data\.to: /);
    expect(await said(zod, null)).toMatch(/^data: /);
    expect(await said(async, { to: "no" })).toBe("data.to: refused");
    expect(await said(async, { to: "yes" })).toBeUndefined();
  });
});

describe("closest", () => {
  it.each([
    ["dealy", ["delay", "data"], "delay"],
    ["RETRYTIMEOUT", ["retry", "retryTimeout"], "retryTimeout"],
    ["zzz", ["delay", "data"], undefined],
    ["", ["a"], undefined],
    ["x".repeat(1_000), ["x"], undefined],
  ])("%j", (word, candidates, expected) => {
    expect(closest(word, candidates)).toBe(expected);
  });
});
