/**
 * Mistakes that users make, and the exact words that they are told: one line each here, the
 * words in mistakes.json. `UPDATE_MISTAKES=1` writes the words anew, to be read before they stay.
 */
import { readFileSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { SchedulerError } from "../../src/core/errors.js";
import { Emitter } from "../../src/core/events.js";
import {
  checkBind,
  checkJobId,
  checkList,
  checkPush,
  checkRegister,
  checkSchedulerOptions,
  checkStart,
  checkTaskId,
} from "../../src/core/options.js";
import type { StandardSchema } from "../../src/core/standard-schema.js";

const create = (options: unknown) => () => checkSchedulerOptions(options);
const push =
  (options: unknown, context: object = {}) =>
  () =>
    checkPush("email", options, { payloadLimitBytes: 1_000, ...context });
const register = (options: unknown) => () =>
  checkRegister("report", options, { payloadLimitBytes: 1_000, timezone: "UTC" });
const bind = (options: unknown) => () => checkBind("email", () => 1, options);
const cron = (cronExpr: unknown) => register({ cronExpr });
const redis = (redisConfig: unknown) => create({ redisConfig });

const emitter = new Emitter({ debug() {}, info() {}, warn() {}, error() {} });
const cycle: Record<string, unknown> = {};
cycle.self = { again: cycle };
const trap = () => ({
  get data(): unknown {
    throw new Error("no");
  },
});
const schema: StandardSchema = v.object({});
const validators = new Map(["email", "report"].map((id) => [id, schema] as const));

const MISTAKES: readonly (readonly [mistake: string, call: () => unknown])[] = [
  ["an option that does not exist", create({ redisConfg: "redis://h" })],
  ["options that are no object", create("redis://user:secret@h")],
  ["options that are a class instance", create(new Map())],
  ["an option of another place", create({ host: "10.0.0.5" })],
  ["redisConfig from an unset variable", create({ redisConfig: undefined })],
  ["redisConfig null", redis(null)],
  ["an empty redisConfig", redis("")],
  ["redisConfig without an address", redis({})],
  ["a password alone", redis({ password: "secret" })],
  ["a host from an unset variable", redis({ host: undefined, port: 6379 })],
  ["an address instead of a URL", redis("127.0.0.1:6379")],
  ["a URL of another kind, with a password", redis("http://user:secret@host:6379")],
  ["a broken URL with a password", redis("redis://user:sec ret@ho st:6379")],
  ["a database that is no number", redis("redis://user:secret@host/jobs")],
  ["a port from the environment", redis({ host: "h", port: "6379" })],
  ["a port that does not exist", redis({ host: "h", port: 70000 })],
  ["a password that is a number", redis({ host: "h", password: 123456 })],
  ["a misspelt redis option", redis({ host: "h", pasword: "secret" })],
  ["keyPrefix", redis({ host: "h", keyPrefix: "a:" })],
  ["retry settings of another library", redis({ host: "h", maxRetriesPerRequest: null })],
  ["a URL as host", redis({ host: "redis://:secret@h" })],
  ["a socket and a host", redis({ host: "h", path: "/tmp/redis.sock" })],
  ["Sentinels without a name", redis({ sentinels: [{ host: "h" }] })],
  ["Sentinels that are no list", redis({ sentinels: { host: "h" }, name: "m" })],
  ["a Sentinel as a URL", redis({ sentinels: ["redis://:secret@h:26379"], name: "m" })],
  ["a URL that is only a password", redis("redis://:secret")],
  ["a store that is a URL", create({ store: "redis://:secret@h" })],
  ["something else as redisConfig", redis(6379)],
  ["both stores", create({ redisConfig: "redis://h", store: "memory" })],
  ["a store that is a path", create({ store: "./jobs.db" })],
  ["a store path from an unset variable", create({ store: { path: undefined } })],
  ["braces in redisPrefix", create({ redisPrefix: "{app}:" })],
  ["an empty redisPrefix", create({ redisPrefix: "" })],
  ["a pollInterval of 0", create({ pollInterval: 0 })],
  ["a lease that is no duration", create({ lease: "10 seconds" })],
  ["a negative stopTimeout", create({ stopTimeout: -1 })],
  ["a payloadLimit with a unit", create({ payloadLimit: "1mb" })],
  ["a durability that does not exist", create({ durability: "fsnc" })],
  ["a logger without a level", create({ logger: { info() {}, warn() {}, error() {} } })],
  ["a logger that is none", create({ logger: true })],
  ["retention of a state that is never kept", create({ retention: { failed: false } })],
  ["retention true", create({ retention: { dead: true } })],
  ["retention with a bad count", create({ retention: { dead: { count: -1 } } })],
  ["tasks without validators", create({ tasks: { email: { to: "string" } } })],
  ["a task id that is missing", () => checkTaskId(undefined, "push")],
  ["an empty task id", () => checkTaskId("", "bind")],
  ["a number as task id", () => checkTaskId(7, "push")],
  ["a task id with a space at its end", () => checkTaskId("email ", "bind")],
  ["a task id with a line break", () => checkTaskId("e\nmail", "bind")],
  ["a very long task id", () => checkTaskId("x".repeat(100_000), "bind")],
  ["a task without validator", () => checkTaskId("emial", "push", { tasks: validators })],
  ["a handler that is missing", () => checkBind("email", undefined, undefined)],
  ["a handler that was called", () => checkBind("email", Promise.resolve(1), undefined)],
  ["concurrency 0", bind({ concurrency: 0 })],
  ["a spread of 17", bind({ spread: 17 })],
  ["retry in bind", bind({ retry: true })],
  ["a timeout of 0", bind({ timeout: 0 })],
  ["a misspelt option", push({ dealy: 5000 })],
  ["an option misspelt inside retry", push({ retry: { atempts: 3 } })],
  ["BullMQ's attempts", push({ attempts: 3 })],
  ["cronExpr in push", push({ cronExpr: "* * * * *" })],
  ["options that are the data", push("hello")],
  ["options null", push(null)],
  ["an own __proto__", push(JSON.parse('{"__proto__": {"retry": true}}'))],
  ["an inherited option", push(Object.create({ retry: true }))],
  ["a delay that is no duration", push({ delay: "soon" })],
  ["a delay with a space", push({ delay: "5 m" })],
  ["a delay in words", push({ delay: "5 minutes" })],
  ["a delay without a unit", push({ delay: "5000" })],
  ["a negative delay", push({ delay: -5 })],
  ["a delay that is not a number", push({ delay: Number.NaN })],
  ["a delay of months", push({ delay: "P1M" })],
  ["a delay longer than a life", push({ delay: "40000d" })],
  ["a Date as delay", push({ delay: new Date(0) })],
  ["a delay of 100 KB", push({ delay: `${"9".repeat(100_000)}s` })],
  ["delay and runAt", push({ delay: 1, runAt: new Date("2030-01-01") })],
  ["runAt in seconds", push({ runAt: 1_767_225_600 })],
  ["runAt that is no date", push({ runAt: new Date("nonsense") })],
  ["runAt as text", push({ runAt: "2030-01-01T00:00:00Z" })],
  ["a number as id", push({ id: 7 })],
  ["an id like an assigned one", push({ id: "0-0001767225600000" })],
  ["retry in words", push({ retry: "yes" })],
  ["no tries at all", push({ retry: 0 })],
  ["half a try", push({ retry: 1.5 })],
  ["a backoff that does not exist", push({ retry: { backoff: "expo" } })],
  ["retryTimeout without retry", push({ retryTimeout: 5000 })],
  ["a retryTimeout that is no duration", push({ retry: true, retryTimeout: "later" })],
  ["a priority in words", push({ priority: "high" })],
  ["a priority out of range", push({ priority: 1e12 })],
  ["a BigInt in the data", push({ data: { big: 10n } })],
  ["a function in the data", push({ data: { items: [{ run() {} }] } })],
  ["a cycle in the data", push({ data: cycle })],
  ["a Map as data", push({ data: new Map([["a", 1]]) })],
  ["NaN in the data", push({ data: { price: Number.NaN } })],
  ["undefined in a list", push({ data: { "first name": [undefined] } })],
  ["a Promise as data", push({ data: Promise.resolve(1) })],
  ["an Error in the data", push({ data: { error: new Error("x") } })],
  ["an invalid Date in the data", push({ data: { at: new Date("nonsense") } })],
  ["a symbol as data", push({ data: Symbol("x") })],
  ["an option whose getter throws", push(trap())],
  ["data whose getter throws", push({ data: { inner: trap() } })],
  ["data beyond the limit", push({ data: "x".repeat(1_000) })],
  ["data far beyond the limit", push({ data: "x".repeat(100_000) })],
  ["a bad item of pushMany", push({ delay: "soon" }, { item: 3 })],
  ["a schedule without timing", register({})],
  ["cronExpr and every", register({ cronExpr: "* * * * *", every: "5s" })],
  ["cron instead of cronExpr", register({ cron: "* * * * *" })],
  ["an option that schedules do not have", register({ cronExpr: "* * * * *", weekdays: 5 })],
  ["an overlap policy that does not exist", register({ every: "1m", overlap: "buffer" })],
  ["an orphan policy that does not exist", register({ every: "1m", orphan: "delete" })],
  ["an orphanAfter that no deploy could keep", register({ every: "1m", orphanAfter: "1s" })],
  ["a limit of none", register({ every: "1m", limit: 0 })],
  ["a jitter of days", register({ every: "1m", jitter: "3d" })],
  ["exclude by a weekday", register({ every: "1m", exclude: "sunday" })],
  ["exclude on a day that does not exist", register({ every: "1m", exclude: ["2026-02-30"] })],
  [
    "exclude with ends swapped",
    register({ every: "1m", exclude: { from: "2026-03-02", to: "2026-03-01" } }),
  ],
  ["exclude by a number", register({ every: "1m", exclude: 7 })],
  ["preventOverlap instead of overlap", register({ every: "1m", preventOverlap: true })],
  ["a minute out of range", cron("61 * * * *")],
  ["an hour out of range", cron("0 24 * * *")],
  ["a month out of range", cron("0 0 1 13 *")],
  ["a day out of range", cron("0 0 0 * *")],
  ["a weekday out of range", cron("0 0 * * 8")],
  ["a second out of range", cron("0,15,60 * * * * *")],
  ["a step out of range", cron("*/90 * * * *")],
  ["a step of 0", cron("*/0 * * * *")],
  ["a step of whole hours in minutes", cron("*/120 * * * *")],
  ["a range that runs backwards", cron("0 22-2 * * *")],
  ["weekdays that run backwards", cron("0 0 * * 5-0")],
  ["four fields", cron("* * * *")],
  ["seven fields", cron("0 0 12 * * ? 2030")],
  ["no fields", cron("   ")],
  ["a word instead of an expression", cron("bananas")],
  ["a weekday written out", cron("0 9 * * Monday")],
  ["a misspelt month", cron("0 9 1 JNA *")],
  ["an empty item", cron("0 9,,10 * * *")],
  ["two steps", cron("1/2/3 * * * *")],
  ["a minus", cron("-5 * * * *")],
  ["digits of another script", cron("٣ * * * *")],
  ["a nickname that does not exist", cron("@dayly")],
  ["@reboot", cron("@reboot")],
  ["30 February", cron("0 0 30 2 *")],
  ["31st of short months", cron("0 0 31 2,4,6,9,11 *")],
  ["nearest workday of a day that never is", cron("0 0 30W 2 *")],
  ["a nth weekday that no month has", cron("0 0 * * 1#6")],
  ["L without a weekday", cron("0 0 * * L")],
  ["W in a range", cron("0 0 1-5W * *")],
  ["a very long expression", cron("*,".repeat(50_000))],
  ["two expressions in one", cron("0 3 * * *; 0 4 * * *")],
  ["a name in the wrong field", cron("MON * * * *")],
  ["a cronExpr that is no text", cron(5)],
  ["a zone that does not exist", register({ cronExpr: "* * * * *", timezone: "Europe/Atlantis" })],
  ["a city as zone", register({ cronExpr: "* * * * *", tz: "new york" })],
  ["an offset as zone", register({ cronExpr: "* * * * *", timezone: "+02:00" })],
  ["an unset zone", register({ cronExpr: "* * * * *", timezone: null })],
  ["timeZone, as Intl spells it", register({ cronExpr: "* * * * *", timeZone: "UTC" })],
  ["timezone and tz", register({ cronExpr: "* * * * *", timezone: "UTC", tz: "UTC" })],
  ["a zone for an interval", register({ every: "5s", timezone: "UTC" })],
  ["every that is no duration", register({ every: "bananas" })],
  ["every that is too short", register({ every: 5 })],
  ["a misfire policy that does not exist", register({ every: "5s", misfire: "onec" })],
  ["a maxCatchup of 0", register({ every: "5s", maxCatchup: 0 })],
  ["a misfireAfter that nobody could keep", register({ every: "5s", misfireAfter: 0 })],
  ["startAt after endAt", register({ every: "5s", startAt: 2e12, endAt: 1e12 })],
  [
    "no occurrence between startAt and endAt",
    register({
      cronExpr: "0 0 1 1 *",
      startAt: new Date("2026-02-01"),
      endAt: new Date("2026-03-01"),
    }),
  ],
  ["delay in register", register({ every: "5s", delay: 5 })],
  ["a scheduleId that is empty", register({ every: "5s", scheduleId: "" })],
  ["mustConnect in words", () => checkStart({ mustConnect: "yes" })],
  ["a list without a state", () => checkList("email", {})],
  ["a list of a state that does not exist", () => checkList("email", { state: "failed" })],
  ["a list that is too long", () => checkList("email", { state: "dead", limit: 5000 })],
  ["the cursor of the last page", () => checkList("email", { state: "dead", cursor: null })],
  ["an event that does not exist", () => emitter.on("job:complete" as never, () => 1)],
  ["a listener that is none", () => emitter.on("error", undefined as never)],
  ["a job id that is missing", () => checkJobId(undefined, "jobs.get()")],
];

const file = new URL("mistakes.json", import.meta.url);

function toldAbout(call: () => unknown): SchedulerError {
  try {
    call();
  } catch (thrown) {
    if (thrown instanceof SchedulerError) return thrown;
    throw thrown;
  }
  throw new Error("nobody minded");
}

if (process.env.UPDATE_MISTAKES) {
  const words = MISTAKES.map(([mistake, call]) => [mistake, toldAbout(call).message.split("\n")]);
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(words), null, 2)}\n`);
}

const words = JSON.parse(readFileSync(file, "utf8")) as Record<string, string[]>;

describe("a mistake is refused, with words that help", () => {
  it.each(MISTAKES)("%s", (mistake, call) => {
    const error = toldAbout(call);
    expect(error.message.split("\n")).toEqual(words[mistake]);
    expect(error.message).toContain(`[${error.code}]`);
    expect(error.fix).toBeTruthy();
    expect(`${error.message}${JSON.stringify(error.value)}`).not.toMatch(/secret/);
    expect(error.message.length).toBeLessThan(700);
  });

  it("every one has words, and no words are left over", () => {
    expect(MISTAKES.map(([mistake]) => mistake).sort()).toEqual(Object.keys(words).sort());
    expect(MISTAKES.length).toBeGreaterThanOrEqual(45);
  });

  it("quickly, however large the input is", () => {
    const large = "9".repeat(100_000);
    const list = "1,".repeat(50_000);
    const calls = [
      push({ delay: large }),
      push({ delay: `P${large}` }),
      push({ id: ` ${large}` }),
      push({ priority: large }),
      push({ [large]: 1 }),
      push({ retry: { [large]: 1 } }),
      cron(large),
      cron(list),
      cron(" ".repeat(100_000)),
      cron(`@${large}`),
      register({ cronExpr: "* * * * *", timezone: large }),
      redis(`redis://${large}`),
      redis("/".repeat(100_000)),
      create({ redisPrefix: `{${large}` }),
      () => checkTaskId(large, "push"),
    ];
    for (const call of calls) {
      const started = performance.now();
      expect(toldAbout(call).message.length).toBeLessThan(1_500);
      expect(performance.now() - started).toBeLessThan(250);
    }
  });

  it("an impossible date within 10 ms", () => {
    toldAbout(cron("0 0 30 2 *"));
    const started = performance.now();
    toldAbout(cron("0 0 31 2,4 *"));
    expect(performance.now() - started).toBeLessThan(10);
  });
});
