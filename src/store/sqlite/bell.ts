/**
 * The bell: a small file beside the database. Whoever has something for another process writes a
 * byte to it; `fs.watch` tells the others, who then read in the database whether they are meant.
 * Only a hint: where watching does not work, every scheduler still looks at each poll.
 */
import { closeSync, constants, type FSWatcher, openSync, watch, writeSync } from "node:fs";

const BYTE = Buffer.from("!");

export class Bell {
  readonly #path: string;
  readonly #onRing: () => void;
  #file: number | null = null;
  #watcher: FSWatcher | null = null;

  constructor(path: string, onRing: () => void) {
    this.#path = path;
    this.#onRing = onRing;
  }

  /** Begins to listen; false: not possible here. Keeps no process alive. */
  listen(): boolean {
    if (this.#watcher !== null) return true;
    try {
      this.#open();
      const watcher = watch(this.#path, { persistent: false }, this.#onRing);
      watcher.on("error", () => this.#deafen(watcher));
      watcher.unref();
      this.#watcher = watcher;
      return true;
    } catch {
      return false;
    }
  }

  ring(): void {
    try {
      writeSync(this.#open(), BYTE, 0, 1, 0);
    } catch {
      // a hint that cannot be given: the others look at their next poll
    }
  }

  close(): void {
    if (this.#watcher !== null) this.#deafen(this.#watcher);
    if (this.#file === null) return;
    try {
      closeSync(this.#file);
    } catch {
      // it was closed already
    }
    this.#file = null;
  }

  #open(): number {
    // no mode by name fits: "w" would empty the file, "a" would make it longer with every ring
    this.#file ??= openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o666);
    return this.#file;
  }

  #deafen(watcher: FSWatcher): void {
    watcher.close();
    if (this.#watcher === watcher) this.#watcher = null;
  }
}
