/**
 * The public object: idle → running → stopping → idle.
 *  1. collects what is bound and registered; frozen while it runs
 *  2. starts and stops sessions, in which the loops work
 *  3. pushes, at any time
 *  4. makes every promise safe to drop: what fails is told by the `error` event, too
 */
import type { Chance } from "./chance.js";
import { type Clock, sleep } from "./clock.js";
import { SchedulerError } from "./core/errors.js";
import { Emitter, type EventName, type Listener } from "./core/events.js";
import type { Logger } from "./core/logger.js";
import {
  type CheckedBind,
  type CheckedRegister,
  type CheckedSchedulerOptions,
  checkBind,
  checkRegister,
  checkStart,
  type RegisterContext,
} from "./core/options.js";
import { createDoctor } from "./doctor.js";
import { healthOf } from "./health.js";
import { createJobs } from "./jobs.js";
import { ConnectionNews } from "./loops/connection-news.js";
import { Outbox } from "./loops/outbox.js";
import { Pusher } from "./loops/pusher.js";
import { asError } from "./loops/reporter.js";
import { Session, type SessionParts } from "./loops/session.js";
import { endsWithin } from "./loops/within.js";
import { createRepair } from "./repair.js";
import { createSchedules } from "./schedules.js";
import { onFirstSignal } from "./signals.js";
import { isRunning, stillStopping, wasStopped } from "./stopped.js";
import type { Store } from "./store/contract.js";
import type {
  Health,
  Jobs,
  PushManyResult,
  PushResult,
  Scheduler,
  SchedulerState,
  Schedules,
} from "./types.js";

export interface SchedulerParts extends Pick<SessionParts, "launchDeputy" | "handlerThreads"> {
  store: Store;
  clock: Clock;
  chance: Chance;
  logger: Logger;
  options: CheckedSchedulerOptions;
  /** The identity of its store. */
  instanceId: string;
}

/** A store that does not close in this time is left alone. */
const CLOSE_WITHIN_MS = 2_000;

export class SchedulerImpl implements Scheduler {
  readonly instanceId: string;
  readonly jobs: Jobs;
  readonly schedules: Schedules;
  readonly doctor: Scheduler["doctor"];
  readonly repair: Scheduler["repair"];
  readonly #parts: SchedulerParts;
  readonly #emitter: Emitter;
  readonly #news: ConnectionNews;
  readonly #outbox: Outbox;
  readonly #pusher: Pusher;
  readonly #binds = new Map<string, CheckedBind>();
  readonly #schedules = new Map<string, CheckedRegister>();
  /** What was bound or registered since the last stop: only older things may be replaced. */
  readonly #fresh = new Set<CheckedBind | CheckedRegister>();
  #state: SchedulerState = "idle";
  #session: Session | null = null;
  #started: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;
  #whenStopped: (() => void)[] = [];
  /** The last closing of the store. */
  #closing: Promise<unknown> = Promise.resolve();
  readonly #told = new WeakSet<Error>();

