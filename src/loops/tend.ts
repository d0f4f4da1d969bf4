/**
 * Tends schedules: the store mends its index piece by piece; those that need judgement, orphans
 * and schedules whose cursor was lost, are decided here.
 */
import type { Emitter } from "../core/events.js";
import { DEFAULT_KEEP } from "../core/keep.js";
import { decodeRule, nextOccurrence } from "../core/schedule.js";
import type { DueSchedule, Store } from "../store/contract.js";
import { judgeOrphan } from "./orphans.js";

export class Tending {
  readonly #store: Store;
  readonly #emitter: Emitter;
  #isUrgent = false;

  constructor({ store, emitter }: { store: Store; emitter: Emitter }) {
    this.#store = store;
    this.#emitter = emitter;
  }

  /** The next rounds go on until all schedules have been seen. */
  hurry(): void {
    this.#isUrgent = true;
  }

  /** True: there is more, and it is urgent. */
  async step(): Promise<boolean> {
    const tended = await this.#store.tend({ urgent: this.#isUrgent });
    for (const due of tended.doubtful) await this.#judge(due, tended.now);
    if (!tended.more) this.#isUrgent = false;
    return tended.more;
  }

  async #judge(due: DueSchedule, now: number): Promise<void> {
    const rule = ruleOf(due);
    if (rule === null) return;
    const isOrphan = await judgeOrphan(
      { store: this.#store, emitter: this.#emitter },
      { due, rule, now },
    );
    // One that has decided something and has no cursor has come to its end.
    if (isOrphan || due.nextAt !== null || due.decidedAt > 0) return;
    await this.#setCursor(due, nextOccurrence(rule, Math.max(now, due.decidedAt)));
  }

  #setCursor(due: DueSchedule, nextAt: number | null) {
    const { taskId, scheduleId, revision } = due;
    const fires = [{ scheduleId, revision, seenAt: null, nextAt, decisions: [] }];
    return this.#store.fire({ taskId, fires, keep: DEFAULT_KEEP });
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
