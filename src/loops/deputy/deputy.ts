/**
 * The main thread's side of its deputy, a thread that renews leases while the event loop is
 * blocked:
 *  1. begins it while the store is being reached, since that takes as much CPU as thousands of
 *     jobs; whoever only pushes needs none
 *  2. gives signs of life as long as it is awake
 *  3. begins it again when it dies; does without where there can be none
 *  4. ends it, within a bound
 */
import type { Clock, Timer } from "../../clock.js";
import type { Emitter } from "../../core/events.js";
import type { Logger } from "../../core/logger.js";
import { Board, type BoardMemory } from "./board.js";
import { stirMs } from "./duty.js";

/** What a deputy is told at its beginning. */
export interface DeputyOrders {
  board: BoardMemory;
  taskIds: readonly string[];
  leaseMs: number;
}

export type ToDeputy =
  | { kind: "sheet"; sheet: SharedArrayBuffer }
  /** It was asleep, and a lease is held. */
  | { kind: "wake" }
  | { kind: "close" };

/** A thread, as its owner sees it. */
export interface DeputyThread {
  tell(word: ToDeputy): void;
  /** The store is open, and has so many shards. */
  open(shards: number): void;
  /** Ends it at once. */
  kill(): void;
}

export interface DeputyListener {
  /** It watches from now on. */
  ready(): void;
  /** Nothing has to be loaded any more when a loop is blocked. */
  loaded(): void;
  /** It is gone; null: by itself, as it was told. */
  ended(error: Error | null): void;
}

/** Begins a thread; a string: why there can be none. */
export type LaunchDeputy = (
  orders: DeputyOrders,
  listener: DeputyListener,
) => DeputyThread | string;

export interface DeputyParts {
  clock: Clock;
  emitter: Emitter;
  logger: Logger;
  taskIds: readonly string[];
  leaseMs: number;
  launch: LaunchDeputy;
}

/** A lease as the loops hold it. */
export interface LeaseForDeputy {
  readonly ref: { readonly fence: string; readonly taskId: string; readonly shard?: number };
  readonly leaseMs: number;
  readonly attempts: readonly JobForDeputy[];
}

interface JobForDeputy {
  readonly number: string;
  readonly job: { readonly rules: { readonly timeoutMs: number | null } };
  readonly task: { readonly timeoutMs: number | null };
}

/** How long a blocked loop keeps jobs that have no `timeout`. */
const LIMIT_MS = 300_000;

const CLOSE_WITHIN_MS = 1_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** It has ended so often and never was ready: it never will be. */
const MOST_VAIN = 3;

/** Where a lease stands that stands nowhere. */
export const NOWHERE = -1;

export class Deputy {
  readonly #parts: DeputyParts;
  readonly #board: Board;
  readonly #tasks: ReadonlyMap<string, number>;
  #thread: DeputyThread | null = null;
  /** Of the store; null: it is not open yet. */
  #shards: number | null = null;
  #state: "unbegun" | "begun" | "pausing" | "unusable" | "closing" = "unbegun";
  #wasReady = false;
  /** How often it has ended before it ever was. */
  #vain = 0;
  #begunAt = Number.NEGATIVE_INFINITY;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: Timer | null = null;
  #whenEnded: () => void = () => {};
  #closed: Promise<void> | null = null;

  constructor(parts: DeputyParts) {
    this.#parts = parts;
    this.#board = new Board((sheet) => this.#thread?.tell({ kind: "sheet", sheet }));
    this.#tasks = new Map(parts.taskIds.map((taskId, index) => [taskId, index]));
  }

