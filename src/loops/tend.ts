/**
 * Tends schedules: the store mends its index piece by piece; those that need judgement, orphans
 * and schedules whose cursor was lost, are decided here.
 */
import { DEFAULT_KEEP } from "../core/keep.js";
import { decodeRule, nextOccurrence } from "../core/schedule.js";
import type { DueSchedule } from "../store/contract.js";
import { judgeOrphan, type OrphanParts } from "./orphans.js";

export class Tending {
  readonly #parts: OrphanParts;
  #isUrgent = false;

  constructor(parts: OrphanParts) {
    this.#parts = parts;
  }

  /** The next rounds go on until all schedules have been seen. */
  hurry(): void {
    this.#isUrgent = true;
  }

  /** True: there is more, and it is urgent. */
  async step(): Promise<boolean> {
    const tended = await this.#parts.store.tend({ urgent: this.#isUrgent });
    for (const due of tended.doubtful) await this.#judge(due, tended.now);
    if (!tended.more) this.#isUrgent = false;
    return tended.more;
  }

  async #judge(due: DueSchedule, now: number): Promise<void> {
    const rule = ruleOf(due);
    if (rule === null) return;
    const isOrphan = await judgeOrphan(this.#parts, { due, rule, now });
    // One that has decided something and has no cursor has come to its end.
    if (isOrphan || due.nextAt !== null || due.decidedAt > 0) return;
    const nextAt = nextOccurrence(rule, Math.max(now, due.decidedAt));
    // Neither has one that ended before it had decided anything; each round would write it again.
    if (nextAt !== null) await this.#setCursor(due, nextAt);
  }

  #setCursor(due: DueSchedule, nextAt: number) {
    const { taskId, scheduleId, revision } = due;
    const fires = [{ scheduleId, revision, seenAt: null, nextAt, decisions: [] }];
    return this.#parts.store.fire({ taskId, fires, keep: DEFAULT_KEEP });
  }
}

/** null: a newer version may understand it. */
function ruleOf(due: DueSchedule) {
  try {
    return decodeRule(due.definition);
  } catch {
    return null;
  }
}
