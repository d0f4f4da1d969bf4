/**
 * The pump: settles the attempts that have ended and claims what may run next, in one call.
 *  1. settles of one turn of the event loop share a call with the claims that they make room for
 *  2. at most two calls are in flight: two loops run the same step
 *  3. a settle that could not be delivered is tried again until the store has answered it
 *  4. a job that must run alone gets the scheduler for itself: see `solo.ts`
 *  5. once told to stop, it hands back what still arrives
 */
import type { Clock } from "../clock.js";
import { isRefused } from "../core/errors.js";
import { withinOneCall } from "../core/settle-cost.js";
import type {
  ClaimedBatch,
  HandedBatch,
  KeepRules,
  SettleAnswer,
  SettleOutcome,
  Store,
  WorkAnswer,
} from "../store/contract.js";
import { type Attempt, type AttemptOwner, type AttemptParts, HAND_BACK } from "./attempt.js";
import type { Capacity } from "./capacity.js";
import { TAKEN } from "./deputy/taken.js";
import { gatheringMs } from "./gather.js";
import type { Leases } from "./leases.js";
import { AT_ONCE, type DelayMs } from "./loop.js";
import { patiently } from "./patience.js";
import { MOST_PER_CALL } from "./place.js";
import { Runner } from "./runner.js";
import { tellSettled } from "./settled.js";
import type { Asked, Slots } from "./slots.js";
import type { Says, Solo, Soloist } from "./solo.js";

export interface PumpParts {
  store: Store;
  clock: Clock;
  slots: Slots;
  leases: Leases;
  /** Shared by the pumps of all shards. */
  solo: Solo;
  capacity: Capacity;
  /** Which shard is worked with; null: the store has no other. */
  shard: number | null;
  leaseMs: number;
  keep: KeepRules;
  /** The attempts for the jobs of a batch, not begun. */
  attemptsOf: (batch: HandedBatch) => Attempt[];
  /** What attempts need. */
  attempts: AttemptParts;
  /** Told of each answer or hand-over: its jobs, its age at most; quiet: nothing runs or waits. */
  onWorked: (answer: { jobs: number; ageMs: number; quiet: boolean }) => void;
  /** There is something for the step to do. */
  wake: () => void;
}

interface Call extends Says {
  settles: Attempt[];
  asked: Asked[];
}

export class Pump implements Soloist, AttemptOwner {
  readonly #parts: PumpParts;
  readonly #runner: Runner;
  /** Attempts whose ends the store has to learn. */
  #ended: Attempt[] = [];
  #callsInFlight = 0;
  /** Batches that were handed over and are about to begin. */
  #arriving = 0;
  /** How many of the next calls carry one settle or one claim only, to get past a refused one. */
  #careful = 0;
  /** Which of the two the next careful call carries, so that neither starves the other. */
  #carefulClaims = false;
  #claiming = true;
  /** When the last call began, by the monotonic clock. */
  #calledAt = Number.NEGATIVE_INFINITY;
  #wakeAsked = false;
  #whenQuiet: (() => void)[] = [];

  constructor(parts: PumpParts) {
    this.#parts = parts;
    this.#runner = new Runner({ ...parts, places: () => parts.slots.places(), owner: this });
    parts.solo.join(this);
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#runner.running;
  }

  /** True when nothing runs or waits to, nothing has to be settled, and no call is in flight. */
  get quiet(): boolean {
    const { busy } = this.#runner;
    return !busy && this.#arriving + this.#ended.length + this.#callsInFlight === 0;
  }

  get occupied(): boolean {
    return this.#runner.busy || this.#arriving + this.#callsInFlight > 0;
  }

