/**
 * Brings the journal to the disk beside the event loop. SQLite's own sync would hold the loop and
 * the write lock for as long as the disk needs; this one does neither, and one sync serves all
 * transactions that were committed before it began. What it leaves on the disk is the same: each
 * frame of the WAL, in order, so that a power cut can undo only what came after the last sync.
 */
import { close, fdatasync, fdatasyncSync, openSync } from "node:fs";

type Done = (error: Error | null) => void;

/** On a disk that usually takes no longer, a lone caller is better served by waiting in place. */
const QUICK_MS = 2;

/** The share of the newest sync in what is usual. */
const NEWEST = 1 / 8;

export class JournalSync {
  readonly #file: number;
  readonly #monotonic: () => number;
  /** How long syncs took lately, ms. */
  #usualMs = 0;
  /** Committed, but not before the sync that is under way had begun. */
  #waiting: Done[] = [];
  #isRunning = false;
  /** null: it is not to be closed yet. */
  #whenClosed: (() => void) | null = null;

  /** `path`: the -wal file, which stays the same one while the database is open. */
  constructor(path: string, monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#file = openSync(path, "r+");
  }

  /**
   * Calls `done` when everything that was committed before this call is on the disk. `isLone`:
   * nobody else is served by it, so that only the way to another thread and back would be added.
   */
  after(done: Done, { isLone }: { isLone: boolean }): void {
    if (isLone && !this.#isRunning && this.#usualMs <= QUICK_MS) {
      done(this.#runInPlace());
      return;
    }
    this.#waiting.push(done);
    if (!this.#isRunning) this.#run();
  }

  /** Resolves when the sync under way, and what waits for it, is answered, and the file closed. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenClosed = resolve;
      if (!this.#isRunning) this.#end(resolve);
    });
  }

  #end(whenClosed: () => void): void {
    close(this.#file, () => whenClosed());
  }

  #runInPlace(): Error | null {
    const from = this.#monotonic();
    try {
      fdatasyncSync(this.#file);
      return null;
    } catch (error) {
      return error as Error;
    } finally {
      this.#learn(from);
    }
  }

  #learn(from: number): void {
    this.#usualMs += (this.#monotonic() - from - this.#usualMs) * NEWEST;
  }

  #run(): void {
    const from = this.#monotonic();
    const answered = this.#waiting;
    this.#waiting = [];
    this.#isRunning = true;
    fdatasync(this.#file, (error) => {
      this.#learn(from);
      // the system tells of a fault once: a later sync would succeed without what this one lost
      if (error !== null) answered.push(...this.#waiting.splice(0));
      // still running: an answer may close this, and the file must be closed once, after the last
      for (const done of answered) done(error);
      this.#isRunning = false;
      if (this.#waiting.length > 0) this.#run();
      else if (this.#whenClosed !== null) this.#end(this.#whenClosed);
    });
  }
}
