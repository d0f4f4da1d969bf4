/**
 * Pushes of one turn of the event loop share a call to the store.
 *  1. a call carries at most so many jobs, and about so much text; then the next call begins
 *  2. each push rejects with the store's error, or when no answer came in time
 *  3. the order of pushes is the order of jobs
 *  4. what waits for the store is bounded (`room.ts`)
 *  5. a call is for one shard of the store: another one may be away
 */
import type { Chance } from "../chance.js";
import type { Clock } from "../clock.js";
import { SchedulerError } from "../core/errors.js";
import type { NewJob, PushAnswer, Store } from "../store/contract.js";
import { Room, type RoomParts } from "./room.js";
import { Routes } from "./routes.js";

export interface OutboxParts extends RoomParts {
  store: Store;
  clock: Clock;
  chance: Pick<Chance, "random">;
  pushTimeoutMs: number;
}

/** Jobs of one task that are pushed together. */
export interface Entry {
  taskId: string;
  /** Of its caller; all jobs of an entry with one live in the same shard. */
  id: string | null;
  /** How many. */
  count: number;
  addTo: (jobs: NewJob[]) => void;
  /** Characters of payload. */
  text: number;
  /** The answers of its jobs begin at `from`. */
  answered: (answers: readonly PushAnswer[], from: number) => void;
  failed: (error: unknown) => void;
}

/** Sent as soon as so many wait, so that the store works while the next ones are made. */
export const MOST_JOBS_PER_CALL = 250;

/** In characters of payload; at most three bytes each, well under what a store takes. */
export const MOST_TEXT_PER_CALL = 1_000_000;

/** The store itself keeps the time limit; this is for one that does not. */
const GRACE_MS = 500;

export class Outbox {
  /** For what is pushed; whoever pushes takes it first. */
  readonly room: Room;
  readonly #parts: OutboxParts;
  readonly #routes: Routes;
  #waiting: Entry[] = [];
  #waitingJobs = 0;
  #flushAsked = false;
  readonly #inFlight = new Set<Promise<void>>();
  /** While set, nothing is sent: the store is being closed. */
  #hold: Promise<unknown> | null = null;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.room = new Room(parts);
    this.#routes = new Routes(parts);
  }

  /**
   * Jobs of one task by what goes into one call, each by its place in the list; null: all of them.
   */
  apart(jobs: readonly NewJob[]): number[][] | null {
    return this.#routes.apart(jobs);
  }

  /**
   * Stores the jobs of a task in order, all in one call; at most `MOST_JOBS_PER_CALL`. Their room,
   * taken before, is given back when the store is through with them.
   */
  push(jobs: readonly NewJob[]): Promise<PushAnswer[]> {
    const [first] = jobs;
    if (first === undefined) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.add({
        taskId: first.taskId,
        id: first.id,
        count: jobs.length,
        addTo: (all) => void all.push(...jobs),
        text: textOf(jobs),
        answered: (answers, from) => resolve(answers.slice(from, from + jobs.length)),
        failed: reject,
      });
    });
  }

  /** The same, for whoever wants to be told without a promise. */
  add(entry: Entry): void {
    this.#waiting.push(entry);
    this.#waitingJobs += entry.count;
    if (this.#waitingJobs >= MOST_JOBS_PER_CALL) this.#flush();
    else this.#askForFlush();
  }

  /** Resolves when all that was pushed so far has been answered. */
  async settled(): Promise<void> {
    this.#flush();
    await Promise.all(this.#inFlight);
  }

  /** Sends nothing until `closing` has ended; what is pushed meanwhile waits. */
  async holdUntil(closing: Promise<unknown>): Promise<void> {
    this.#hold = closing;
    try {
      await closing;
    } finally {
      this.#hold = null;
      this.#flush();
    }
  }

  #askForFlush(): void {
    if (this.#flushAsked) return;
    this.#flushAsked = true;
    this.#parts.clock.endOfTurn(() => {
      this.#flushAsked = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#hold !== null) return;
    this.#waitingJobs = 0;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#parts.store.shards === 1) this.#flushSome(waiting);
    else {
      const groups = this.#routes.groups(waiting);
      for (const { shard, items } of groups) this.#flushSome(items, shard);
    }
  }

  #flushSome(waiting: readonly Entry[], shard?: number): void {
    let load: Entry[] = [];
    let jobs = 0;
    let text = 0;
    for (const entry of byTask(waiting)) {
      jobs += entry.count;
      text += entry.text;
      if (load.length > 0 && (jobs > MOST_JOBS_PER_CALL || text > MOST_TEXT_PER_CALL)) {
        this.#begin(load, shard);
        load = [];
        jobs = entry.count;
        text = entry.text;
      }
      load.push(entry);
    }
    if (load.length > 0) this.#begin(load, shard);
  }

  #begin(load: readonly Entry[], shard?: number): void {
    const call = this.#send(load, shard);
    this.#inFlight.add(call);
    void call.then(() => this.#inFlight.delete(call));
  }

  /** Never rejects: each entry is told. */
  async #send(entries: readonly Entry[], shard?: number): Promise<void> {
    try {
      const answers = await this.#pushInTime(entries, shard);
      let from = 0;
      for (const entry of entries) {
        entry.answered(answers, from);
        from += entry.count;
      }
    } catch (error) {
      for (const entry of entries) entry.failed(error);
    }
  }

  #pushInTime(entries: readonly Entry[], shard?: number): Promise<PushAnswer[]> {
    const { store, clock, pushTimeoutMs } = this.#parts;
    const jobs: NewJob[] = [];
    let text = 0;
    for (const entry of entries) {
      text += entry.text;
      entry.addTo(jobs);
    }
    return new Promise((resolve, reject) => {
      const timer = clock.after(pushTimeoutMs + GRACE_MS, () => reject(noAnswer(pushTimeoutMs)));
      store
        .push({ jobs, timeoutMs: pushTimeoutMs, ...(shard === undefined ? {} : { shard }) })
        .then(resolve, reject)
        .finally(() => {
          timer.cancel();
          // Not when time is over: a store that is not through with them still holds them.
          this.room.give(jobs.length, text);
        });
    });
  }
}

/** Those of a task are together, in their order: a store writes them at once. */
function byTask(entries: readonly Entry[]): readonly Entry[] {
  let isMixed = false;
  for (let k = 1; k < entries.length; k += 1) {
    isMixed ||= entries[k]!.taskId !== entries[k - 1]!.taskId;
  }
  if (!isMixed) return entries;
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.taskId);
    if (group === undefined) groups.set(entry.taskId, [entry]);
    else group.push(entry);
  }
  return [...groups.values()].flat();
}

function textOf(jobs: readonly NewJob[]): number {
  let text = 0;
  for (const job of jobs) text += job.payload.length;
  return text;
}

function noAnswer(timeoutMs: number): SchedulerError {
  const message = `push: the store did not answer within ${timeoutMs} ms; the job may be stored`;
  const fix = "give jobs an id: pushed again with the same id, a job is never stored twice";
  return new SchedulerError("STORE_NO_ANSWER", message, { fix });
}
