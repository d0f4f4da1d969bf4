/**
 * pushMany: a list goes to the store in pieces.
 *  1. an item is checked when its turn comes, so that a long list is not in memory twice
 *  2. some pieces are under way at once, as far as there is room; the others wait for it
 *  3. a piece is one call that is done as a whole or not: each item is told its own truth
 *  4. when a piece has failed, no other one is sent: what is left says so
 *  5. rejects only when nothing is known to be stored
 */
import { describeError, isNotDone, SchedulerError, seen } from "../core/errors.js";
import type { NewJob, PushAnswer } from "../store/contract.js";
import type { PushManyResult, PushResult } from "../types.js";
import { MOST_JOBS_PER_CALL, MOST_TEXT_PER_CALL, type Outbox } from "./outbox.js";
import { asError } from "./reporter.js";

export interface PushListParts {
  outbox: Outbox;
  /** The job of an item; throws when there is none. */
  jobOf: (item: unknown) => NewJob;
  /** null: the data are valid; a promise only if a validator makes one. */
  validate: (job: NewJob, item: unknown) => Promise<void> | null;
  pushed: (job: NewJob, answer: PushAnswer | undefined) => PushResult;
}

/** Enough for a store that takes four calls at once, and for the next ones to be made meanwhile. */
const MOST_UNDER_WAY = 8 * MOST_JOBS_PER_CALL;

/** Jobs that go together, and where in the list each stands. */
interface Piece {
  jobs: NewJob[];
  places: number[];
  validations: Promise<void>[];
}

export class PushList {
  readonly #parts: PushListParts;
  readonly #items: readonly unknown[];
  readonly #results: PushManyResult[];
  #next = 0;
  /** The job of the next item, for which there was no more room in a piece. */
  #ahead: NewJob | null = null;
  /** Jobs. */
  #underWay = 0;
  #whenLess: () => void = () => {};
  #failure: { reason: unknown } | null = null;
  #isStored = false;

  constructor(parts: PushListParts, items: readonly unknown[]) {
    this.#parts = parts;
    // Its caller may go on with the list, such as empty a buffer: what left it would be forgotten.
    this.#items = items.slice();
    this.#results = new Array(items.length);
  }

  async send(): Promise<PushManyResult[]> {
    const { room } = this.#parts.outbox;
    const most = Math.min(MOST_UNDER_WAY, room.share);
    while (this.#next < this.#items.length && this.#failure === null) {
      const left = this.#items.length - this.#next;
      const jobs = Math.min(MOST_JOBS_PER_CALL, most, left);
      if (this.#underWay + jobs > most) {
        await this.#less();
        continue;
      }
      const wait = room.takeInTurn(jobs);
      if (wait !== null) await wait;
      if (this.#failure === null) this.#begin(jobs);
      else room.give(jobs, 0);
    }
    while (this.#underWay > 0) await this.#less();
    return this.#conclude();
  }

  #less(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenLess = resolve;
    });
  }

  /** Room for `most` jobs has been taken; what is not needed of it is given back. */
  #begin(most: number): void {
    const { room } = this.#parts.outbox;
    const piece: Piece = { jobs: [], places: [], validations: [] };
    let text = 0;
    for (; this.#next < this.#items.length && piece.jobs.length < most; this.#next += 1) {
      const job = this.#jobAt(this.#next);
      if (job === null) continue;
      const { length } = job.payload;
      if (piece.jobs.length > 0 && text + length > MOST_TEXT_PER_CALL) {
        this.#ahead = job;
        break;
      }
      if (this.#add(piece, job)) text += length;
    }
    room.take(0, text);
    room.give(most - piece.jobs.length, 0);
    this.#underWay += piece.jobs.length;
    if (piece.jobs.length > 0) void this.#send(piece);
  }

  /** null: there is none, and the item is told why. */
  #jobAt(place: number): NewJob | null {
    const ahead = this.#ahead;
    this.#ahead = null;
    if (ahead !== null) return ahead;
    try {
      return this.#parts.jobOf(this.#items[place]);
    } catch (error) {
      this.#refuse(place, error);
      return null;
    }
  }

  /** The job of the next item; false: its data are not valid, and the item is told so. */
  #add({ jobs, places, validations }: Piece, job: NewJob): boolean {
    const place = this.#next;
    const refuse = (error: unknown): void => this.#refuse(place, error);
    try {
      const validation = this.#parts.validate(job, this.#items[place]);
      if (validation !== null) validations.push(validation.catch(refuse));
    } catch (error) {
      refuse(error);
      return false;
    }
    jobs.push(job);
    places.push(place);
    return true;
  }

  #refuse(place: number, error: unknown): void {
    this.#results[place] = { error: asSchedulerError(error) };
  }

  /** Never rejects. */
  async #send(piece: Piece): Promise<void> {
    const size = piece.jobs.length;
    const valid = piece.validations.length > 0 ? await this.#valid(piece) : piece;
    const groups = this.#parts.outbox.apart(valid.jobs);
    if (groups === null) await this.#sendSome(valid);
    else {
      // Each goes to another shard, which may be away alone.
      const some = groups.map((group) => ({
        jobs: group.map((k) => valid.jobs[k]!),
        places: group.map((k) => valid.places[k]!),
      }));
      await Promise.all(some.map((one) => this.#sendSome(one)));
    }
    this.#underWay -= size;
    this.#whenLess();
  }

  /** What goes into one call. */
  async #sendSome({ jobs, places }: Pick<Piece, "jobs" | "places">): Promise<void> {
    try {
      const answers = await this.#parts.outbox.push(jobs);
      jobs.forEach((job, k) => {
        this.#results[places[k] ?? 0] = this.#parts.pushed(job, answers[k]);
        this.#isStored = true;
      });
    } catch (reason) {
      // Whoever is told one reason for all must not take for undone what may be stored.
      if (this.#failure === null || isNotDone(this.#failure.reason)) this.#failure = { reason };
      for (const place of places) this.#results[place] = { error: asSchedulerError(reason) };
    }
  }

  /** What is left of a piece when its validators have answered. */
  async #valid({ jobs, places, validations }: Piece): Promise<Omit<Piece, "validations">> {
    await Promise.all(validations);
    const left: Omit<Piece, "validations"> = { jobs: [], places: [] };
    jobs.forEach((job, k) => {
      const place = places[k] ?? 0;
      if (this.#results[place] !== undefined) {
        this.#parts.outbox.room.give(1, job.payload.length);
        return;
      }
      left.jobs.push(job);
      left.places.push(place);
    });
    return left;
  }

  #conclude(): PushManyResult[] {
    if (this.#failure === null) return this.#results;
    if (!this.#isStored) throw this.#failure.reason;
    const error = notSent(this.#failure.reason);
    for (let place = this.#next; place < this.#items.length; place += 1) {
      this.#results[place] = { error };
    }
    return this.#results;
  }
}

function asSchedulerError(thrown: unknown): SchedulerError {
  const error = asError(thrown);
  if (error instanceof SchedulerError) return error;
  const message = seen(() => error.message) ?? describeError(error);
  return new SchedulerError("STORE_REFUSED", `pushMany(): ${message}`, { cause: thrown });
}

function notSent(cause: unknown): SchedulerError {
  const message = "pushMany(): not sent, since the store failed before it was this item's turn";
  const fix = "push the items with this code again when the store answers";
  return new SchedulerError("NOT_SENT", message, { fix, cause });
}
