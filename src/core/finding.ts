/** What an examination finds: one thing that is as it should be, or is not, or cannot be seen. */
import { describeError, SchedulerError } from "./errors.js";

/** `unknown`: the host hides it, and nothing is guessed. */
export type FindingLevel = "ok" | "info" | "warning" | "error" | "unknown";

/** One thing that `doctor()` has looked at. */
export interface Finding {
  /** Of docs/doctor.md; never reused for something else. */
  code: string;
  level: FindingLevel;
  /** What it is, and what that means. */
  meaning: string;
  /** What to do; empty where nothing is to be done. */
  fix: string;
  /** What was found, if it can be named; by node where several have found different ones. */
  value?: unknown;
  /** On a Redis Cluster: the nodes of which it is true, `host:port`. */
  nodes?: readonly string[];
}

export function finding(
  code: string,
  level: FindingLevel,
  meaning: string,
  more: { fix?: string; value?: unknown } = {},
): Finding {
  const value = more.value === undefined ? {} : { value: more.value };
  return { code, level, meaning, fix: more.fix ?? "", ...value };
}

/** The host hides it. */
export function hidden(code: string, what: string, right: string): Finding {
  const fix = `give the user the right ${right} for an answer, or ask your host`;
  return finding(code, "unknown", `${what} cannot be seen here`, { fix });
}

/** It cannot be looked at. The error's own words; these never hold a secret. */
export function unexamined(what: string, error: unknown): Finding {
  const { code, fix } = error instanceof SchedulerError ? error : { code: null, fix: undefined };
  const meaning = `${what} cannot be examined: ${describeError(error, 500)}`;
  const details = { fix: fix ?? "see the message", ...(code === null ? {} : { value: code }) };
  return finding("STORE_REACHABLE", "error", meaning, details);
}

const MOST_NAMES = 10;

/** Tasks with work for which nobody was seen. */
export function unboundTasks(tasks: readonly string[]): Finding {
  const code = "UNBOUND_TASKS";
  if (tasks.length === 0) return finding(code, "ok", "every task with jobs has a scheduler");
  const named = tasks.slice(0, MOST_NAMES);
  const rest = tasks.length > named.length ? ` and ${tasks.length - named.length} more` : "";
  const names = `${named.map((task) => `"${task}"`).join(", ")}${rest}`;
  return finding(code, "warning", `jobs wait, and no running scheduler was seen for ${names}`, {
    fix: "bind these tasks in a scheduler that runs, or cancel their jobs",
    value: named,
  });
}
