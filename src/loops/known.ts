/**
 * Up to which instants occurrences are decided, as far as this scheduler knows: what it tells a
 * store that has lost its data or gone back in time, so that nothing fires twice.
 */
import type { Decided, DueSchedule, Look } from "../store/contract.js";

/** So many schedules are remembered; those that were decided first are forgotten first. */
const MOST_KNOWN = 10_000;

export class Known {
  /** Everything up to here is decided, except for what `#cursors` says; null: nothing known. */
  #now: number | null = null;
  /** Schedules that were due at the last look and not decided since: their cursors. */
  readonly #cursors = new Map<string, number>();
  readonly #decided = new Map<string, Decided>();

  /** The store's clock at the last look, epoch ms; null: there was none. */
  get now(): number | null {
    return this.#now;
  }

  /** All that was due by then is listed, or was decided. */
  noteLook(look: Look): void {
    // Whatever is not listed in a complete look has been decided, by whoever was faster.
    if (look.complete) this.#cursors.clear();
    for (const due of look.schedules) {
      if (due.nextAt !== null) this.#cursors.set(due.scheduleId, due.nextAt);
    }
    if (!look.complete) return;
    this.#now = Math.max(this.#now ?? look.now, look.now);
  }

  /** What was due is decided, by this scheduler or another. */
  noteDecided(due: DueSchedule, plan: { decidedAt: number; nextAt: number | null }): void {
    const { scheduleId, taskId, digest } = due;
    if (plan.nextAt !== null && plan.nextAt <= plan.decidedAt) return;
    this.#cursors.delete(scheduleId);
    this.#decided.delete(scheduleId);
    this.#decided.set(scheduleId, { scheduleId, taskId, digest, ...plan });
    if (this.#decided.size <= MOST_KNOWN) return;
    for (const oldest of this.#decided.keys()) {
      this.#decided.delete(oldest);
      break;
    }
  }

  /** Up to where a schedule with that jitter is decided; null: not known. */
  decidedAt(scheduleId: string, jitterMs: number): number | null {
    const cursorAt = this.#cursors.get(scheduleId);
    const own = this.#decided.get(scheduleId)?.decidedAt ?? null;
    const looked = this.#now === null ? null : this.#now - jitterMs;
    const seen = cursorAt === undefined ? looked : cursorAt - 1;
    return own === null ? seen : Math.max(own, seen ?? own);
  }

  decided(): Decided[] {
    return [...this.#decided.values()];
  }
}
