/**
 * The place of one bound task: how many of its jobs run, stand ready behind them, and are asked
 * for; and whether the store may have more.
 */
import type { Attempt } from "./attempt.js";
import { Line } from "./line.js";
import { Pace } from "./pace.js";

export class Place {
  readonly taskId: string;
  readonly concurrency: number;
  readonly pace: Pace = new Pace();
  /** Claimed and not begun, in the order of claiming. */
  readonly waiting: Line<Attempt> = new Line();
  running = 0;
  asked = 0;
  /** The store may have jobs of this task that were not asked for yet. */
  busy = false;
  /** Counts offers, so that one made during a claim is not forgotten at its answer. */
  offers = 0;
  /** What waits is to be handed back; nothing more is claimed before, as it would overtake that. */
  isClogged = false;
  /** The last jobs that came were retry-off. */
  isRetryOff = false;

  constructor({ taskId, concurrency }: { taskId: string; concurrency: number }) {
    this.taskId = taskId;
    this.concurrency = concurrency;
  }

  /** Slots for which no job runs, waits or is asked for. */
  get free(): number {
    return this.concurrency - this.running - this.waiting.length - this.asked;
  }

  /** How many jobs the next claim should ask for, if there are any; 0: none. */
  wanted(): number {
    if (this.isClogged && this.waiting.length > 0) return 0;
    const ahead = this.pace.ahead(this.concurrency, this.isRetryOff);
    const { free } = this;
    if (ahead === 0) return Math.max(free, 0);
    // In halves, so that the store works on one while the handlers work on the other; but a free
    // slot waits for nothing: those that run may go on for hours.
    const half = Math.floor((this.concurrency + ahead) / 2);
    return free + ahead >= half ? Math.min(free + ahead, half) : Math.max(free, 0);
  }
}
