/**
 * Is what the store guaranteed at the start still in force?
 *  1. asks again after each loss of the connection, also while the scheduler starts: another
 *     server may be there, or another setting
 *  2. tells once that it is not, and says so for health; goes on asking until it is
 *  3. says what is in force when that has changed
 * It refuses nothing: jobs that run go on, and what is pushed is stored as well as it can be.
 */
import type { Clock, Timer } from "../clock.js";
import { type Durability, isLess, tooLow } from "../core/durability.js";
import { SchedulerError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import type { Logger } from "../core/logger.js";
import type { Store, StoreInfo } from "../store/contract.js";

/** While it is not in force. */
const AGAIN_MS = 5_000;

export interface GuaranteeParts {
  store: Store;
  clock: Clock;
  emitter: Emitter;
  logger: Logger;
  /** null: what was in force at the start. */
  required: Durability | null;
}

export class Guarantee {
  readonly #parts: GuaranteeParts;
  #wanted: Durability = "store";
  #said = "";
  #reason: string | null = null;
  #asking = false;
  /** The connection was lost while it was asked: the answer may be of the server before. */
  #isDoubtful = false;
  #isOver = false;
  #timer: Timer | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(parts: GuaranteeParts) {
    this.#parts = parts;
  }

  /** Why it is not in force; null: it is, as far as known. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Called before the store is opened, which says what is in force then. */
  listen(): void {
    const { store } = this.#parts;
    if (this.#isOver) return;
    this.#asking = true;
    this.#isDoubtful = false;
    this.#unsubscribe ??= store.onConnection(({ kind }) => {
      if (kind === "back") void this.#ask();
    });
  }

  /** `info`: what is in force, as opening it has said. */
  begin(info: StoreInfo): void {
    const { store, required } = this.#parts;
    if (this.#isOver) return;
    if (store.guarantee === undefined) {
      this.end();
      return;
    }
    this.#wanted = required ?? info.durability ?? "store";
    this.#said = info.description;
    this.#asking = false;
    if (this.#isDoubtful) void this.#ask();
  }

  end(): void {
    this.#isOver = true;
    this.#unsubscribe?.();
    this.#timer?.cancel();
  }

  async #ask(): Promise<void> {
    const { store } = this.#parts;
    this.#isDoubtful = this.#asking;
    // Whoever is away is asked when it is back.
    if (this.#asking || this.#isOver || !store.health().connected) return;
    this.#asking = true;
    this.#timer?.cancel();
    let isKnown = false;
    try {
      const info = await store.guarantee?.();
      if (this.#isOver) return;
      if (info) this.#note(info);
      isKnown = true;
    } catch (error) {
      if (this.#isOver) return;
      isKnown = error instanceof SchedulerError && error.code === "DURABILITY_UNAVAILABLE";
      if (isKnown) this.#tell(error as SchedulerError);
    } finally {
      this.#asking = false;
    }
    if (this.#isDoubtful) void this.#ask();
    else if (!isKnown || this.#reason !== null) this.#later();
  }

  #later(): void {
    this.#timer = this.#parts.clock.after(AGAIN_MS, () => void this.#ask(), { keepAlive: false });
  }

  #note(info: StoreInfo): void {
    const { logger, required } = this.#parts;
    if (info.description !== this.#said) {
      this.#said = info.description;
      logger.info({}, info.description);
      for (const warning of info.warnings) logger.warn({}, warning);
    }
    if (isLess(info.durability ?? "store", this.#wanted)) {
      const since = required === null ? "in force at the start was" : "requireDurability is";
      this.#tell(tooLow(this.#wanted, info, since));
    } else if (this.#reason !== null) {
      this.#reason = null;
      logger.info({}, `what was guaranteed is in force again. ${info.description}`);
    }
  }

  #tell(error: SchedulerError): void {
    const reason = error.message;
    const isNew = reason !== this.#reason;
    this.#reason = reason;
    if (isNew) this.#parts.emitter.emit("error", error);
  }
}
