/**
 * Decides the due occurrences of a schedule: which fire, which are given up, and why. Pure; the
 * work is bounded, however long nobody looked. What the overlap policy makes of those that fire is
 * the store's to decide.
 */
import { jitterOf, type ScheduleRule } from "./definition.js";
import { DueRow } from "./due.js";
import type { Decision, Firing, Passing, PassReason } from "./outcome.js";
import { excludedSpan, nextOccurrence } from "./timing.js";

export interface FirePlan {
  /** In the order of their instants; at most `MAX_FIRES_PER_PLAN` fire. */
  decisions: Decision[];
  /** The next cursor: may be due already; null: the schedule has come to its end. */
  nextAt: number | null;
}

export interface PlanAt {
  scheduleId: string;
  cursorAt: number;
  /** The store's clock, epoch ms. */
  now: number;
  /** How many occurrences have fired so far, for `limit`. */
  firedCount?: number;
  /** What is due before that is given up, and why. */
  pausedUntil?: number | null;
  pausedBy?: "paused" | "orphaned" | "unattended";
  /** The function that belongs to the schedule. */
  excludes?: ((at: number) => boolean) | null;
}

export const MAX_FIRES_PER_PLAN = 100;

/** So many are looked at one by one: those on time, and late ones that a function judges. */
const MOST_VISITED = 1_000;

/** Decides all occurrences from the cursor to now, or the first hundred that fire. */
export function planFire(rule: ScheduleRule, at: PlanAt): FirePlan {
  const plan = new Planning(rule, at);
  plan.passPaused();
  plan.passLate();
  plan.takeDue();
  return { decisions: plan.decisions, nextAt: plan.cursorAt };
}

class Planning {
  readonly decisions: Decision[] = [];
  /** The next that is not decided; null: none. */
  cursorAt: number | null;
  readonly #rule: ScheduleRule;
  readonly #now: number;
  readonly #pausedUntil: number | null;
  readonly #pausedBy: PassReason;
  readonly #excludes: ((at: number) => boolean) | null;
  /** How many may fire still, by the rule and by the bound of a plan. */
  #left: number;
  #room: number = MAX_FIRES_PER_PLAN;
  /** Late ones that fire, in front of what is on time. */
  #chosen: number[] = [];
  #missed = 0;