  constructor(parts: SchedulerParts) {
    const { store, options, logger } = parts;
    this.#parts = parts;
    this.instanceId = parts.instanceId;
    this.#emitter = new Emitter(logger);
    this.#news = new ConnectionNews({ emitter: this.#emitter, logger });
    const guard = <T>(promise: Promise<T>): Promise<T> => this.#guard(promise);
    this.#outbox = new Outbox({ ...options, ...parts, guard });
    const { tasks: validators, payloadLimitBytes, keep } = options;
    const pushing = { outbox: this.#outbox, emitter: this.#emitter, guard };
    this.#pusher = new Pusher({ ...pushing, validators, payloadLimitBytes });
    this.jobs = createJobs({ store, keep, validators, guard });
    this.schedules = createSchedules({
      ...{ store, keep, guard, emitter: this.#emitter, context: this.#context() },
      registered: () => this.registered(),
      changed: () => this.#session?.look(),
      sleep: (ms) => sleep(parts.clock, ms),
    });
    const boundTaskIds = () => (this.#session?.open ? [...this.#binds.keys()] : []);
    this.doctor = createDoctor({ store, boundTaskIds });
    const ownTaskIds = () => [...this.#binds.keys(), ...this.registered().map((s) => s.taskId)];
    this.repair = createRepair({ store, validators, ownTaskIds, guard });
    store.onConnection((news) =>
      news.kind === "lost" ? this.#news.lost(news.error, news) : this.#news.back(news),
    );
  }

  get state(): SchedulerState {
    return this.#state;
  }

  bind(taskId: string, handler: unknown, options?: unknown): this {
    this.#assertIdle("bind", taskId);
    const bind = checkBind(taskId, handler, options, { tasks: this.#parts.options.tasks });
    const old = this.#binds.get(bind.taskId);
    if (old !== undefined && this.#fresh.has(old)) {
      const message = `bind("${taskId}"): this task is bound already`;
      const fix = "a task has one handler in a scheduler: bind it once";
      throw new SchedulerError("ALREADY_BOUND", message, { fix, value: taskId });
    }
    if (bind.file !== null) this.#parts.handlerThreads?.check(bind.file, bind.taskId);
    this.#binds.set(bind.taskId, bind);
    this.#fresh.add(bind);
    return this;
  }

  register(taskId: string, options: unknown): this {
    this.#assertIdle("register", taskId);
    const schedule = checkRegister(taskId, options, this.#context());
    const { scheduleId } = schedule;
    const old = this.#schedules.get(scheduleId);
    if (old !== undefined && this.#fresh.has(old)) {
      const message = `register("${taskId}"): there is a schedule "${scheduleId}" already`;
      const fix = "give the second schedule of a task a `scheduleId` of its own";
      throw new SchedulerError("ALREADY_REGISTERED", message, { fix, value: scheduleId });
    }
    this.#schedules.set(scheduleId, schedule);
    this.#fresh.add(schedule);
    return this;
  }

  /** What it has registered; for the tools around the library. */
  registered(): CheckedRegister[] {
    return [...this.#schedules.values()];
  }

  start(options?: unknown): Promise<void> {
    if (this.#state === "running" && this.#started !== null) return this.#started;
    const started = this.#start(options);
    started.catch(() => {}); // #start tells
    if (this.#state === "running") this.#started = started;
    return started;
  }

  stop(): Promise<void> {
    if (this.#state === "idle") return this.#guard(this.#closeStore());
    this.#stopped ??= this.#guard(this.#stop());
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  run(): Promise<void> {
    return this.#guard(this.#run());
  }

  push(taskId: string, options?: unknown): Promise<PushResult> {
    return this.#pusher.refusal() ?? this.#pusher.push(taskId, options);
  }

  pushMany(taskId: string, items: unknown): Promise<PushManyResult[]> {
    return this.#pusher.refusal() ?? this.#pusher.pushMany(taskId, items);
  }

  health(): Health {
    const session = this.#session;
    return healthOf({
      state: this.#state,
      store: this.#parts.store.health(),
      running: session?.running ?? 0,
      begun: session?.open ?? false,
      stalled: session?.stalled ?? false,
      lapse: session?.lapse ?? null,
      failsWith: session?.failsWith ?? null,
    });
  }

  on<Name extends EventName>(event: Name, listener: Listener<Name>): this {
    this.#emitter.on(event, listener);
    return this;
  }

  once<Name extends EventName>(event: Name, listener: Listener<Name>): this {
    this.#emitter.once(event, listener);
    return this;
  }

  off<Name extends EventName>(event: Name, listener: Listener<Name>): this {
    this.#emitter.off(event, listener);
    return this;
  }

  async #start(options: unknown): Promise<void> {
    try {
      const { mustConnect } = checkStart(options);
      if (this.#state === "stopping") throw stillStopping();
      this.#state = "running";
      const session = new Session({
        ...this.#parts,
        emitter: this.#emitter,
        news: this.#news,
        binds: this.#binds,
        schedules: this.#schedules.values(),
      });
      this.#session = session;
      await this.#closing;
      await this.#begin(session, mustConnect);
    } catch (error) {
      if (!wasStopped(error)) this.#tell(error);
      throw error;
    }
  }

  async #begin(session: Session, mustConnect: boolean): Promise<void> {
    try {
      await session.begin({ mustConnect });
    } catch (error) {
      // If it was stopped meanwhile, stop() does all that is to be done; and it may run again.
      if (this.#session === session && this.#state === "running") await this.#toIdle();
      throw error;
    }
  }

  async #stop(): Promise<void> {
    this.#state = "stopping";
    await this.#session?.end();
    await this.#toIdle();
  }

  async #toIdle(): Promise<void> {
    await this.#closeStore();
    this.#session?.forget();
    this.#session = null;
    this.#started = null;
    this.#stopped = null;
    this.#fresh.clear();
    this.#state = "idle";
    for (const resolve of this.#whenStopped.splice(0)) resolve();
  }

  /** Pushes under way are answered first; those that come meanwhile wait, and open it again. */
  async #closeStore(): Promise<void> {
    const { store, clock, options } = this.#parts;
    await this.#pusher.settled(clock, options.stopTimeoutMs);
    const closed = endsWithin(clock, CLOSE_WITHIN_MS, store.close());
    this.#closing = closed;
    await this.#outbox.holdUntil(closed);
  }

  /** A first signal stops; the handlers are gone then, so that a second one kills. */
  async #run(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#whenStopped.push(resolve));
    const forget = onFirstSignal(() => void this.stop());
    try {
      await this.start();
    } catch (error) {
      if (!wasStopped(error)) throw error;
    } finally {
      await stopped;
      forget();
    }
  }

  #context(): RegisterContext {
    const { tasks, payloadLimitBytes, misfireAfterMs } = this.#parts.options;
    return { tasks, payloadLimitBytes, misfireAfterMs };
  }

  #assertIdle(verb: "bind" | "register", taskId: unknown): void {
    if (this.#state !== "idle") throw isRunning(verb, taskId);
  }

  /** Nobody has to catch this promise; whoever awaits it still gets the rejection. */
  #guard<T>(promise: Promise<T>): Promise<T> {
    promise.catch(this.#tell);
    return promise;
  }

  /** Once for each error, however many promises it rejects. */
  readonly #tell = (thrown: unknown): void => {
    const error = asError(thrown);
    if (this.#told.has(error)) return;
    this.#told.add(error);
    this.#emitter.emit("error", error);
  };
}
