/** Hand-made histories for the tests of the checker: a line each, told in the order of time. */

import { expect } from "vitest";
import { type Fault, History, type Line, type Push } from "../kit/history.js";
import type { Rules } from "./case.js";
import { judge } from "./judge.js";

export const RULES: Rules = {
  leaseMs: 2_000,
  pollMs: 500,
  retryMs: 500,
  stopMs: 2_000,
  schedules: [],
};

export const CRON: Rules = {
  ...RULES,
  schedules: [{ scheduleId: "cron", everyMs: 1_000, retries: false }],
};

/** The store's clock is so far from the clock of the histories. */
export const OFFSET_MS = 1_000_000;

type Ids = Partial<{ by: string; attempt: number; fence: number; jobId: string; name: string }>;

function ids(name: string, more: Ids) {
  return {
    by: "w1",
    name,
    jobId: name,
    taskId: "task",
    attempt: 1,
    fence: more.attempt ?? 1,
    ...more,
  };
}

export function push(t: number, name: string, more: Partial<Push> = {}): Line {
  const about = { taskId: "task", retries: false, hasId: false, delayMs: 0, plan: [0] };
  return { t, by: "p1", what: "push", name, ...about, ...more };
}

export function answer(t: number, name: string, outcome: "ok" | "refused" | "unknown"): Line {
  return { t, by: "p1", what: "pushed", name, outcome };
}

export function start(t: number, name: string, more: Ids = {}): Line {
  return { t, what: "start", ...ids(name, more) };
}

export function end(t: number, name: string, more: Ids & { ok?: boolean } = {}): Line {
  const { ok = true, ...rest } = more;
  return { t, what: "end", ok, ...ids(name, rest) };
}

export function abort(t: number, name: string): Line {
  return { t, what: "abort", reason: "STOPPING", ...ids(name, {}) };
}

/** A run from one moment to another. */
export function run(from: number, to: number, name: string, more: Ids & { ok?: boolean } = {}) {
  return [start(from, name, more), end(to, name, more)];
}

export function completed(t: number, name: string, more: Ids = {}): Line {
  const { by, jobId, taskId, attempt } = ids(name, more);
  return { t, what: "completed", by, jobId, taskId, attempt };
}

/** A job of a schedule that begins `lateMs` after its instant, by the store's clock. */
export function occurrence(at: number, lateMs = 5, more: Ids = {}): Line {
  const { name: _name, ...rest } = ids(`cron ${at}`, more);
  const schedule = { scheduleId: "cron", scheduledFor: at + OFFSET_MS };
  return { t: at + lateMs, what: "start", ...rest, ...schedule };
}

/** The store's clock, each 100 ms, without a jump. */
export function clock(to: number): Line[] {
  return Array.from({ length: to / 100 + 1 }, (_, n) => ({
    t: n * 100,
    by: "controller",
    what: "clock" as const,
    storeMs: n * 100 + OFFSET_MS,
  }));
}

export function fault(from: number, to: number, more: Partial<Fault> = {}): Line {
  return { t: to, by: "controller", what: "fault", kind: "fault", from, to, ...more };
}

export function lag(from: number, to: number, by = "w1"): Line {
  return { t: to, by, what: "lag", from, to };
}

export function stall(from: number, to: number): Line {
  return { t: to, by: "controller", what: "stall", from, to };
}

/** Starts, and has been loaded at once. */
export function spawn(
  t: number,
  process: string,
  role: "worker" | "pusher" = "worker",
): readonly Line[] {
  return [
    { t, by: "controller", what: "spawn", process, role },
    { t, by: process, what: "hello" },
  ];
}

export function exit(t: number, process: string, how: { code?: number; signal?: string }): Line {
  const { code = null, signal = null } = how;
  const expected = signal === "SIGKILL";
  return { t, by: "controller", what: "exit", process, code, signal, expected, said: "" };
}

export function term(t: number, by: string): Line {
  return { t, by, what: "term" };
}

export function phase(t: number, which: "healed" | "drained" | "stuck" | "end"): Line {
  return { t, by: "controller", what: "phase", phase: which };
}

export function remains(...names: string[]): Line {
  return { t: 99_000, by: "controller", what: "remains", names };
}

export function told(...parts: readonly (Line | readonly Line[])[]): History {
  return new History(parts.flat() as Line[]);
}

/** `broken`: the invariants that are, in order; `excused`: by invariant and theorem. */
export type Row = [
  claim: string,
  story: History,
  broken: string[],
  excused?: Record<string, number>,
];

export function check(rules: Rules): (...row: Row) => void {
  return (_claim, story, broken, excused = {}) => {
    const verdict = judge(story, rules);
    expect(verdict.violations.map(({ invariant }) => invariant)).toEqual(broken);
    expect(verdict.excused).toEqual(excused);
  };
}
