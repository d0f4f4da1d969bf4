/** Those who wait for a connection: all of them get the next one, or the reason why not. */
import type { Clock, Timer } from "../../clock.js";
import type { Client } from "./client.js";

interface Waiter {
  resolve(client: Client): void;
  reject(error: Error): void;
}

export class Waiters {
  readonly #clock: Clock;
  #waiting = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Rejects with what `tooLate` says when `waitMs` is over. */
  wait(waitMs: number | undefined, tooLate: () => Error): Promise<Client> {
    return new Promise((resolve, reject) => {
      let timer: Timer | null = null;
      const waiter: Waiter = {
        resolve: (client) => {
          timer?.cancel();
          resolve(client);
        },
        reject: (error) => {
          timer?.cancel();
          reject(error);
        },
      };
      this.#waiting.add(waiter);
      if (waitMs === undefined) return;
      timer = this.#clock.after(waitMs, () => {
        this.#waiting.delete(waiter);
        waiter.reject(tooLate());
      });
    });
  }

  give(client: Client): void {
    for (const waiter of this.#take()) waiter.resolve(client);
  }

  refuse(error: Error): void {
    for (const waiter of this.#take()) waiter.reject(error);
  }

  #take(): Set<Waiter> {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    return waiting;
  }
}
