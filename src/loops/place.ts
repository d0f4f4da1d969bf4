/**
 * The place of one bound task: how many of its jobs run, stand ready behind them, and are asked
 * for; and whether the store may have more.
 */
import type { Clock } from "../clock.js";
import type { Attempt } from "./attempt.js";
import { Line } from "./line.js";
import { Pace } from "./pace.js";
import type { Share } from "./share.js";

/** What one call carries: a script for so much takes well under a ms. */
export const MOST_PER_CALL = { settles: 300, jobs: 300, tasks: 25 } as const;

/** A task that could take more jobs than that asks for so many at least. */
export const LEAST_ASKED = 25;

/** Whoever was woken has claimed by then, and so have those that he woke, ms. */
const REST_MS = 10;

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
  /** Until when what has waited too long may wait, by the monotonic clock; null: not asked. */
  patientUntil: number | null = null;
  /** The last jobs that came were retry-off. */
  isRetryOff = false;
  /** With which places of the same task, in other shards, it shares its concurrency; null: none. */
  share: Share | null = null;
  /** Its store owes an answer for long. */
  isLate = false;
  /** It claims its part of a short line; waits while others take theirs; claims what is left. */
  manner: "part" | "rest" | "all" = "part";
  /** When its turn was, among those that share. */
  servedAt = 0;
  /** Told when it may ask for jobs again, and when one that waits may begin. */
  onRoom: () => void = () => {};
  onSlot: () => void = () => {};

  constructor({ taskId, concurrency }: { taskId: string; concurrency: number }) {
    this.taskId = taskId;
    this.concurrency = concurrency;
  }

  /** Slots for which no job runs, waits or is asked for. */
  get free(): number {
    if (this.share !== null) return this.share.roomFor(this, this.concurrency);
    return this.concurrency - this.running - this.waiting.length - this.asked;
  }

  /** Slots in which no job runs. */
  get slots(): number {
    return this.share === null ? this.concurrency - this.running : this.share.slots;
  }

  /**
   * It could take a job, but is not known to have one. One that shares is looked after even while
   * others have all slots: it could not learn what has come when they are done with them.
   */
  get isIdle(): boolean {
    return !this.busy && (this.share !== null || this.free > 0);
  }

  /**
   * True: a claim of so many leaves others that sleep their part. Where handlers are short that
   * would only be slower: one scheduler has done it all before a second one has heard of it.
   */
  isFair(limit: number): boolean {
    if (limit < 2 || this.manner !== "part") return false;
    return this.pace.ahead(this.concurrency, this.isRetryOff) === 0;
  }

  /** Jobs were left for others; should they not come for them, this one takes them in a moment. */
  rest(clock: Clock): void {
    if (this.manner === "rest") return;
    this.manner = "rest";
    clock.after(REST_MS, () => {
      this.manner = "all";
      this.onRoom();
    });
  }

  /** How many jobs the next claim should ask for, if there are any; 0: none. */
  wanted(): number {
    if (this.manner === "rest" || (this.isClogged && this.waiting.length > 0)) return 0;
    const ahead = this.pace.ahead(this.concurrency, this.isRetryOff);
    const { free } = this;
    if (ahead === 0) return Math.max(free, 0);
    // In halves, so that the store works on one while the handlers work on the other; but a free
    // slot waits for nothing: those that run may go on for hours.
    const { share } = this;
    const capacity = this.concurrency + ahead;
    const room = share === null ? free + ahead : share.roomFor(this, capacity);
    const parts = share === null ? 2 : 2 * share.rivalsOf(this);
    // One at least: its part may be less than a whole job, and then nobody would ever ask.
    const most = Math.max(1, Math.min(Math.floor(capacity / parts), MOST_PER_CALL.jobs));
    // While all slots are taken there is never more room than may stand ready.
    const least = Math.min(most, Math.ceil(ahead / parts));
    return room >= least ? Math.min(room, most) : Math.max(free, 0);
  }
}
