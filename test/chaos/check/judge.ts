/** Reads a history; says what was promised and not kept, and what was excused by which theorem. */
import type { History } from "../kit/history.js";
import { Case, type Invariant, type Rules } from "./case.js";
import { healthLies, judgeLives, recoveries } from "./lives.js";
import { judgePushes } from "./pushes.js";
import { judgeRuns } from "./runs.js";
import { judgeTimes } from "./times.js";

export interface Verdict {
  violations: { invariant: Invariant; text: string }[];
  /** By invariant and theorem. */
  excused: Record<string, number>;
  jobs: number;
  occurrences: number;
  runs: number;
  pushes: { ok: number; refused: number; unknown: number };
  /** How often each kind of fault hit. */
  faults: Record<string, number>;
  /** The slowest return of a process after the last fault, ms. */
  recoveryMs: number | null;
  health: string[];
}

export function judge(history: History, rules: Rules): Verdict {
  const its = new Case(history, rules);
  judgePushes(its);
  judgeRuns(its);
  judgeTimes(its);
  judgeLives(its);
  const took = [...recoveries(its).values()].filter(Number.isFinite);
  const scheduled = its.runs.filter(({ start }) => start.scheduledFor !== undefined);
  return {
    violations: its.violations,
    excused: Object.fromEntries(its.excused),
    jobs: its.told.size,
    occurrences: new Set(scheduled.map(({ start }) => `${start.scheduleId}@${start.scheduledFor}`))
      .size,
    runs: its.runs.length,
    pushes: outcomes(its),
    faults: its.faultCounts(),
    recoveryMs: took.length === 0 ? null : Math.round(Math.max(...took)),
    health: healthLies(its),
  };
}

function outcomes(its: Case): Verdict["pushes"] {
  const pushes = { ok: 0, refused: 0, unknown: 0 };
  for (const { okAt, answers } of its.told.values()) {
    if (okAt !== null) pushes.ok += 1;
    else if (answers.length > 0 && answers.every(({ outcome }) => outcome === "refused")) {
      pushes.refused += 1;
    } else pushes.unknown += 1;
  }
  return pushes;
}
