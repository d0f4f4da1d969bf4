/**
 * Room for what waits for the store: jobs, and characters of their data. Only counters.
 *  1. a push that finds none is refused at once, before anything is made of it
 *  2. lists wait for theirs, first come first served, and new pushes do not overtake them
 *  3. text is full once the bound is reached: one big payload goes through in any case
 */
import { SchedulerError } from "../core/errors.js";

export interface RoomParts {
  /** Jobs. */
  maxPending: number;
  /** Characters of payload. */
  maxPendingText: number;
  /** Makes a promise that may be dropped. */
  guard: <T>(promise: Promise<T>) => Promise<T>;
}

interface Waiter {
  jobs: number;
  go: () => void;
}

export class Room {
  readonly #parts: RoomParts;
  #jobs = 0;
  #text = 0;
  readonly #waiters: Waiter[] = [];
  /** One for all that are refused until something leaves: they may be a million. */
  #refusal: Promise<never> | null = null;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  /** The most that one list may hold, so that others get through beside it. */
  get share(): number {
    return Math.ceil(this.#parts.maxPending / 2);
  }

  /** The answer to a push when nothing more may wait; null: there is room. */
  refusal(): Promise<never> | null {
    if (this.#waiters.length === 0 && this.#fits(1)) return null;
    const { guard, maxPendingText } = this.#parts;
    const byText = this.#text >= maxPendingText;
    this.#refusal ??= guard(Promise.reject(tooMany(this.#parts, byText)));
    return this.#refusal;
  }

  take(jobs: number, text: number): void {
    this.#jobs += jobs;
    this.#text += text;
  }

  give(jobs: number, text: number): void {
    this.#jobs -= jobs;
    this.#text -= text;
    this.#refusal = null;
    for (let first = this.#waiters[0]; first && this.#fits(first.jobs); first = this.#waiters[0]) {
      this.#waiters.shift();
      this.#jobs += first.jobs;
      first.go();
    }
  }

  /** Takes room for so many, at most a share: at once (null), or when the promise resolves. */
  takeInTurn(jobs: number): Promise<void> | null {
    if (this.#waiters.length === 0 && this.#fits(jobs)) {
      this.#jobs += jobs;
      return null;
    }
    return new Promise((resolve) => void this.#waiters.push({ jobs, go: resolve }));
  }

  #fits(jobs: number): boolean {
    const { maxPending, maxPendingText } = this.#parts;
    return this.#jobs + jobs <= maxPending && this.#text < maxPendingText;
  }
}

function tooMany({ maxPending, maxPendingText }: RoomParts, byText: boolean): SchedulerError {
  const [what, option] = byText
    ? [`${maxPendingText} characters of data`, "maxPendingText"]
    : [`${maxPending} jobs`, "maxPending"];
  const message = `push: ${what} wait for the store already; this push is not stored`;
  const fix = `await your pushes, give lists to pushMany in pieces, or raise ${option}`;
  return new SchedulerError("TOO_MANY_PENDING", message, { fix });
}
