/**
 * Tells once that the store was lost, and once that it is back, whoever noticed: the store
 * itself, or a start that waits for it.
 */
import { describeError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import type { Logger } from "../core/logger.js";

export class ConnectionNews {
  readonly #emitter: Emitter;
  readonly #logger: Logger;
  #isLost = false;

  constructor(parts: { emitter: Emitter; logger: Logger }) {
    this.#emitter = parts.emitter;
    this.#logger = parts.logger;
  }

  /** `isPart`: others go on. */
  lost(error: Error, { isPart = false }: { isPart?: boolean } = {}): void {
    if (this.#isLost) return;
    this.#isLost = true;
    const fields = { error: describeError(error) };
    const what = isPart ? "a part of the store" : "the store";
    this.#logger.warn(fields, `${what} cannot be reached; trying again until it is back`);
    this.#emitter.emit("store:lost", { error });
  }

  back({ emptied, isPart = false }: { emptied: boolean; isPart?: boolean }): void {
    if ((isPart || !this.#isLost) && !emptied) return;
    if (!isPart) this.#isLost = false;
    if (emptied) this.#logger.error({}, EMPTIED);
    else this.#logger.info({}, "the store is back");
    this.#emitter.emit("store:back", { emptied });
  }
}

const EMPTIED = "the store is back without its data: jobs are gone; schedules are registered again";
