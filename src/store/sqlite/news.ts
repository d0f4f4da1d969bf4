/** What a process knows about its connection: when it last had an answer, lost and back again. */
import { describeError } from "../../core/errors.js";
import type { ConnectionChange, StoreHealth } from "../contract.js";

export class ConnectionNews {
  readonly #monotonic: () => number;
  readonly #tell: (change: ConnectionChange) => void;
  #answeredAt: number | null = null;
  #lastError: string | null = null;
  /** True when the store was lost and nobody has been told that it is back. */
  #isLost = false;

  constructor(monotonic: () => number, tell: (change: ConnectionChange) => void) {
    this.#monotonic = monotonic;
    this.#tell = tell;
  }

  answered(): void {
    this.#answeredAt = this.#monotonic();
    this.back(false);
  }

  back(emptied: boolean): void {
    if (!this.#isLost) return;
    this.#isLost = false;
    this.#lastError = null;
    this.#tell({ kind: "back", emptied });
  }

  lost(error: unknown): void {
    this.#lastError = describeError(error);
    if (this.#isLost) return;
    this.#isLost = true;
    this.#tell({
      kind: "lost",
      error: error instanceof Error ? error : new Error(this.#lastError),
    });
  }

  health(isOpen: boolean): StoreHealth {
    return {
      connected: isOpen && !this.#isLost,
      sinceAnswerMs: this.#answeredAt === null ? null : this.#monotonic() - this.#answeredAt,
      lastError: this.#lastError,
    };
  }
}