  /** Its thread is on its way before the first lease is. */
  begin(): void {
    if (this.#state === "unbegun") this.#begin();
  }

  /** The store is open: leases may come. */
  opened(shards: number): void {
    this.#shards = shards;
    this.#thread?.open(shards);
  }

  /** Where the lease stands; before any of its jobs begins. */
  hold({ ref, leaseMs, attempts: jobs }: LeaseForDeputy): number {
    if (this.#state === "unusable" || this.#state === "closing") return NOWHERE;
    const task = this.#tasks.get(ref.taskId)!;
    const limitMs = limitOf(jobs);
    const { fence, shard = 0 } = ref;
    // A sign of life: what was silent before had no lease.
    this.#board.beat();
    const place = this.#board.hold({ fence, task, shard, leaseMs, limitMs, jobs });
    this.begin();
    // Without a timer it was about to fall asleep when a beat was due, and may have stayed awake.
    if (this.#board.isDeputyAsleep || this.#timer === null) this.#wake();
    return place;
  }

  mayBegin(place: number, nth: number): boolean {
    return place === NOWHERE || this.#board.mayBegin(place, nth);
  }

  release(place: number): void {
    if (place !== NOWHERE) this.#board.release(place);
  }

  /** Resolves when it is gone. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#state = "closing";
    this.#timer?.cancel();
    const thread = this.#thread;
    if (thread === null) return;
    const ended = new Promise<void>((resolve) => {
      this.#whenEnded = resolve;
    });
    thread.tell({ kind: "close" });
    const timer = this.#parts.clock.after(CLOSE_WITHIN_MS, () => thread.kill());
    await ended;
    timer.cancel();
  }

  #begin(): void {
    const { clock, taskIds, leaseMs, launch, logger } = this.#parts;
    const now = clock.monotonic();
    if (now - this.#begunAt > 2 * LONGEST_PAUSE_MS) this.#pauseMs = FIRST_PAUSE_MS;
    this.#begunAt = now;
    const thread = launch(
      { board: this.#board.memory, taskIds, leaseMs },
      {
        ready: () => this.#ready(),
        loaded: () => logger.debug({}, "the thread that renews leases has loaded its store"),
        ended: (error) => this.#ended(error),
      },
    );
    if (typeof thread === "string") {
      this.#doWithout(thread);
      return;
    }
    this.#state = "begun";
    this.#thread = thread;
    if (this.#shards !== null) thread.open(this.#shards);
    // It may have ended by then.
    if (this.#thread === thread) this.#beat();
  }

  #wake(): void {
    this.#board.wakeDeputy();
    this.#thread?.tell({ kind: "wake" });
    this.#beat();
  }

  readonly #beat = (): void => {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#state !== "begun" || this.#board.isDeputyAsleep) return;
    this.#board.beat();
    const { clock, leaseMs } = this.#parts;
    this.#timer = clock.after(stirMs(leaseMs), this.#beat, { keepAlive: false });
  };

  #ready(): void {
    this.#wasReady = true;
  }

  #ended(error: Error | null): void {
    this.#thread = null;
    this.#board.deputyDied();
    if (this.#state === "closing") {
      this.#whenEnded();
      return;
    }
    // It may have come to a thread of others that was just dying.
    if (!this.#wasReady) this.#vain += 1;
    if (this.#vain === MOST_VAIN) {
      this.#doWithout(error?.message ?? "it ended at once");
      return;
    }
    this.#state = "pausing";
    const message = "the thread that renews leases while the event loop is blocked has died";
    const { emitter, clock } = this.#parts;
    const died = new Error(`${message}; it is begun again`, { cause: error });
    if (this.#wasReady) emitter.emit("error", died);
    this.#timer?.cancel();
    this.#timer = clock.after(this.#pauseMs, () => this.#begin(), { keepAlive: false });
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  #doWithout(reason: string): void {
    this.#state = "unusable";
    const what = "no thread renews leases here, so a handler must not block the event loop";
    this.#parts.logger.warn({ reason }, `${what} for as long as a lease; renewFrom: "main" agrees`);
  }
}

/** The longest that any of its jobs may take. */
function limitOf(jobs: readonly JobForDeputy[]): number {
  let limitMs = 0;
  for (const { job, task } of jobs) {
    limitMs = Math.max(limitMs, job.rules.timeoutMs ?? task.timeoutMs ?? LIMIT_MS);
  }
  return limitMs;
}
