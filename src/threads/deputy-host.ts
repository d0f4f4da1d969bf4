/**
 * The threads of deputies, as the main thread sees them. Beginning one takes as much CPU as ten
 * thousand jobs, so all schedulers of a process that share a store over the network share one
 * thread, too, each with a port of its own:
 *  1. it begins with the first of them, and stays for a while after the last one has left
 *  2. when it dies, all that it served are told, and begin another one
 *  3. one that somebody had to be torn from serves nobody new, and ends when nobody is left
 * A thread that opens a file is its scheduler's alone: the file is closed for sure when it ends.
 */
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import type { Clock, Timer } from "../clock.js";
import type { DeputyListener, DeputyOrders, DeputyThread } from "../loops/deputy/deputy.js";
import type { FromDeputy, Newcomer, ToDeputyThread } from "./deputy-thread.js";
import type { DeputyStoreOptions } from "./orders.js";

/** A scheduler that is stopped and made anew, as between tests, finds it still there. */
const LINGER_MS = 10_000;

export interface HostParts {
  clock: Clock;
  isShared: boolean;
  makeThread: () => Worker;
}

export interface NewDeputy {
  orders: DeputyOrders;
  listener: DeputyListener;
  /** null: what the user gave cannot be copied into a thread. */
  store: () => DeputyStoreOptions | null;
}

interface Hosted {
  worker: Worker;
  served: Map<MessagePort, DeputyListener>;
  /** Those that were told to close. */
  leaving: Set<MessagePort>;
  /** Why it dies, once known. */
  error: Error | null;
}

export class DeputyHost {
  readonly #parts: HostParts;
  /** Where the next one goes; null: to a new one. */
  #current: Hosted | null = null;
  #lingering: Timer | null = null;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /** Throws when there can be no thread. */
  add({ orders, listener, store }: NewDeputy): DeputyThread {
    this.#current ??= this.#begin();
    this.#lingering?.cancel();
    this.#lingering = null;
    const hosted = this.#current;
    const { port1: port, port2: itsPort } = new MessageChannel();
    hosted.served.set(port, listener);
    port.on("message", (word: FromDeputy) => {
      if (word.kind === "failed") this.#remove(hosted, port, new Error(word.message));
      else listener[word.kind]();
    });
    port.on("close", () => this.#closed(hosted, port));
    // The process may end, whatever the thread is at.
    port.unref();
    const newcomer: Newcomer = { port: itsPort, orders };
    hosted.worker.postMessage(newcomer, [itsPort]);
    const tell = (word: ToDeputyThread): void => {
      if (word.kind === "close") hosted.leaving.add(port);
      port.postMessage(word);
    };
    return {
      tell,
      open: (shards) => {
        const known = store();
        // Changed since: the next launch says so.
        if (known === null) this.#remove(hosted, port, new Error("its store has changed"));
        else tell({ kind: "store", store: { ...known, shards } });
      },
      kill: () => {
        this.#retire(hosted);
        this.#remove(hosted, port, null);
      },
    };
  }

  #begin(): Hosted {
    const worker = this.#parts.makeThread();
    const hosted: Hosted = { worker, served: new Map(), leaving: new Set(), error: null };
    worker.on("error", (error: unknown) => {
      hosted.error = error instanceof Error ? error : new Error(String(error));
      // Who comes before it has ended is served by another one.
      this.#retire(hosted);
    });
    worker.on("exit", (code) => {
      if (code !== 0) hosted.error ??= new Error(`it ended with code ${code}`);
      this.#died(hosted);
    });
    worker.unref();
    return hosted;
  }

  #died(hosted: Hosted): void {
    this.#retire(hosted);
    const served = [...hosted.served];
    hosted.served.clear();
    for (const [port, listener] of served) {
      port.close();
      listener.ended(hosted.error);
    }
  }

  /** It serves nobody new. */
  #retire(hosted: Hosted): void {
    if (this.#current !== hosted) return;
    this.#current = null;
    this.#lingering?.cancel();
    this.#lingering = null;
  }

  /** As it was told to; or its thread is dying, and will say of what. */
  #closed(hosted: Hosted, port: MessagePort): void {
    if (!hosted.served.has(port)) return;
    if (!hosted.leaving.has(port)) this.#retire(hosted);
    else if (this.#parts.isShared) this.#left(hosted, port, null);
  }

  /** One that is not shared ends with its thread, and only that end counts. */
  #remove(hosted: Hosted, port: MessagePort, error: Error | null): void {
    hosted.error ??= this.#parts.isShared ? null : error;
    if (this.#parts.isShared) this.#left(hosted, port, error);
    else void hosted.worker.terminate();
  }

  #left(hosted: Hosted, port: MessagePort, error: Error | null): void {
    const listener = hosted.served.get(port);
    if (listener === undefined) return;
    hosted.served.delete(port);
    hosted.leaving.delete(port);
    port.close();
    if (hosted.served.size === 0) {
      if (this.#current === hosted) this.#linger(hosted);
      else void hosted.worker.terminate();
    }
    listener.ended(error);
  }

  #linger(hosted: Hosted): void {
    const end = (): void => {
      this.#retire(hosted);
      void hosted.worker.terminate();
    };
    this.#lingering = this.#parts.clock.after(LINGER_MS, end, { keepAlive: false });
  }
}
