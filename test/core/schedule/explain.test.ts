/** Explanations and rows of the ledger: a sentence for each thing that can become of an instant. */
import { describe, expect, it } from "vitest";
import { checkRegister } from "../../../src/core/options.js";
import { isSameRow, type LedgerEntry, outcomeOfEntry } from "../../../src/core/schedule/ledger.js";
import type { PassReason } from "../../../src/core/schedule/outcome.js";
import { MOST_BUFFERED, overlapStep } from "../../../src/core/schedule/overlap.js";
import { type Explained, explainAt, explainNow } from "../../../src/core/schedule.js";

const START = Date.parse("2026-03-01T00:00:00Z");
const HOUR = 3_600_000;

function schedule(change: Partial<Explained> = {}, options: object = {}): Explained {
  const context = { payloadLimitBytes: 1_000, timezone: "UTC" };
  const given = { cronExpr: "0 * * * *", timezone: "Europe/Berlin", ...options };
  return {
    scheduleId: "hourly",
    taskId: "report",
    rule: checkRegister("report", given, context).definition,
    nextAt: START + 4 * HOUR,
    firedCount: 0,
    paused: null,
    open: [],
    buffered: [],
    ledger: [],
    now: START + 3.5 * HOUR,
    ...change,
  };
}

function fired(at: number, how: "due" | "catchup" | "trigger" | "backfill"): LedgerEntry {
  const entry = { kind: "fired", scheduledFor: at, firedAt: at + 120, how } as const;
  return { ...entry, jobId: "0-17", instance: "abcdefgh" };
}

function passed(reason: PassReason, from: number, to = from, count = 1): LedgerEntry {
  return { kind: "passed", reason, from, to, count, decidedAt: to, instance: "abcdefgh" };
}

const AT = START + 3 * HOUR;
const NAME = '"hourly" at 2026-03-01 04:00:00 +01:00 (Europe/Berlin)';

describe("explainAt", () => {
  it.each([
    [fired(AT, "due"), "fired, 120 ms after it was due, as job 0-17, by instance abcdefgh"],
    [fired(AT, "catchup"), "was caught up 120 ms late as job 0-17, by instance abcdefgh"],
    [fired(AT, "backfill"), "was filled in later as job 0-17, by instance abcdefgh"],
    [
      passed("misfire", AT - HOUR, AT, 2),
      "was missed: no live scheduler could fire it within 60 s, and misfire " +
        '"once" gave it up (one of 2 in a row)',
    ],
    [passed("paused", AT), "was skipped: the schedule was paused"],
    [passed("overlap", AT), 'was skipped: an earlier job had not ended, and overlap is "allow"'],
    [passed("replaced", AT), "was skipped: it waited, and a newer one took its place"],
  ])("%o", (entry, sentence) => {
    expect(explainAt(schedule({ ledger: [entry] }), AT)).toBe(`${NAME} ${sentence}`);
  });

  it("says what is to come, what is late, and what is none", () => {
    const ahead = schedule();
    expect(explainAt(ahead, START + 5 * HOUR)).toContain("is due in 1 h 30 min");
    expect(explainAt(ahead, START + 5)).toContain("is no occurrence");
    const late = schedule({ nextAt: AT });
    expect(explainAt(late, AT)).toContain("is late by 30 min: no live scheduler that has bound");
    expect(explainNow(late)).toContain("is late by 30 min");
    expect(explainAt(schedule({ buffered: [AT], open: ["0-9"] }), AT)).toContain(
      "waits until job 0-9 has ended",
    );
    const over = schedule({ nextAt: null, firedCount: 3 }, { limit: 3 });
    expect(explainAt(over, START + 5 * HOUR)).toContain("will not fire: limit 3 is reached");
    expect(explainNow(over)).toContain("has come to its end: limit 3 is reached");
  });

  it("knows what it cannot know", () => {
    const full = Array.from({ length: 100 }, (_, n) => fired(AT - n * HOUR, "due"));
    expect(explainAt(schedule({ ledger: full }), AT - 200 * HOUR)).toContain(
      "longer ago than the ledger remembers",
    );
    expect(explainAt(schedule(), AT - 200 * HOUR)).toContain(
      "it was registered, or changed, later",
    );
  });

  it("tells excluded ones from others in rows that span both", () => {
    const exclude = { from: AT, to: AT };
    const ledger = [
      passed("misfire", AT - 2 * HOUR, AT + HOUR, 3),
      passed("excluded", AT - HOUR, AT, 1),
    ];
    const given = schedule({ ledger, nextAt: AT + 2 * HOUR }, { exclude });
    expect(explainAt(given, AT)).toContain("exclude leaves it out");
    expect(explainAt(given, AT - HOUR)).toContain("was missed");
  });
});

describe("rows of the ledger", () => {
  it("neighbours with the same reason are one, unless one that fired is between", () => {
    const row = { reason: "overlap" as const, to: 10 };
    expect(isSameRow(row, { reason: "overlap", from: 11 }, 5)).toBe(true);
    expect(isSameRow(row, { reason: "overlap", from: 12 }, 11)).toBe(false);
    expect(isSameRow(row, { reason: "paused", from: 11 }, 5)).toBe(false);
    expect(isSameRow(row, { reason: "overlap", from: 10 }, 5)).toBe(false);
  });

  it("have the outcomes that users know", () => {
    const reasons: PassReason[] = ["misfire", "unattended", "excluded", "overlap", "orphaned"];
    expect(reasons.map((reason) => outcomeOfEntry(passed(reason, 1)))).toEqual([
      "missed",
      "missed",
      "skipped",
      "skipped",
      "skipped",
    ]);
    expect(outcomeOfEntry(fired(1, "catchup"))).toBe("caughtUp");
    expect(outcomeOfEntry(fired(1, "backfill"))).toBe("fired");
  });
});

describe("overlapStep", () => {
  const table: [Parameters<typeof overlapStep>[0], number, number, string][] = [
    ["allow", 5, 0, "fire"],
    ["skip", 0, 0, "fire"],
    ["skip", 1, 0, "skip"],
    ["bufferOne", 0, 0, "fire"],
    ["bufferOne", 1, 0, "buffer"],
    ["bufferOne", 1, 1, "skip"],
    ["bufferAll", 1, MOST_BUFFERED - 1, "buffer"],
    ["bufferAll", 1, MOST_BUFFERED, "skip"],
    ["cancelOther", 0, 0, "fire"],
    ["cancelOther", 2, 0, "replace"],
    ["cancelOther", 1, 1, "replace"],
  ];
  it.each(table)("%s with %i open and %i waiting: %s", (overlap, open, buffered, kind) => {
    expect(overlapStep(overlap, { open, buffered }).kind).toBe(kind);
  });
});
