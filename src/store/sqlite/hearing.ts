/**
 * What a process does when the bell rang: reads, once for all its schedulers, who is meant. Whoever
 * was woken elsewhere and does not stir may have died in its sleep: somebody else gets its wake-up.
 */
import type { Clock } from "../../clock.js";
import type { Mode } from "./connection.js";
import { cancelledKey, readSignals } from "./signals.js";
import { readSilent, replaceSilent, type Silent, type Sleeper } from "./sleepers.js";
import type { AddressedWake, Transaction } from "./transaction.js";

export interface HearingParts {
  clock: Clock;
  /** Marks the sleepers of this process. */
  process: string;
  members: ReadonlyMap<string, { sleeper: Sleeper }>;
  /** Those of the members. */
  spaces: ReadonlySet<number>;
  run: <T>(mode: Mode, step: (tx: Transaction) => T) => Promise<T>;
  wake: (wakes: AddressedWake[]) => void;
}

/** Far longer than a living process needs; a busy one that is overtaken just looks. */
const SILENT_MS = 500;

export class Hearing {
  readonly #parts: HearingParts;
  readonly #toldCancelled: Set<string> = new Set();
  #isReading = false;
  #isWaiting = false;

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  /** The cancellation of an attempt was told without the bell. */
  noteCancelled(running: { fence: string; number: string }): void {
    this.#toldCancelled.add(cancelledKey(running));
  }

  forget(): void {
    this.#toldCancelled.clear();
  }

  /** The bell rang. */
  hear(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    const { process, members, spaces, run, wake } = this.#parts;
    const read = (tx: Transaction) => ({
      wakes: readSignals(tx, process, members, this.#toldCancelled),
      silent: readSilent(tx, spaces, members),
    });
    run("read", read)
      .then(
        ({ wakes, silent }) => {
          wake(wakes.filter(({ identity }) => members.has(identity)));
          if (silent.length > 0) this.#waitFor(silent);
        },
        () => undefined,
      )
      .finally(() => {
        this.#isReading = false;
      });
  }

  /** One such wait at a time: those who come meanwhile are found when it ends. */
  #waitFor(silent: readonly Silent[]): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const { clock, process, spaces, members, run } = this.#parts;
    const replace = (tx: Transaction): Silent[] => {
      tx.now = Math.max(tx.now, clock.now());
      replaceSilent(tx, { silent, process });
      return readSilent(tx, spaces, members);
    };
    const ended = (others: Silent[]): void => {
      this.#isWaiting = false;
      if (others.length > 0) this.#waitFor(others);
    };
    const act = () =>
      void run("read", replace).then(ended, () => {
        this.#isWaiting = false;
      });
    clock.after(SILENT_MS, act, { keepAlive: false });
  }
}
