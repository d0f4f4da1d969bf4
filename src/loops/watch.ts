/**
 * The look: asks the store once per round what there is to do, for all tasks and schedules.
 *  1. idle, it looks once per `pollInterval`, or at the next moment that the store names
 *  2. woken, it looks at once; a wake that names a task goes straight to the pump
 *  3. tasks with work go to the pump, due schedules are fired, expired leases reaped
 *  4. whoever was woken or has worked is no sleeper any more: it looks again when tasks are idle,
 *     so that the next push wakes it; under load not after every call
 *  5. at its start, and when there is doubt, all tasks count as having work
 *  6. after an outage it takes nothing from anybody for a third of a lease, and for as long as
 *     others may need to connect: all of them had it, too; at its start for nearly as long
 *  7. where the store has several shards, each is looked at for itself
 */
import type { Clock } from "../clock.js";
import type { Look, LookArgs, Store } from "../store/contract.js";
import type { Firing } from "./fire.js";
import { AT_ONCE, type DelayMs, LONGEST_BACKOFF_MS } from "./loop.js";
import type { Registrations } from "./registrations.js";
import type { Slots } from "./slots.js";
import { endsWithin } from "./within.js";

export interface WatchParts {
  store: Store;
  clock: Clock;
  slots: Slots;
  registrations: Registrations;
  /** Which shard is looked at; null: the store has no other. */
  shard: number | null;
  pollIntervalMs: number;
  leaseMs: number;
  /** The store's clock when it was opened, epoch ms. */
  openedAt: number;
  /** A task may have work. False: nothing can be claimed of it now. */
  offer: (taskId: string) => boolean;
  offerAll: () => void;
  firing: Pick<Firing, "usable" | "decide">;
  /** The index of schedules is incomplete. */
  repair: () => void;
  reap: (look: Look) => Promise<void>;
  onError: (error: unknown, loopName: string) => void;
}

/** A look that took this share of a lease was an outage, noticed or not. */
const OUTAGE_SHARE = 1 / 4;
/** Owners renew at once when the store is back, and have so much of a lease for it. */
const REST_SHARE = 1 / 3;
/** But at least this: whoever tries to connect again pauses for up to a second between tries. */
const LEAST_REST_MS = LONGEST_BACKOFF_MS * 1.5;

/** At its start: no longer than a lease that was handed over and never confirmed. */
const START_REST_MS = 2_000;

/** A definition concerns all shards; a look waits no longer than this for those that are away. */
const REGISTER_WITHIN_MS = 250;

/** While jobs run: between two looks that are only there to be woken later. */
const GAP_MS = 5;
const SOON_MS = 1;