  constructor(rule: ScheduleRule, at: PlanAt) {
    // All are due later by the same jitter: as if the clock were behind by it.
    const jitterMs = jitterOf(at.scheduleId, rule);
    this.#rule = rule;
    this.#now = at.now - jitterMs;
    this.cursorAt = at.cursorAt;
    this.#pausedUntil = typeof at.pausedUntil === "number" ? at.pausedUntil - jitterMs : null;
    this.#pausedBy = at.pausedBy ?? "paused";
    this.#excludes = at.excludes ?? null;
    this.#left = rule.limit === undefined ? Infinity : rule.limit - (at.firedCount ?? 0);
    if (this.#left <= 0) this.cursorAt = null;
  }

  passPaused(): void {
    const { cursorAt } = this;
    const end = Math.min(this.#pausedUntil ?? 0, this.#now + 1);
    if (cursorAt === null || cursorAt >= end) return;
    const row = new DueRow(this.#rule, cursorAt);
    const countFrom = (from: number): number => row.count(from, end);
    const to = row.lastBefore(end, countFrom);
    this.#pass({ reason: this.#pausedBy, from: cursorAt, to, count: countFrom(cursorAt) });
    this.cursorAt = row.firstFrom(end);
  }

  /** Of those that are later than `misfireAfter`, the policy chooses the latest. */
  passLate(): void {
    const { cursorAt } = this;
    const lateBefore = this.#now - this.#rule.misfireAfterMs;
    if (cursorAt === null || cursorAt >= lateBefore) return;
    const row = new DueRow(this.#rule, cursorAt);
    const { chosen, refused } = this.#chooseLate(row, lateBefore);
    const plain = row.countPlain(cursorAt, lateBefore);
    this.#chosen = chosen;
    this.#missed = plain - chosen.length - refused.length;
    const givenUpBefore = chosen[0] ?? lateBefore;
    this.#passCounted(row, {
      reason: "misfire",
      end: givenUpBefore,
      count: this.#missed,
      countFrom: (from) => row.countPlain(from, givenUpBefore),
    });
    // What the next plan begins with is that plan's to decide.
    const stop = chosen[this.#room] ?? lateBefore;
    this.#passCounted(row, {
      reason: "excluded",
      end: stop,
      count: row.countExcluded(cursorAt, stop),
      countFrom: (from) => row.countExcluded(from, stop),
    });
    for (const at of refused) {
      if (at < stop) this.#pass({ reason: "excluded", from: at, to: at, count: 1 });
    }
    this.cursorAt = row.firstFrom(lateBefore);
  }

  /** What fires: the chosen late ones, then those on time. */
  takeDue(): void {
    for (const [index, at] of this.#chosen.entries()) {
      if (!this.#mayFire(at)) return;
      this.#fire(at, { isCatchup: true, missedCount: index === 0 ? this.#missed : 0 });
    }
    let visited = 0;
    for (let at = this.cursorAt; at !== null && at <= this.#now; at = this.cursorAt) {
      visited += 1;
      if (visited > MOST_VISITED) return;
      const span = excludedSpan(this.#rule, at);
      if (span !== null) {
        this.#passSpan(at, Math.min(span[1], this.#now + 1));
        continue;
      }
      if (this.#excludes?.(at) === true) {
        this.#pass({ reason: "excluded", from: at, to: at, count: 1 });
      } else {
        if (!this.#mayFire(at)) return;
        this.#fire(at, { isCatchup: false, missedCount: 0 });
      }
      this.cursorAt = nextOccurrence(this.#rule, at);
    }
    if (this.#isOver()) this.cursorAt = null;
  }

  /** All from `at` up to, not including, `end` lie in one excluded span: counted, not visited. */
  #passSpan(at: number, end: number): void {
    const row = new DueRow(this.#rule, at);
    const countFrom = (from: number): number => row.count(from, end);
    const count = countFrom(at);
    const to = count === 1 ? at : row.lastBefore(end, countFrom);
    this.#pass({ reason: "excluded", from: at, to, count });
    this.cursorAt = row.firstFrom(end);
  }

  /** Where the overlap policy may skip some, only the next plan knows how many have fired. */
  #isOver(): boolean {
    return this.#left <= 0 && this.#rule.overlap === "allow";
  }

  /** False: `at` is where the next plan goes on, or nothing fires any more. */
  #mayFire(at: number): boolean {
    if (this.#left > 0 && this.#room > 0) return true;
    this.cursorAt = this.#isOver() ? null : at;
    return false;
  }

  #fire(at: number, how: Pick<Firing, "isCatchup" | "missedCount">): void {
    this.#left -= 1;
    this.#room -= 1;
    this.decisions.push({ kind: "fire", scheduledFor: at, ...how });
  }

  #pass(passing: Omit<Passing, "kind">): void {
    const last = this.decisions.at(-1);
    if (last?.kind === "pass" && last.reason === passing.reason && last.to < passing.from) {
      last.to = passing.to;
      last.count += passing.count;
    } else {
      this.decisions.push({ kind: "pass", ...passing });
    }
  }

  /** A row of which only the number is known: finds its ends. */
  #passCounted(
    row: DueRow,
    given: {
      reason: PassReason;
      end: number;
      count: number;
      countFrom: (from: number) => number;
    },
  ): void {
    const { reason, end, count, countFrom } = given;
    if (count <= 0 || this.cursorAt === null) return;
    const to = row.lastBefore(end, countFrom);
    this.#pass({ reason, from: Math.min(this.cursorAt, to), to, count });
  }

  /** The late ones that fire, as policy and window allow; and what a function refused. */
  #chooseLate(row: DueRow, lateBefore: number): { chosen: number[]; refused: number[] } {
    const { misfire, maxCatchup, catchupWindowMs } = this.#rule;
    const none = { chosen: [], refused: [] };
    const most = misfire === "skip" ? 0 : misfire === "once" ? 1 : maxCatchup;
    const windowStart = Math.max(this.cursorAt!, this.#now - catchupWindowMs);
    const inWindow = row.countPlain(windowStart, lateBefore);
    const wanted = this.#excludes === null ? most : MOST_VISITED;
    const count = Math.min(most === 0 ? 0 : wanted, inWindow);
    if (count === 0) return none;
    const from = row.firstOfLast(count, windowStart, lateBefore);
    const plain = this.#plainFrom(row, from, lateBefore);
    if (this.#excludes === null) return { chosen: plain, refused: [] };
    const refused = new Set(plain.filter(this.#excludes));
    const chosen = plain.filter((at) => !refused.has(at)).slice(-most);
    return { chosen, refused: [...refused] };
  }

  #plainFrom(row: DueRow, from: number, to: number): number[] {
    const plain: number[] = [];
    let at = row.firstFrom(from);
    while (at !== null && at < to) {
      const span = excludedSpan(this.#rule, at);
      if (span === null) plain.push(at);
      at = row.firstFrom(span === null ? at + 1 : span[1]);
    }
    return plain;
  }
}
