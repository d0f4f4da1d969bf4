/**
 * The thread of deputies, as the main thread sees it. Beginning one takes as much CPU as ten
 * thousand jobs, so all schedulers of a process that share a store over the network share one
 * thread, too, each with a port of its own:
 *  1. it begins with the first of them, and stays for a while after the last one has left
 *  2. when it dies, all that it served are told, and begin another one
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

export class DeputyHost {
  readonly #parts: HostParts;
  #thread: Worker | null = null;
  #served = new Map<MessagePort, DeputyListener>();
  #lingering: Timer | null = null;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /** Throws when there can be no thread. */
  add({ orders, listener, store }: NewDeputy): DeputyThread {
    this.#thread ??= this.#begin();
    this.#lingering?.cancel();
    this.#lingering = null;
    const { port1: port, port2: itsPort } = new MessageChannel();
    this.#served.set(port, listener);
    port.on("message", (word: FromDeputy) => listener[word]());
    port.on("close", () => this.#left(port, null));
    // The process may end, whatever the thread is at.
    port.unref();
    const newcomer: Newcomer = { port: itsPort, orders };
    this.#thread.postMessage(newcomer, [itsPort]);
    const tell = (word: ToDeputyThread): void => port.postMessage(word);
    return {
      tell,
      open: (shards) => {
        const known = store();
        // Changed since: the next launch says so.
        if (known === null) this.#remove(port, new Error("what its store is made of has changed"));
        else tell({ kind: "store", store: { ...known, shards } });
      },
      kill: () => this.#remove(port, null),
    };
  }

  #begin(): Worker {
    const thread = this.#parts.makeThread();
    // Told before it has ended: who comes meanwhile is served by another one.
    thread.on("error", (error: unknown) => {
      this.#died(thread, error instanceof Error ? error : new Error(String(error)));
    });
    thread.on("exit", (code) => {
      this.#died(thread, code === 0 ? null : new Error(`it ended with code ${code}`));
    });
    thread.unref();
    return thread;
  }

  #died(thread: Worker, error: Error | null): void {
    if (this.#thread !== thread) return;
    const served = this.#served;
    this.#served = new Map();
    this.#thread = null;
    this.#lingering?.cancel();
    for (const [port, listener] of served) {
      port.close();
      listener.ended(error);
    }
  }

  #remove(port: MessagePort, error: Error | null): void {
    if (this.#parts.isShared) this.#left(port, error);
    else void this.#thread?.terminate();
  }

  /** One that is not shared ends by itself then, and only its end counts. */
  #left(port: MessagePort, error: Error | null): void {
    if (!this.#parts.isShared) return;
    const listener = this.#served.get(port);
    if (listener === undefined) return;
    this.#served.delete(port);
    port.close();
    if (this.#served.size === 0) this.#linger();
    listener.ended(error);
  }

  #linger(): void {
    const thread = this.#thread;
    const end = (): void => {
      this.#thread = null;
      void thread?.terminate();
    };
    this.#lingering = this.#parts.clock.after(LINGER_MS, end, { keepAlive: false });
  }
}
