/**
 * When the journal is moved into the database file, and by whom: SQLite would do it in the commit
 * that makes the journal long, and hold the event loop for it. A thread does it instead, started
 * when this process first writes much; where there can be none, SQLite does it as ever.
 */
import { Worker } from "node:worker_threads";
import type { Handle } from "./driver.js";

/** Pages after which SQLite itself moves the journal: if there is no thread, and if it is late. */
const PAGES_ALONE = 1_000;
const PAGES_AT_MOST = 10_000;

/** So much, as we reckon it, is left to one call of the thread. */
const BYTES_PER_MOVE = 3 * 1024 * 1024;

/** What a row costs beside its texts, with its share of the indices. */
const BYTES_PER_ROW = 150;

/** What a commit writes at least: some pages are touched by each. */
const BYTES_PER_COMMIT = 16 * 1024;

export class Checkpoints {
  readonly #handle: Handle;
  readonly #path: string;
  #thread: Worker | null = null;
  #canThread = true;
  #isMoving = false;
  #bytes = 0;

  constructor(handle: Handle, path: string) {
    this.#handle = handle;
    this.#path = path;
    this.#leaveToSqliteFrom(PAGES_AT_MOST);
  }

  /** Rows that were written or deleted, and bytes of their texts. */
  wrote(rows: number, bytes: number): void {
    this.#bytes += rows * BYTES_PER_ROW + bytes;
  }

  committed(): void {
    this.#bytes += BYTES_PER_COMMIT;
    if (this.#bytes < BYTES_PER_MOVE || this.#isMoving || !this.#canThread) return;
    this.#bytes = 0;
    this.#isMoving = true;
    // a new thread says that it is done when it is ready, and is then asked
    if (this.#thread === null) this.#start();
    else this.#thread.postMessage("move");
  }

  /**
   * Resolves when the thread is gone. A process that ends while a thread is inside of a SQLite
   * binding is aborted, where that binding throws in C++.
   */
  close(): Promise<void> {
    this.#canThread = false;
    const thread = this.#thread;
    this.#thread = null;
    if (thread === null) return Promise.resolve();
    return new Promise((resolve) => {
      thread.once("exit", () => resolve());
      thread.postMessage("close");
    });
  }

  #start(): void {
    try {
      const file = new URL("./checkpoint-thread.js", import.meta.url);
      const thread = new Worker(file, { workerData: this.#path, execArgv: [] });
      thread.on("message", () => {
        this.#isMoving = false;
      });
      thread.on("error", () => this.#doWithout());
      thread.on("exit", () => this.#doWithout());
      thread.unref();
      this.#thread = thread;
    } catch {
      this.#doWithout();
    }
  }

  #doWithout(): void {
    if (!this.#canThread) return;
    this.#canThread = false;
    this.#thread = null;
    this.#leaveToSqliteFrom(PAGES_ALONE);
  }

  #leaveToSqliteFrom(pages: number): void {
    this.#handle.exec(`PRAGMA wal_autocheckpoint = ${pages}`);
  }
}
