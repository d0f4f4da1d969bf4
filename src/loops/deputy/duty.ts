/**
 * What a deputy does: watches for the main thread's signs of life and, when they stay away,
 * renews its leases and hands back what has not begun. Knows no thread: it is given a clock, what
 * it sees of the board, and a store.
 *  1. renews a lease after a quarter of its length without a sign, then every third of it: one
 *     renewal too many does no harm, one too late loses the job
 *  2. goes on for the lease's limit after the last sign, then lets the lease end
 *  3. time in which it did not run itself counts for nothing: the whole process stood still
 *  4. at the next sign of life all is the main thread's again
 */
import type { Clock } from "../../clock.js";
import type { DeputyStore, HandBack } from "../../store/contract.js";
import type { BoardView, LeaseOnBoard } from "./board.js";

export interface DutyParts {
  clock: Clock;
  board: BoardView;
  /** Opens it, or gives the open one. */
  store: () => Promise<DeputyStore>;
  /** Nothing has needed it for long. */
  closeStore: () => void;
  taskIds: readonly string[];
  leaseMs: number;
}

/** Looks in the length of a lease. */
const LOOKS_PER_LEASE = 16;
const LONGEST_LOOK_MS = 250;
const RENEWALS_PER_LEASE = 3;
/** Jobs that have not begun wait no longer than this for a loop that is blocked. */
const LONGEST_WAIT_MS = 1_000;
/** Without a lease for so many looks, it sleeps until it is called. */
const LOOKS_UNTIL_SLEEP = 40;
/** A connection that was not needed for so long is closed. */
const IDLE_STORE_MS = 60_000;

/** A quarter of its length. */
const QUIET_PART = 4;

/** How often both sides stir, ms. */
export function stirMs(leaseMs: number): number {
  return Math.min(LONGEST_LOOK_MS, leaseMs / LOOKS_PER_LEASE);
}

export class Duty {
  readonly #parts: DutyParts;
  readonly #stirMs: number;
  #beats = -1;
  #lookedAt: number;
  /** Since the last sign of life, as far as this thread ran. */
  #silentMs = 0;
  #emptyLooks = 0;
  #usedAt = Number.NEGATIVE_INFINITY;
  #isOpen = false;
  #isRenewing = false;
  /** When each lease was last renewed here. */
  readonly #renewedAt = new Map<string, number>();
  readonly #lost = new Set<string>();
  /** What has been taken and not been told to the store, of each shard. */
  readonly #handBacks = new Map<number, HandBack[]>();
  /** Shards that are being told, and may be away: nothing else waits for one. */
  readonly #telling = new Set<number>();

  constructor(parts: DutyParts) {
    this.#parts = parts;
    this.#stirMs = stirMs(parts.leaseMs);
    this.#lookedAt = parts.clock.monotonic();
  }

  /** It was called: time begins anew. */
  begin(): void {
    this.#emptyLooks = 0;
    this.#lookedAt = this.#parts.clock.monotonic();
    this.#backToMain();
  }

  /** One look; in how many ms to look again, null: when called. Never throws. */
  look(): number | null {
    const { clock, board } = this.#parts;
    const now = clock.monotonic();
    const passedMs = now - this.#lookedAt;
    this.#lookedAt = now;
    const { beats } = board;
    if (beats !== this.#beats) {
      this.#beats = beats;
      this.#backToMain();
    } else {
      this.#silentMs += Math.min(passedMs, 2 * this.#stirMs);
    }
    if (this.#isOpen && !this.#isCalling && now - this.#usedAt > IDLE_STORE_MS) this.#closeStore();
    if (board.isEmpty) return this.#rest();
    this.#emptyLooks = 0;
    void this.#act(now);
    return this.#stirMs;
  }

  get #isCalling(): boolean {
    return this.#isRenewing || this.#telling.size > 0;
  }

