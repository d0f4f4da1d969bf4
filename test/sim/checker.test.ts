/** The checker itself: each invariant kept and broken, in histories that are written by hand. */
import { describe, expect, test } from "vitest";
import { check } from "./checker.js";
import { emptyHistory, type History, type Pushed, type Run } from "./history.js";

function pushed(change: Partial<Pushed> = {}): Pushed {
  return {
    ...{ key: "p", taskId: "t", retryOff: false, attempts: 0, delayMs: 0, payload: "1", id: "7" },
    tries: [{ sentAt: 10, storeSentAt: 1_010, endedAt: 12, end: "stored" }],
    isCancelled: false,
    isRedriven: false,
    ...change,
  };
}

function run(change: Partial<Run> = {}): Run {
  return {
    ...{ key: "p", jobId: "7", fence: 1, attempt: 1, machine: "w0", claimedAt: 20, startedAt: 21 },
    ...{ storeAt: 1_021, endedAt: 30, end: "returned", abortedAt: null, payload: "1" },
    ...change,
  };
}

function history(change: Partial<History>): History {
  return { ...emptyHistory(), pushes: [pushed()], runs: [run()], ...change };
}

/** Which invariants are broken. */
function broken(change: Partial<History>): string[] {
  return [...new Set(check(history(change)).map(({ invariant }) => invariant))];
}

const unknown = { sentAt: 10, storeSentAt: 1_010, endedAt: 12, end: "unknown" as const };
const again = { fence: 2, claimedAt: 40, startedAt: 41 };

describe("I1: what was stored is not lost", () => {
  test("kept: it ran, or ended visibly, or nobody knows that it was stored", () => {
    expect(broken({})).toEqual([]);
    const finals = new Map([["p", { state: "dead", reason: "interrupted" }]]);
    const off = [pushed({ retryOff: true })];
    expect(broken({ pushes: off, runs: [], finals })).toEqual([]);
    expect(broken({ pushes: [pushed({ tries: [unknown] })], runs: [] })).toEqual([]);
  });
  test("kept: the server has forgotten that span", () => {
    expect(broken({ runs: [], forgotten: [{ from: 11, to: 15 }] })).toEqual([]);
  });
  test("broken: it is nowhere", () => {
    expect(broken({ runs: [] })).toContain("I1");
    expect(broken({ runs: [], forgotten: [{ from: 12, to: 15 }] })).toContain("I1");
  });
  test("broken: one push became two jobs", () => {
    expect(broken({ runs: [run(), run({ ...again, jobId: "8" })] })).toContain("I1");
  });
});

describe("I2: with retry off it begins once", () => {
  const pushes = [pushed({ retryOff: true })];
  test("kept: once, or twice where the first claim was forgotten", () => {
    expect(broken({ pushes })).toEqual([]);
    const runs = [run(), run(again)];
    expect(broken({ pushes, runs, forgotten: [{ from: 15, to: 35 }] })).toEqual([]);
  });
  test("broken: twice", () => {
    expect(broken({ pushes, runs: [run(), run(again)] })).toEqual(["I2"]);
  });
});

describe("I3: with retry on it completes", () => {
  test("kept: after failures, or dead by crashes, or its tries are spent", () => {
    const failed = run({ end: "false" });
    expect(broken({ runs: [failed, run(again)] })).toEqual([]);
    const crashed = new Map([["p", { state: "dead", reason: "crashes" }]]);
    expect(broken({ runs: [run({ end: null })], finals: crashed })).toEqual([]);
    const spent = new Map([["p", { state: "dead", reason: "failed" }]]);
    expect(broken({ pushes: [pushed({ attempts: 1 })], runs: [failed], finals: spent })).toEqual(
      [],
    );
  });
  test("broken: it failed, and that was all; or it waits still", () => {
    expect(broken({ runs: [run({ end: "thrown" })] })).toEqual(["I3"]);
    const waiting = new Map([["p", { state: "scheduled", reason: null }]]);
    expect(broken({ finals: waiting })).toEqual(["I3"]);
  });
  test("broken: more failures than tries", () => {
    const failures = [run({ end: "false" }), run({ ...again, end: "false" })];
    const finals = new Map([["p", { state: "dead", reason: "failed" }]]);
    expect(broken({ pushes: [pushed({ attempts: 1 })], runs: failures, finals })).toEqual(["I3"]);
  });
});

describe("I5: two runs do not overlap", () => {
  const later = run({ fence: 2, claimedAt: 24, startedAt: 25, endedAt: 40 });
  test("kept: the lease was taken, or the signal aborted, or the process is dead", () => {
    expect(broken({ runs: [run(), later], taken: new Set([1]) })).toEqual([]);
    expect(broken({ runs: [run({ abortedAt: 24 }), later] })).toEqual([]);
    const runs = [run({ endedAt: null, end: null }), later];
    expect(broken({ runs, deaths: new Map([["w0", 22]]) })).toEqual([]);
  });
  test("broken: both run, and nobody was told", () => {
    expect(broken({ runs: [run(), later] })).toEqual(["I5"]);
    expect(broken({ runs: [run({ abortedAt: 26 }), later] })).toEqual(["I5"]);
  });
});

test("I6: fences rise", () => {
  expect(broken({ runs: [run({ end: "false" }), run(again)] })).toEqual([]);
  expect(broken({ runs: [run({ end: "false" }), run({ ...again, fence: 1 })] })).toEqual(["I6"]);
});

test("I7: an occurrence is one job", () => {
  const one = run({ key: "s@1", jobId: "1" });
  expect(broken({ runs: [run(), one, { ...one, ...again }] })).toEqual([]);
  expect(broken({ runs: [run(), one, { ...one, ...again, jobId: "2" }] })).toEqual(["I7"]);
});

test("I8: not before its delay, by the server's clock", () => {
  const pushes = [pushed({ delayMs: 11 })];
  expect(broken({ pushes })).toEqual([]);
  expect(broken({ pushes: [pushed({ delayMs: 12 })] })).toEqual(["I8"]);
  expect(broken({ pushes: [pushed({ delayMs: 12 })], setBack: [15] })).toEqual([]);
});

test("I10: after stop() nothing begins, and it ends in time", () => {
  const stop = { machine: "w0", calledAt: 25, resolvedAt: 30, withinMs: 10 };
  expect(broken({ stops: [stop] })).toEqual([]);
  expect(broken({ stops: [{ ...stop, resolvedAt: 36 }] })).toEqual(["I10"]);
  expect(broken({ stops: [{ ...stop, calledAt: 20.5 }] })).toEqual(["I10"]);
  expect(broken({ stops: [{ ...stop, resolvedAt: null }] })).toEqual(["I10"]);
  const deaths = new Map([["w0", 28]]);
  expect(broken({ stops: [{ ...stop, resolvedAt: null }], deaths })).toEqual([]);
});

test("I12: the data are what was pushed", () => {
  expect(broken({ runs: [run({ payload: "2" })] })).toEqual(["I12"]);
});

test("I13 and I14: what is undone or unheard of is told", () => {
  expect(broken({ undone: ["w0 does not look"] })).toEqual(["I13"]);
  expect(broken({ shocks: ["a TypeError"] })).toEqual(["I14"]);
});
