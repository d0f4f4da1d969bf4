/**
 * The simulated server: one store behind a clock that faults move, up or down, with memory that it
 * may lose. It remembers the answers of numbered calls as long as it remembers anything.
 */
import type { Clock } from "../../src/clock.js";
import type { HandedBatch, Store } from "../../src/store/contract.js";
import type { Backend, BackendMaker } from "./backend.js";
import type { Dice } from "./dice.js";
import type { Timeline } from "./timeline.js";
import { invoke, type Verb } from "./verbs.js";
import type { Witness } from "./witness.js";

export interface ServerParts {
  timeline: Timeline;
  dice: Dice;
  /** Epoch ms at the beginning of the world. */
  epoch: number;
  backend: BackendMaker;
  witness: Witness;
  /** How often what was written is synced, ms; 0: each time. */
  syncEveryMs: number;
}

/** One scheduler's session on the server. */
export interface Seat {
  identity: string;
  store: Store;
  /** Numbered calls of another epoch than this one are refused. */
  epoch: number;
  /** What numbered calls of this epoch were answered, and when. */
  answers: Map<number, { answer: Outcome; at: number }>;
}

export type Outcome = { isDone: true; value: unknown } | { isDone: false; error: unknown };

/** At the end of a turn of the server, before anybody else's. */
const SERVER_RANK = -2;

export class Server {
  readonly clock: Clock;
  readonly backend: Backend;
  /** Which data these are; another one after a wipe. */
  birth = 1;
  isDown = false;
  /** Up to when all that was written would survive, by virtual time. */
  #syncedAt = 0;
  #jumpedMs = 0;
  /** The furthest that the clock was ahead. */
  #aheadMs = 0;
  readonly #parts: ServerParts;
  readonly #seats = new Set<Seat>();

  constructor(parts: ServerParts) {
    this.#parts = parts;
    const { timeline, epoch, dice } = parts;
    const now = (): number => epoch + timeline.now + this.#jumpedMs;
    this.clock = {
      now: () => Math.floor(now()),
      nowExact: now,
      monotonic: () => timeline.now,
      busyMs: () => 0,
      after: (ms, run) => {
        const event = timeline.in(ms, run);
        return {
          cancel() {
            event.isCancelled = true;
          },
        };
      },
      endOfTurn: (run) => void timeline.at(timeline.now, run, SERVER_RANK),
    };
    this.backend = parts.backend({ clock: this.clock, chance: dice });
    if (parts.syncEveryMs > 0) this.#syncLater();
  }

  /** Up to when nothing is lost by a power cut, by virtual time. */
  get syncedAt(): number {
    return this.#parts.syncEveryMs === 0 ? this.#parts.timeline.now : this.#syncedAt;
  }

  seat(identity: string): Seat {
    const seat = { identity, store: this.backend.store(identity), epoch: 0, answers: new Map() };
    this.#seats.add(seat);
    return seat;
  }

  leave(seat: Seat): void {
    void seat.store.close();
  }

  /** The atomic effect of a call. */
  async carryOut(seat: Seat, verb: Verb, args: unknown): Promise<Outcome> {
    const { timeline, witness } = this.#parts;
    const at = timeline.now;
    const storeNow = this.clock.nowExact();
    let outcome: Outcome;
    try {
      outcome = { isDone: true, value: await invoke(seat.store, verb, args) };
      witness.saw({ at, storeNow, by: seat.identity, verb, args, answer: outcome.value });
    } catch (error) {
      outcome = { isDone: false, error };
    }
    return outcome;
  }

  /** A push has claimed jobs for whoever has this seat. */
  handed(seat: Seat, batch: HandedBatch): void {
    const { timeline, witness } = this.#parts;
    const when = { at: timeline.now, storeNow: this.clock.nowExact(), by: seat.identity };
    witness.saw({ ...when, verb: "handed", args: null, answer: batch });
  }

  jump(ms: number): void {
    const { witness, timeline } = this.#parts;
    witness.jumped(timeline.now, ms, this.clock.nowExact());
    this.#jumpedMs += ms;
    this.#aheadMs = Math.max(this.#aheadMs, this.#jumpedMs);
  }

  /** Sets the clock to where nothing that was promised for some time lies far ahead. */
  setRight(): void {
    if (this.#jumpedMs < this.#aheadMs) this.jump(this.#aheadMs - this.#jumpedMs);
  }

  /** It stops, and is there again when `up` is called; `forgets`: as after a power cut. */
  down(forgets: boolean): void {
    const { witness, syncEveryMs } = this.#parts;
    this.isDown = true;
    if (syncEveryMs === 0) this.#sync();
    const since = this.syncedAt;
    this.backend.restart(forgets);
    if (!forgets) return;
    witness.forgets(since);
    for (const { answers } of this.#seats) {
      for (const [call, { at }] of answers) if (at > since) answers.delete(call);
    }
  }

  up(): void {
    this.isDown = false;
  }

  wipe(): void {
    this.birth += 1;
    this.backend.wipe();
    this.#parts.witness.forgets(-1);
    for (const { answers } of this.#seats) answers.clear();
  }

  #syncLater(): void {
    const { timeline, syncEveryMs } = this.#parts;
    timeline.in(syncEveryMs, () => {
      this.#sync();
      this.#syncLater();
    });
  }

  #sync(): void {
    this.backend.sync();
    this.#syncedAt = this.#parts.timeline.now;
  }
}