  #rest(): number | null {
    this.#emptyLooks += 1;
    if (this.#emptyLooks < LOOKS_UNTIL_SLEEP || this.#isCalling) return this.#stirMs;
    if (!this.#parts.board.fallAsleep()) return this.#stirMs;
    this.#closeStore();
    return null;
  }

  #backToMain(): void {
    this.#silentMs = 0;
    this.#renewedAt.clear();
    this.#lost.clear();
    // The main thread finds its bits cleared, and tells the store itself.
    this.#handBacks.clear();
  }

  #closeStore(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#parts.closeStore();
  }

  async #act(now: number): Promise<void> {
    const { board, leaseMs } = this.#parts;
    const takes = this.#silentMs >= Math.min(leaseMs / QUIET_PART, LONGEST_WAIT_MS);
    if (!takes && this.#silentMs < leaseMs / QUIET_PART) return;
    const leases = board.leases({ takes });
    for (const lease of leases) this.#noteTaken(lease);
    for (const shard of this.#handBacks.keys()) void this.#handBack(shard, now);
    if (this.#isRenewing) return;
    const due = leases.filter((lease) => this.#isDue(lease, now));
    if (due.length === 0) return;
    this.#isRenewing = true;
    try {
      await this.#renew(due, now);
    } catch {
      // The store is away: the next look tries again, and the main thread will tell of it.
    } finally {
      this.#isRenewing = false;
    }
  }

  #store(now: number): Promise<DeputyStore> {
    this.#usedAt = now;
    this.#isOpen = true;
    return this.#parts.store();
  }

  #noteTaken({ fence, task, shard, taken }: LeaseOnBoard): void {
    if (taken.length === 0) return;
    const taskId = this.#parts.taskIds[task]!;
    this.#note(shard, [{ fence, taskId, shard, numbers: taken }]);
  }

  #note(shard: number, handBacks: readonly HandBack[]): void {
    this.#handBacks.set(shard, [...(this.#handBacks.get(shard) ?? []), ...handBacks]);
  }

  #isDue({ fence, task, shard, leaseMs, limitMs }: LeaseOnBoard, now: number): boolean {
    if (this.#silentMs < leaseMs / QUIET_PART || this.#silentMs >= limitMs) return false;
    const key = keyOf(fence, task, shard);
    if (this.#lost.has(key)) return false;
    const renewedAt = this.#renewedAt.get(key) ?? Number.NEGATIVE_INFINITY;
    return now - renewedAt >= leaseMs / RENEWALS_PER_LEASE;
  }

  async #renew(due: readonly LeaseOnBoard[], now: number): Promise<void> {
    const { taskIds } = this.#parts;
    const store = await this.#store(now);
    const refs = due.map(({ fence, task, shard, leaseMs }) => {
      // If it was handed over, the store may not know yet that it has arrived.
      return { fence, taskId: taskIds[task]!, shard, confirmMs: leaseMs };
    });
    const { lost } = await store.renew({ leases: refs, progress: [] });
    for (const { fence, task, shard } of due) {
      this.#renewedAt.set(keyOf(fence, task, shard), now);
    }
    for (const { fence, taskId, shard = 0 } of lost) {
      this.#lost.add(keyOf(fence, taskIds.indexOf(taskId), shard));
    }
  }

  async #handBack(shard: number, now: number): Promise<void> {
    if (this.#telling.has(shard)) return;
    const handBacks = this.#handBacks.get(shard)!;
    this.#handBacks.delete(shard);
    this.#telling.add(shard);
    const beats = this.#beats;
    try {
      const store = await this.#store(now);
      await store.handBack(handBacks);
    } catch {
      if (beats === this.#beats) this.#note(shard, handBacks);
    } finally {
      this.#telling.delete(shard);
    }
  }
}

/** Each shard gives fences of its own. */
function keyOf(fence: string, task: number, shard: number): string {
  return `${fence} ${task} ${shard}`;
}
