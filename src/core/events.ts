/**
 * What a scheduler tells about itself, and the small emitter that tells it.
 * Events are local to the scheduler: each hears of what itself did or saw.
 */
import { EventEmitter } from "node:events";
import { SchedulerError, seen } from "./errors.js";
import type { DeadReason, JobState } from "./job.js";
import type { Logger } from "./logger.js";
import type { PassReason } from "./schedule/outcome.js";
import { harmless, show } from "./show.js";
import { didYouMean } from "./suggest.js";

interface JobEvent {
  jobId: string;
  taskId: string;
}

interface AttemptEvent extends JobEvent {
  /** 1 for the first try. */
  attempt: number;
}

interface ScheduleEvent {
  scheduleId: string;
  taskId: string;
}

/** The events of a scheduler and what their listeners are given. Instants are epoch ms. */
export interface EventMap {
  /** This scheduler pushed a job; `created` false: one with its id was there before. */
  "job:pushed": JobEvent & { created: boolean; state: JobState; dueAt: number | null };
  /** A handler is about to be called. */
  "job:started": AttemptEvent & { fence: number; scheduleId?: string; scheduledFor?: number };
  /** The job is completed, and the store has it so. */
  "job:completed": AttemptEvent & { durationMs: number };
  /** An attempt failed; `job:retrying` or `job:dead` says what becomes of the job. */
  "job:failed": AttemptEvent & { error: string; durationMs: number };
  /** The job will be issued again at `dueAt` (null: as soon as somebody is free). */
  "job:retrying": AttemptEvent & {
    cause: "failed" | "invalid" | "crashed";
    dueAt: number | null;
  };
  /** The job is dead; `redrive` can issue it again. */
  "job:dead": AttemptEvent & { reason: DeadReason; error: string | null };
  /** The job is cancelled. */
  "job:cancelled": JobEvent;
  /** An occurrence became a job at once; one that waits for another job is not told. */
  "schedule:fired": ScheduleEvent & {
    jobId: string;
    scheduledFor: number;
    isCatchup: boolean;
    missedCount: number;
  };
  /** `count` occurrences, from `scheduledFor` to `lastAt`, were left out on purpose. */
  "schedule:skipped": ScheduleEvent & {
    scheduledFor: number;
    lastAt: number;
    count: number;
    reason: PassReason;
  };
  /** Occurrences were too late and are given up; the first was due at `firstAt`. */
  "schedule:missed": ScheduleEvent & { count: number; firstAt: number; lastAt: number };
  /** Two definitions of one schedule disagree. */
  "schedule:conflict": ScheduleEvent & { message: string };
  /** No live scheduler registers this schedule any more: this one has paused or removed it. */
  "schedule:orphaned": ScheduleEvent & { action: "pause" | "remove" };
  /** The lease of a running job was lost: its `signal` is aborted, its result will not count. */
  "lease:lost": AttemptEvent & { fence: number };
  /** The store, or a part of it, cannot be reached; the scheduler keeps trying. */
  "store:lost": { error: Error };
  /** The store is back; `emptied`: it has lost its data, or is another one. */
  "store:back": { emptied: boolean };
  /** Something went wrong that no promise told anybody about. */
  error: Error;
}

/** The name of an event. */
export type EventName = keyof EventMap;

/** Every event name, in the order of `EventMap`. */
export const EVENT_NAMES: readonly EventName[] = [
  "job:pushed",
  "job:started",
  "job:completed",
  "job:failed",
  "job:retrying",
  "job:dead",
  "job:cancelled",
  "schedule:fired",
  "schedule:skipped",
  "schedule:missed",
  "schedule:conflict",
  "schedule:orphaned",
  "lease:lost",
  "store:lost",
  "store:back",
  "error",
];

/** What a listener returns is ignored, but a promise that rejects is told as an `error`. */
export type Listener<Name extends EventName> = (payload: EventMap[Name]) => unknown;

type AnyListener = (payload: unknown) => unknown;

export class Emitter {
  readonly #listeners: EventEmitter = new EventEmitter();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  on<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    this.#listeners.on(checked(name, listener), listener);
  }

  once<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    this.#listeners.once(checked(name, listener), listener);
  }

  off<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    this.#listeners.off(checked(name, listener), listener);
  }

  /** False: building a payload would be for nobody. */
  has(name: EventName): boolean {
    return this.#listeners.listenerCount(name) > 0;
  }

  /** Calls every listener, whatever the others do; never throws. */
  emit<Name extends EventName>(name: Name, payload: EventMap[Name]): void {
    // rawListeners is a copy, and its `once` wrappers take themselves off when called.
    const listeners = this.#listeners.rawListeners(name) as AnyListener[];
    if (listeners.length === 0) {
      if (name === "error") this.#log(payload, "an error that nobody listens to");
      return;
    }
    for (const listener of listeners) this.#call(name, listener, payload);
  }

  #call(name: EventName, listener: AnyListener, payload: unknown): void {
    try {
      const returned = listener(payload);
      if (isThenable(returned)) {
        returned.then(undefined, (thrown: unknown) => this.#failed(name, thrown));
      }
    } catch (thrown) {
      this.#failed(name, thrown);
    }
  }

  #failed(name: EventName, thrown: unknown): void {
    // A listener of errors that fails itself must not be told so: that would never end.
    if (name === "error") this.#log(thrown, 'a listener of "error" failed');
    else this.emit("error", asError(thrown, name));
  }

  #log(error: unknown, message: string): void {
    try {
      this.#logger.error({ error }, message);
    } catch {
      // A logger that throws has nowhere left to be told.
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

function asError(thrown: unknown, name: EventName): Error {
  if (seen(() => thrown instanceof Error)) return thrown as Error;
  return new Error(`a listener of "${name}" threw something that is not an Error`, {
    cause: thrown,
  });
}

function checked(name: unknown, listener: unknown): string {
  if (typeof name !== "string" || !(EVENT_NAMES as readonly string[]).includes(name)) {
    throw new SchedulerError("OPTION_INVALID", `on(): there is no event ${show(name)}`, {
      fix: didYouMean(typeof name === "string" ? name : "", EVENT_NAMES),
      value: harmless(name),
    });
  }
  if (typeof listener !== "function") {
    throw new SchedulerError(
      "HANDLER_INVALID",
      `on("${name}"): the listener must be a function, got ${typeof listener}`,
      { fix: "pass a function" },
    );
  }
  return name;
}