export class Watch {
  readonly #parts: WatchParts;
  /** Counts what ends a sleep in the eyes of the store, to notice one that comes during a look. */
  #awakenings = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Looks in a row that found work of which nothing could be claimed. */
  #fruitless = 0;
  /** Hints may have been lost. */
  #isDoubtful = true;
  #isAway = false;
  /** From when on expired leases are reaped, by the monotonic clock; null: not looked yet. */
  #reapsFrom: number | null = null;
  /** When the first of the outages was over that have followed each other closely since. */
  #restsSince: number | null = null;
  /** Definitions may not be written yet: a shard is away. */
  #isBehind = false;
  /** What is due when the sleep ends by itself; null: nothing is known. */
  #next: { taskId: string; at: number } | null = null;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  async step(): Promise<DelayMs> {
    const { clock, slots, registrations } = this.#parts;
    // The claim's answer calls for the next look.
    if (this.#offerNext()) return this.#parts.pollIntervalMs;
    await this.#register();
    if (this.#isDoubtful) this.#parts.offerAll();
    this.#isDoubtful = false;
    const awakenings = this.#awakenings;
    this.#lookedAt = clock.monotonic();
    const taskIds = slots.idleTaskIds();
    const { fireable, registration } = registrations;
    const longestMs = this.#longestMs();
    const look = await this.#look({ taskIds, fireable, registration, sleepMs: longestMs });
    // The store said how long to wait some time ago: about half-way between question and answer.
    const waitMs = Math.max(0, look.waitMs - (clock.monotonic() - this.#lookedAt) / 2);
    const delayMs = await this.#handOut(look);
    if (delayMs !== null) return delayMs;
    this.#fruitless = 0;
    const restMs = this.#isBehind ? REGISTER_WITHIN_MS : registrations.restMs;
    const sleepMs = Math.min(waitMs, longestMs, restMs);
    // Where no task is idle nobody is to wake it for one: its own claims go on.
    const isIdle = taskIds.length > 0 || slots.idleTaskIds().length > 0;
    if (isIdle && awakenings !== this.#awakenings) return Math.min(sleepMs, GAP_MS);
    if (look.nextTaskId !== null && sleepMs === waitMs) {
      this.#next = { taskId: look.nextTaskId, at: clock.monotonic() + sleepMs };
    }
    return sleepMs;
  }

  async #register(): Promise<void> {
    const { store, clock, registrations, shard, openedAt, onError } = this.#parts;
    const registered = registrations.ensure(store, openedAt);
    if (shard === null) return await registered;
    this.#isBehind = true;
    const isDone = registered.then(
      () => {
        this.#isBehind = false;
      },
      (error: unknown) => onError(error, "register"),
    );
    await endsWithin(clock, REGISTER_WITHIN_MS, isDone);
  }

  /** One that failed, or took long, was an outage. */
  async #look(args: LookArgs): Promise<Look> {
    const { store, clock, leaseMs, shard } = this.#parts;
    const wasAway = this.#isAway;
    this.#isAway = true;
    const look = await store.look(shard === null ? args : { ...args, shard });
    this.#isAway = false;
    const tookMs = clock.monotonic() - this.#lookedAt;
    if (wasAway || tookMs > leaseMs * OUTAGE_SHARE) this.#restReaping();
    return look;
  }

  /** True: it sleeps until a job is due, and should not oversleep. */
  get isKeeping(): boolean {
    return this.#next !== null;
  }

  /** True: what this sleep was for is due, and the pump has it. */
  #offerNext(): boolean {
    const next = this.#next;
    this.#next = null;
    if (next === null || this.#parts.clock.monotonic() < next.at) return false;
    return this.#parts.offer(next.taskId);
  }

  /** A wake, perhaps for a task. True: the pump has it; false: look. */
  woken(taskId: string | null): boolean {
    this.#awakenings += 1;
    return taskId !== null && this.#parts.offer(taskId);
  }

  /** A call of the pump was answered; says when to look, null: as planned. */
  worked(answer: { jobs: number; quiet: boolean }): DelayMs | null {
    this.#awakenings += 1;
    if (answer.jobs > 0) this.#fruitless = 0;
    if (this.#parts.slots.idleTaskIds().length === 0) return null;
    if (this.#fruitless >= 2) return this.#fruitlessDelayMs();
    if (answer.quiet) return AT_ONCE;
    // What runs may soon end, and its settle would make this look useless.
    const sinceLookMs = this.#parts.clock.monotonic() - this.#lookedAt;
    return Math.max(SOON_MS, GAP_MS - sinceLookMs);
  }

  /** Everything is doubtful after an outage. */
  doubt(): void {
    this.#isDoubtful = true;
    this.#awakenings += 1;
    this.#restReaping();
  }

  /**
   * The store gives grace by itself after outages that its notes of time show. Many short ones in a
   * row count as one of a lease: between them owners can renew, and the jobs of the dead wait.
   */
  #restReaping(): void {
    const now = this.#parts.clock.monotonic();
    const restMs = Math.max(this.#parts.leaseMs * REST_SHARE, LEAST_REST_MS);
    const isOver = this.#reapsFrom === null || now - this.#reapsFrom > restMs;
    if (isOver || this.#restsSince === null) this.#restsSince = now;
    const latest = this.#restsSince + Math.max(this.#parts.leaseMs, restMs);
    this.#reapsFrom = Math.min(now + restMs, latest);
  }

  /** Gives everybody what there is to do; null: there was nothing. */
  async #handOut(look: Look): Promise<DelayMs | null> {
    const { registrations, offer, firing, reap, repair, pollIntervalMs } = this.#parts;
    const from = { sleepMs: this.#longestMs(), shard: this.#parts.shard ?? 0 };
    const mustRegister = registrations.noteLook(look, from);
    if (look.repair) repair();
    for (const taskId of look.taskIds) offer(taskId);
    if (look.taskIds.length > 0) this.#fruitless += 1;
    const schedules = firing.usable(look.schedules);
    const now = this.#parts.clock.monotonic();
    this.#reapsFrom ??= now + START_REST_MS;
    const restMs = this.#reapsFrom - now;
    if (restMs > 0 && look.expired.length > 0) {
      const fired = await firing.decide(schedules, look.now);
      return fired ? AT_ONCE : Math.min(restMs, pollIntervalMs);
    }
    if (schedules.length > 0 || look.expired.length > 0) {
      const fire = firing.decide(schedules, look.now);
      const [fired, reaped] = await Promise.allSettled([fire, reap(look)]);
      if (fired.status === "rejected") throw fired.reason;
      if (reaped.status === "rejected") throw reaped.reason;
      return fired.value || look.expired.length > 0 ? AT_ONCE : pollIntervalMs;
    }
    if (mustRegister) return AT_ONCE;
    // The claim for these tasks is on its way; its answer calls for the next look. And schedules
    // that are due, but not for this scheduler to decide, are no reason to look again at once.
    return look.taskIds.length > 0 || look.schedules.length > 0 ? pollIntervalMs : null;
  }

  /** Whoever registers has to be seen by the others, however seldom it wants to look. */
  #longestMs(): DelayMs {
    const { registrations, pollIntervalMs } = this.#parts;
    return Math.min(pollIntervalMs, (registrations.registration?.leaseMs ?? Infinity) / 3);
  }

  /** The store says that there is work and gives none, as when others are faster: no hurry. */
  #fruitlessDelayMs(): DelayMs {
    return Math.min(2 ** this.#fruitless, this.#parts.pollIntervalMs);
  }
}