  stir(): void {
    if (this.#parts.slots.hasClaims()) this.#askForWake();
  }

  /** The store may have jobs of this task. False: nothing can be claimed of it now. */
  offer(taskId: string): boolean {
    if (!this.#claiming || !this.#parts.slots.offer(taskId)) return false;
    this.#askForWake();
    return this.#parts.slots.hasClaims();
  }

  offerAll(): void {
    this.#parts.slots.offerAll();
    this.#askForWake();
  }

  /** A push has claimed these: they begin when all that came with them is held, or go back. */
  handed(batch: HandedBatch, isLate: boolean): void {
    const { clock, slots, solo, leaseMs, onWorked } = this.#parts;
    const attempts = this.#hold(batch, leaseMs, true);
    const place = slots.place(batch.taskId);
    const isFull = place.share !== null && place.slots <= 0; // it sleeps even then
    if (solo.isReserved || isLate || isFull || !this.#claiming) {
      if (isFull) slots.offer(batch.taskId); // in front then, and nobody else has been told
      this.#runner.refuse(attempts, isLate ? TAKEN : HAND_BACK);
      return;
    }
    this.#arriving += 1;
    // All that came in one piece is held by then, and its confirmation on its way.
    clock.endOfTurn(() => {
      this.#arriving -= 1;
      this.#runner.take(place, attempts);
      onWorked({ jobs: batch.jobs.length, ageMs: 0, quiet: this.quiet });
    });
  }

  /** From now on nothing is claimed or begun, also not after its validator; what runs goes on. */
  stopClaiming(): void {
    this.#claiming = false;
    this.#runner.stop();
    for (const attempt of this.#parts.leases.all()) if (!attempt.begun) attempt.giveUp();
  }

  /** Aborts what still runs and ends it at once: handed back, or dead where retry is off. */
  giveUpAll(): void {
    for (const attempt of this.#parts.leases.all()) attempt.giveUp();
  }

  /** Resolves when the pump is quiet. */
  async becomesQuiet(): Promise<void> {
    if (!this.quiet) await new Promise<void>((resolve) => this.#whenQuiet.push(resolve));
  }

  /** Makes one call, if there is anything to settle or to claim. */
  async step(): Promise<DelayMs> {
    const restMs = this.#gatheringMs();
    if (restMs > 0) return restMs;
    const call = this.#nextCall();
    if (call.settles.length === 0 && call.asked.length === 0) return this.#parts.solo.delayMs(this);
    this.#callsInFlight += 1;
    const { clock, solo, onWorked } = this.#parts;
    const calledAt = clock.monotonic();
    this.#calledAt = calledAt;
    if (call.idle) solo.asks();
    const answer = await this.#send(call).catch((error: unknown) => {
      this.#callEnded(call);
      this.#failed(call, error);
      throw error;
    });
    this.#callEnded(call);
    this.#careful = Math.max(0, this.#careful - 1);
    this.#settled(call.settles, answer.settled);
    const ageMs = clock.monotonic() - calledAt;
    if (call.asked.length > 0) this.#claimed(call.asked, answer, calledAt);
    const jobs = answer.batches.reduce((sum, batch) => sum + batch.jobs.length, 0);
    onWorked({ jobs, ageMs, quiet: this.quiet });
    this.#checkQuiet();
    return this.#ended.length > 0 || this.#mayClaim() ? AT_ONCE : this.#parts.solo.delayMs(this);
  }

  /** How long to let settles gather, ms. */
  #gatheringMs(): DelayMs {
    if (!this.#claiming || this.#careful > 0 || !this.#runner.busy) return 0;
    if (this.#parts.slots.isStarving()) return 0;
    return gatheringMs(this.#ended.length, this.#parts.clock.monotonic() - this.#calledAt);
  }

  #nextCall(): Call {
    const mayClaim = this.#mayClaim();
    let settles: Attempt[];
    let asked: Asked[] = []; // where not all can be settled, no more than are
    if (this.#careful > 0) {
      this.#carefulClaims = mayClaim && (!this.#carefulClaims || this.#ended.length === 0);
      if (this.#carefulClaims) asked = this.#parts.slots.ask({ jobs: 1, tasks: 1 });
      settles = asked.length > 0 ? [] : this.#ended.splice(0, 1);
    } else {
      const { keep } = this.#parts;
      settles = this.#ended.splice(0, withinOneCall(this.#ended, keep, MOST_PER_CALL.settles));
      const jobs = this.#ended.length > 0 ? settles.length : MOST_PER_CALL.jobs;
      if (mayClaim) asked = this.#parts.slots.ask({ ...MOST_PER_CALL, jobs });
    }
    const { idle, free } = this.#parts.solo.saysOf(this);
    return { settles, asked, idle: idle && asked.length > 0, free };
  }

  #send(call: Call): Promise<WorkAnswer> {
    const { store, shard, leaseMs, keep } = this.#parts;
    const answer = store.work({
      settles: call.settles,
      claims: call.asked.map(({ taskId, limit, fair }) => ({ taskId, limit, fair })),
      ...{ idle: call.idle, free: call.free, leaseMs, keep },
      ...(shard === null ? {} : { shard }),
    });
    return patiently(answer, this.#parts);
  }

  #callEnded(call: Call): void {
    const { solo } = this.#parts;
    this.#callsInFlight -= 1;
    if (call.idle) solo.asked(this);
    solo.emptied(this);
  }

  /** Nothing is lost: settles go again, the oldest first, and claims are asked for again. */
  #failed(call: Call, error: unknown): void {
    this.#parts.slots.givenUp(call.asked);
    if (isRefused(error)) {
      // The refused ones go last, and one by one, so that the others get past the culprit.
      this.#ended.push(...call.settles);
      this.#careful = Math.max(this.#careful, 1 + this.#ended.length + call.asked.length);
    } else {
      this.#ended.unshift(...call.settles);
    }
    this.#checkQuiet();
  }

  #settled(settles: readonly Attempt[], answers: readonly SettleAnswer[]): void {
    const { leases, attempts } = this.#parts;
    for (let index = 0; index < settles.length; index += 1) {
      const attempt = settles[index]!;
      leases.release(attempt);
      tellSettled(attempts.emitter, attempt, answers[index] ?? "lost");
    }
  }

  #claimed(asked: readonly Asked[], answer: WorkAnswer, calledAt: number): void {
    const { clock, slots, solo, leaseMs } = this.#parts;
    slots.answered(asked, answer, clock.monotonic() - calledAt);
    solo.answered(this, { drain: answer.drain, leaseMs });
    // All are held before any of them begins, since that may block the event loop.
    const held = answer.batches.map((batch) => this.#hold(batch, batch.leaseMs));
    answer.batches.forEach((batch, k) => void this.#startBatch(batch, held[k]!, calledAt));
  }

  #hold(batch: HandedBatch, leaseMs: number, unconfirmed = false): Attempt[] {
    const attempts = this.#parts.attemptsOf(batch);
    this.#parts.leases.hold(batch, { leaseMs, attempts, unconfirmed });
    return attempts;
  }

  #startBatch(batch: ClaimedBatch, attempts: readonly Attempt[], calledAt: number): void {
    const { clock, slots, solo } = this.#parts;
    // Nobody could renew it before it was known here: it may be somebody else's by now.
    const isLate = clock.monotonic() - calledAt >= batch.leaseMs;
    if (batch.alone && this.#claiming && !isLate) solo.begins(attempts[0]);
    if (isLate) this.#runner.refuse(attempts, TAKEN);
    else this.#runner.take(slots.place(batch.taskId), attempts);
  }

  attemptEnded(attempt: Attempt, outcome: SettleOutcome | null): void {
    const { solo } = this.#parts;
    solo.ended(attempt, this);
    if (outcome !== null) {
      attempt.outcome = outcome;
      this.#ended.push(attempt);
    }
    this.#askForWake();
    if (this.#runner.busy) return;
    this.#checkQuiet();
    solo.emptied(this);
  }

  #mayClaim(): boolean {
    return this.#claiming && this.#parts.solo.mayClaim(this) && this.#parts.slots.hasClaims();
  }

  /** The step runs when this turn of the event loop has ended: all its settles are there then. */
  #askForWake(): void {
    if (this.#wakeAsked) return;
    this.#wakeAsked = true;
    this.#parts.clock.endOfTurn(() => {
      this.#wakeAsked = false;
      this.#parts.wake();
    });
  }

  #checkQuiet(): void {
    if (!this.quiet) return;
    for (const resolve of this.#whenQuiet.splice(0)) resolve();
  }
}
