/** The options that every job carries: retry, retryTimeout, priority, timeout. */
import { LONGEST_DURATION_MS } from "../duration.js";
import type { JobRules, RetryRule } from "../job.js";
import { DEFAULT_RETRY_WAIT_MS } from "../record.js";
import { show } from "../show.js";
import {
  conflict,
  durationOption,
  invalid,
  isPlainObject,
  readOptions,
  wholeOption,
  wordOption,
} from "./read.js";

export const RULE_NAMES: readonly string[] = ["retry", "retryTimeout", "priority", "timeout"];

const MOST_ATTEMPTS = 1_000_000;
const HIGHEST_PRIORITY = 1_000_000;

/** Pushes mostly say the same, one after the other: their rules are one object. */
let last: { given: readonly unknown[]; rules: JobRules } | null = null;

export function checkRules(given: Record<string, unknown>, where: string): JobRules {
  const { retry, retryTimeout, priority, timeout } = given;
  const [a, b, c, d] = last?.given ?? [];
  if (last !== null && retry === a && retryTimeout === b && priority === c && timeout === d) {
    return last.rules;
  }
  const rules = Object.freeze(readRules(given, where));
  // An object may be changed by its owner.
  if (typeof retry !== "object") last = { given: [retry, retryTimeout, priority, timeout], rules };
  return rules;
}

function readRules(given: Record<string, unknown>, where: string): JobRules {
  return {
    retry: checkRetry(given, where),
    priority: wholeOption(given.priority, {
      where,
      name: "priority",
      fallback: 0,
      min: -HIGHEST_PRIORITY,
      max: HIGHEST_PRIORITY,
    }),
    timeoutMs: checkTimeout(given.timeout, where),
  };
}

function checkRetry(given: Record<string, unknown>, where: string): RetryRule | null {
  const { retry, retryTimeout } = given;
  const waitMs = durationOption(retryTimeout, {
    where,
    name: "retryTimeout",
    fallback: DEFAULT_RETRY_WAIT_MS,
    min: 0,
    max: LONGEST_DURATION_MS,
  });
  if (retry === undefined) {
    if (retryTimeout === undefined) return null;
    throw conflict(
      where,
      "retryTimeout is given, but retry is not, so the job would never be issued again",
      "add retry: true, or a number of tries",
    );
  }
  if (retry === false) return null;
  if (retry === true) return { attempts: 0, waitMs, backoff: "fixed" };
  if (typeof retry === "number") {
    return { attempts: checkAttempts(retry, where, "retry"), waitMs, backoff: "fixed" };
  }
  if (!isPlainObject(retry)) {
    throw invalid(where, `retry must be true, false, a number or an object, got ${show(retry)}`, {
      fix: 'use retry: true, retry: 5, or retry: { attempts: 5, backoff: "exponential" }',
      value: retry,
    });
  }
  const details = readOptions(retry, `${where}: retry`, { names: ["attempts", "backoff"] });
  return {
    attempts:
      details.attempts === undefined ? 0 : checkAttempts(details.attempts, where, "retry.attempts"),
    waitMs,
    backoff: wordOption(details.backoff, {
      where,
      name: "retry.backoff",
      fallback: "fixed",
      words: ["fixed", "exponential"],
    }),
  };
}

function checkAttempts(value: unknown, where: string, name: string): number {
  if (value === Number.POSITIVE_INFINITY) return 0;
  if (value === 0) {
    throw invalid(where, `${name} is 0 tries in all`, {
      fix: "use false for no retry, true for unlimited tries",
      value,
    });
  }
  return wholeOption(value, { where, name, fallback: 0, min: 1, max: MOST_ATTEMPTS });
}

/** The `timeout` of bind, push and register. */
export function checkTimeout(value: unknown, where: string): number | null {
  if (value === undefined) return null;
  return durationOption(value, {
    where,
    name: "timeout",
    fallback: 0,
    min: 1,
    max: LONGEST_DURATION_MS,
  });
}
