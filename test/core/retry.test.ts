/** Retry decisions and heads of records: language-neutral vectors, and what they cannot say. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NonRetryableError, RetryAfterError } from "../../src/core/errors.js";
import { type JobCounts, NO_COUNTS, type RetryRule } from "../../src/core/job.js";
import { decodeHead, encodeHead, type Head } from "../../src/core/record.js";
import { type Failure, failedOutcome } from "../../src/core/retry.js";

function cases<Case>(name: string): Case[] {
  const file = new URL(`../../protocol/cases/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Case[];
}

interface RetryCase {
  name: string;
  retry: RetryRule | null;
  counts?: Partial<JobCounts>;
  random?: number;
  failure: "false" | "thrown" | "timeout" | "invalid" | "nonRetryable" | "retryAfter";
  wishedMs?: number;
  outcome: object;
}

function failureOf({ failure, wishedMs = 0 }: RetryCase): Failure {
  switch (failure) {
    case "false":
      return { kind: "false" };
    case "timeout":
      return { kind: "timeout", timeoutMs: 100 };
    case "invalid":
      return { kind: "invalid", error: new Error("data.to: missing") };
    case "nonRetryable":
      return { kind: "thrown", error: new NonRetryableError("no") };
    case "retryAfter":
      return { kind: "thrown", error: new RetryAfterError(wishedMs) };
    default:
      return { kind: "thrown", error: new Error("oops") };
  }
}

function decide(failure: Failure, retry: RetryRule | null = null) {
  const rules = { retry, priority: 0, timeoutMs: null };
  return failedOutcome({ rules, counts: NO_COUNTS, failure, random: 0 });
}

describe("protocol/cases/retry.json", () => {
  it.each(cases<RetryCase>("retry"))("$name", (given) => {
    const outcome = failedOutcome({
      rules: { retry: given.retry, priority: 0, timeoutMs: null },
      counts: { ...NO_COUNTS, ...given.counts },
      failure: failureOf(given),
      random: given.random ?? 0,
    });
    expect({ ...outcome, error: undefined }).toEqual({ ...given.outcome, error: undefined });
  });
});

describe("what is remembered of a failure", () => {
  it("says what happened", () => {
    expect(decide({ kind: "false" }).error).toBe("the handler returned false");
    expect(decide({ kind: "thrown", error: new TypeError("x is no y") }).error).toBe(
      "TypeError: x is no y",
    );
    expect(decide({ kind: "timeout", timeoutMs: 50 }).error).toBe(
      "[TIMED_OUT] the handler took longer than its timeout of 50 ms",
    );
  });

  it("whatever was thrown", () => {
    const unprintable = {
      toString: () => {
        throw new Error("no");
      },
    };
    for (const error of [undefined, null, 5, "text", Symbol("s"), {}, unprintable]) {
      expect(decide({ kind: "thrown", error }).error).toBeTypeOf("string");
    }
    expect(decide({ kind: "thrown", error: "x".repeat(1e6) }).error!.length).toBeLessThan(2_100);
  });

  it("what throws when it is looked at is a failure like any other", () => {
    const fails = () => {
      throw new Error("do not look");
    };
    const nameless = Object.defineProperty(new Error("no"), "name", { get: fails });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const rule: RetryRule = { attempts: 0, waitMs: 1_000, backoff: "fixed" };
    const wish = Object.defineProperty(new RetryAfterError(7), "waitMs", { get: fails });
    for (const error of [nameless, proxy, wish]) {
      expect(decide({ kind: "thrown", error })).toMatchObject({ kind: "dead", reason: "failed" });
      expect(decide({ kind: "thrown", error }, rule)).toMatchObject({ waitMs: 1_000 });
    }
  });

  it("errors of a second copy of the library are known by name", () => {
    const rule: RetryRule = { attempts: 0, waitMs: 1_000, backoff: "fixed" };
    const rejected = Object.assign(new Error("no"), { name: "NonRetryableError" });
    expect(decide({ kind: "thrown", error: rejected }, rule)).toMatchObject({ reason: "rejected" });
    const later = Object.assign(new Error("no"), { name: "RetryAfterError", waitMs: 7 });
    expect(decide({ kind: "thrown", error: later }, rule)).toMatchObject({ waitMs: 7 });
    const broken = Object.assign(new Error("no"), { name: "RetryAfterError", waitMs: "7" });
    expect(decide({ kind: "thrown", error: broken }, rule)).toMatchObject({ waitMs: 1_000 });
  });
});

interface RecordCase {
  name: string;
  head: Partial<Omit<Head, "rules"> & Head["rules"]>;
  text: string;
  /** Written by others; we would write it differently. */
  readOnly?: true;
}

describe("protocol/cases/record.json", () => {
  it.each(cases<RecordCase>("record"))("$name", ({ head, text, readOnly }) => {
    const whole: Head = {
      id: head.id ?? null,
      rules: {
        retry: head.retry ?? null,
        priority: head.priority ?? 0,
        timeoutMs: head.timeoutMs ?? null,
      },
      occurrence: head.occurrence ?? null,
    };
    expect(decodeHead(text)).toEqual(whole);
    if (!readOnly) expect(encodeHead(whole)).toBe(text);
  });
});
