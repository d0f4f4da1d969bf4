/**
 * One stay of a scheduler between start and stop:
 *  1. waits for an absent store, with a growing pause, and says so once
 *  2. registers the schedules, says what the store guarantees, starts the engine
 *  3. stops as promised, within a bound, whatever the store does
 */
import type { Chance } from "../chance.js";
import type { Clock, Timer } from "../clock.js";
import { requireDurability } from "../core/durability.js";
import { type ErrorCode, SchedulerError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import type { Logger } from "../core/logger.js";
import type { CheckedBind, CheckedRegister, CheckedSchedulerOptions } from "../core/options.js";
import type { Store, StoreInfo } from "../store/contract.js";
import type { ConnectionNews } from "./connection-news.js";
import { Deputy, type LaunchDeputy } from "./deputy/deputy.js";
import { Engine } from "./engine.js";
import { Guarantee } from "./guarantee.js";
import type { HandlerThreads } from "./handler-pool.js";
import { backoffMs, LONGEST_BACKOFF_MS } from "./loop.js";
import { Registrations } from "./registrations.js";
import { asError } from "./reporter.js";
import { settleDue } from "./settle-due.js";
import { fixSpreads } from "./spreading.js";
import { endsWithin } from "./within.js";

export interface SessionParts {
  store: Store;
  clock: Clock;
  chance: Chance;
  emitter: Emitter;
  logger: Logger;
  news: ConnectionNews;
  /** This scheduler in ledgers. */
  instanceId: string;
  options: CheckedSchedulerOptions;
  binds: ReadonlyMap<string, CheckedBind>;
  schedules: Iterable<CheckedRegister>;
  /** Begins a thread that renews leases; null: none does. */
  launchDeputy?: LaunchDeputy | null;
  /** For handlers that are files. */
  handlerThreads?: HandlerThreads;
}

/** Waiting does not help against these. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set([
  "STORE_VERSION",
  "LAYOUT_NEWER",
  "STORE_DAMAGED",
  "SQLITE_MISSING",
  "DURABILITY_UNAVAILABLE",
  "DURABILITY_TOO_LOW",
  "OPTION_INVALID",
  "OPTION_MISSING",
  "OPTION_CONFLICT",
  "HANDLER_INVALID",
  "SPREAD_FIXED",
]);

/** While a part of the store is away. */
const PREPARE_WITHIN_MS = 250;
/** Stores give up their calls long before. */
const STALLED_AFTER_MS = 90_000;
/** For telling the store what was given up, after `stopTimeout`. */
const LAST_WORDS_MS = 2_000;
/** For steps under way; closing the store ends those that take longer. */
const LAST_STEPS_MS = 500;

export class Session {
  readonly #parts: SessionParts;
  readonly #registrations: Registrations;
  readonly #guarantee: Guarantee;
  readonly #deputy: Deputy | null;
  #engine: Engine | null = null;
  #closing = false;
  #pause: { timer: Timer; resolve: () => void } | null = null;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { store, options } = parts;
    this.#deputy = deputyOf(parts);
    this.#guarantee = new Guarantee({ ...parts, required: options.requireDurability });
    this.#registrations = new Registrations({
      registered: parts.schedules,
      boundTaskIds: parts.binds.keys(),
      emitter: parts.emitter,
      shards: () => store.shards,
      settleDue: (scheduleId) =>
        settleDue({ store, emitter: parts.emitter, keep: options.keep }, scheduleId),
    });
  }

  /** True when the store was reached and the loops run. */
  get open(): boolean {
    return this.#engine !== null;
  }

  /** Why what was guaranteed at the start is not in force; null: it is, as far as known. */
  get lapse(): string | null {
    return this.#guarantee.reason;
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#engine?.running ?? 0;
  }

  /** Looks at once: a schedule was changed. */
  look(): void {
    this.#engine?.look();
  }

  /** True when a step of some loop has not come back for much longer than any call may take. */
  get stalled(): boolean {
    return (this.#engine?.overdueMs() ?? 0) > STALLED_AFTER_MS;
  }

  /** What a loop fails with again and again; null: none does. */
  get failsWith(): unknown {
    return this.#engine?.failsWith() ?? null;
  }

  /** Resolves when the loops run; rejects when waiting is not wanted, or cannot help. */
  async begin(args: { mustConnect: boolean }): Promise<void> {
    if (this.#closing) throw stoppedMeanwhile(undefined);
    this.#deputy?.begin();
    try {
      await this.#begin(args);
    } catch (error) {
      await this.#deputy?.close();
      throw error;
    }
  }

  async #begin(args: { mustConnect: boolean }): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.#tryToBegin();
      } catch (error) {
        if (this.#closing) throw stoppedMeanwhile(error);
        if (args.mustConnect || isHopeless(error)) throw error;
        this.#parts.news.lost(asError(error));
        await this.#sleep(failures);
        if (this.#closing) throw stoppedMeanwhile(error);
      }
    }
  }

  /** Resolves when nothing runs any more, and all that could be told to the store is told. */
  async end(): Promise<void> {
    const { clock, options, logger } = this.#parts;
    this.#closing = true;
    this.#guarantee.end();
    this.#pause?.timer.cancel();
    this.#pause?.resolve();
    const engine = this.#engine;
    if (engine === null) {
      await endsWithin(clock, LAST_STEPS_MS, this.#deputy?.close() ?? Promise.resolve());
      return;
    }
    const quiet = engine.windDown();
    if (!(await endsWithin(clock, options.stopTimeoutMs, quiet))) {
      logger.warn({ running: engine.running }, "stop: the time for running handlers is over");
      engine.giveUp();
      if (!(await endsWithin(clock, LAST_WORDS_MS, quiet))) {
        logger.warn({}, "stop: the store could not be told; it will notice when the leases end");
      }
    }
    await endsWithin(clock, LAST_STEPS_MS, engine.end());
  }

  /** The store is closed. */
  forget(): void {
    this.#guarantee.end();
    this.#engine?.forget();
  }

  async #tryToBegin(): Promise<void> {
    const { store, news, options } = this.#parts;
    this.#guarantee.listen();
    const info = await store.open();
    requireDurability(options.requireDurability, info);
    if (this.#closing) throw stoppedMeanwhile(undefined);
    const { away = [] } = store.health();
    if (away.length > 0) this.#withoutAll(away);
    await this.#prepare(info.now, away.length > 0);
    if (this.#closing) throw stoppedMeanwhile(undefined);
    news.back({ emptied: false, isPart: away.length > 0 });
    this.#announce(info);
    this.#guarantee.begin(info);
    this.#engine = new Engine({
      ...this.#parts,
      registrations: this.#registrations,
      deputy: this.#deputy,
      openedAt: info.now,
    });
    this.#engine.start();
  }

  /** Nobody knows what those guarantee. */
  #withoutAll(away: readonly string[]): void {
    const { requireDurability: required } = this.#parts.options;
    if (required === null) return;
    const message = `requireDurability is "${required}", and not all say what is in force there`;
    const fix = "bring them back; the scheduler keeps trying by itself";
    throw new SchedulerError("STORE_UNREACHABLE", `${message}: ${away.join("; ")}`, { fix });
  }

  /** Definitions wait for all parts of the store; the loops see to those that wait. */
  async #prepare(now: number, isPart: boolean): Promise<void> {
    const { store, clock, binds } = this.#parts;
    await fixSpreads(store, binds.values());
    const prepared = this.#registrations.ensure(store, now);
    if (!isPart) return await prepared;
    await endsWithin(clock, PREPARE_WITHIN_MS, prepared);
  }

  #announce(info: StoreInfo): void {
    const { logger, binds, instanceId } = this.#parts;
    logger.info({ tasks: binds.size, instanceId }, info.description);
    for (const warning of info.warnings) logger.warn({}, warning);
  }

  #sleep(failures: number): Promise<void> {
    const { clock, chance } = this.#parts;
    const random = chance.random();
    const ms = backoffMs({ failures, longestMs: LONGEST_BACKOFF_MS, random });
    return new Promise((resolve) => {
      this.#pause = { timer: clock.after(ms, resolve), resolve };
    });
  }
}

/** Whoever has bound nothing never holds a lease. */
function deputyOf({ launchDeputy, binds, options, ...parts }: SessionParts): Deputy | null {
  if (!launchDeputy || binds.size === 0) return null;
  const { leaseMs } = options;
  return new Deputy({ ...parts, taskIds: [...binds.keys()], leaseMs, launch: launchDeputy });
}

function isHopeless(error: unknown): boolean {
  return !(error instanceof SchedulerError) || HOPELESS.has(error.code);
}

function stoppedMeanwhile(cause: unknown): SchedulerError {
  const message = "start(): the scheduler was stopped before it had begun";
  return new SchedulerError("STORE_CLOSED", message, { cause });
}
