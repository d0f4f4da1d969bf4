/** What `push` and `pushMany` do: check, validate, hand to the outbox, tell. */
import type { Clock } from "../clock.js";
import { SchedulerError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import { type CallContext, checkPush, type TaskValidators } from "../core/options.js";
import { type Validation, validate } from "../core/standard-schema.js";
import type { NewJob, PushAnswer } from "../store/contract.js";
import type { PushManyResult, PushResult } from "../types.js";
import type { Entry, Outbox } from "./outbox.js";
import { PushList } from "./push-list.js";
import { endsWithin } from "./within.js";

export interface PusherParts {
  outbox: Outbox;
  emitter: Emitter;
  validators: TaskValidators;
  payloadLimitBytes: number;
  /** Makes a promise that may be dropped: its rejection is told. */
  guard: <T>(promise: Promise<T>) => Promise<T>;
}

export class Pusher {
  readonly #parts: PusherParts;
  readonly #context: CallContext;
  readonly #lists = new Set<Promise<unknown>>();
  readonly #push: SinglePushParts;

  constructor(parts: PusherParts) {
    this.#parts = parts;
    this.#context = { payloadLimitBytes: parts.payloadLimitBytes, tasks: parts.validators };
    this.#push = { guard: parts.guard, pushed: (job, answer) => this.#pushed(job, answer) };
  }

  /** What `push` and `pushMany` answer while too much waits; null: they may go on. */
  refusal(): Promise<never> | null {
    return this.#parts.outbox.room.refusal();
  }

  /** May be dropped: a rejection is told. */
  push(taskId: unknown, options: unknown): Promise<PushResult> {
    const { outbox, guard } = this.#parts;
    let job: NewJob;
    let validation: Promise<void> | null;
    try {
      job = checkPush(taskId, options, this.#context);
      validation = this.#validate(job, options);
    } catch (error) {
      return guard(Promise.reject(error));
    }
    outbox.room.take(1, job.payload.length);
    if (validation !== null) return guard(this.#pushIfValid(job, validation));
    return this.#pushOne(job);
  }

  #pushOne(job: NewJob): Promise<PushResult> {
    const push = new SinglePush(job, this.#push);
    this.#parts.outbox.add(push);
    return push.promise;
  }

  async #pushIfValid(job: NewJob, validation: Promise<void>): Promise<PushResult> {
    await this.#unlessInvalid(job, validation);
    return await this.#pushOne(job);
  }

  /** May be dropped: a rejection is told. */
  pushMany(taskId: unknown, items: unknown): Promise<PushManyResult[]> {
    const list = this.#parts.guard(this.#pushMany(taskId, items));
    this.#lists.add(list);
    const forget = (): void => void this.#lists.delete(list);
    list.then(forget, forget);
    return list;
  }

  /**
   * Resolves when all that was pushed so far has been answered. Lists are waited for within a
   * bound: they may be long, or have a validator that never answers.
   */
  async settled(clock: Clock, listsWithinMs: number): Promise<void> {
    await endsWithin(clock, listsWithinMs, Promise.allSettled(this.#lists));
    await this.#parts.outbox.settled();
  }

  async #pushMany(taskId: unknown, items: unknown): Promise<PushManyResult[]> {
    if (!Array.isArray(items)) throw notAList(items);
    const list = new PushList(
      {
        outbox: this.#parts.outbox,
        jobOf: (item) => checkPush(taskId, item, this.#context),
        validate: (job, item) => this.#validate(job, item),
        pushed: (job, answer) => this.#pushed(job, answer),
      },
      items,
    );
    return await list.send();
  }

  /** null: valid; throws, or rejects, when not. A promise only if the validator makes one. */
  #validate(job: NewJob, options: unknown): Promise<void> | null {
    const schema = this.#parts.validators?.get(job.taskId);
    if (schema === undefined) return null;
    const validation = validate(schema, (options as { data?: unknown } | undefined)?.data);
    if (validation instanceof Promise) return validation.then((it) => assertValid(job, it));
    assertValid(job, validation);
    return null;
  }

  async #unlessInvalid(job: NewJob, validation: Promise<void>): Promise<void> {
    try {
      await validation;
    } catch (error) {
      this.#parts.outbox.room.give(1, job.payload.length);
      throw error;
    }
  }

  #pushed(job: NewJob, answer: PushAnswer | undefined): PushResult {
    if (answer === undefined) throw new Error(`push("${job.taskId}"): the store gave no answer`);
    const { taskId } = job;
    const { id, created, state, dueAt } = answer;
    const { emitter } = this.#parts;
    if (emitter.has("job:pushed")) {
      emitter.emit("job:pushed", { jobId: id, taskId, created, state, dueAt });
    }
    return { id, taskId, created, state, dueAt };
  }
}

interface SinglePushParts {
  guard: PusherParts["guard"];
  pushed: (job: NewJob, answer: PushAnswer | undefined) => PushResult;
}

/** A push has one promise, guarded only when it fails: most are a million that do not. */
class SinglePush implements Entry {
  readonly count = 1;
  readonly text: number;
  readonly promise: Promise<PushResult>;
  readonly #parts: SinglePushParts;
  readonly #job: NewJob;
  #resolve!: (result: PushResult) => void;
  #reject!: (error: unknown) => void;

  constructor(job: NewJob, parts: SinglePushParts) {
    this.#parts = parts;
    this.#job = job;
    this.text = job.payload.length;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get taskId(): string {
    return this.#job.taskId;
  }

  get id(): string | null {
    return this.#job.id;
  }

  addTo(jobs: NewJob[]): void {
    jobs.push(this.#job);
  }

  answered(answers: readonly PushAnswer[], from: number): void {
    this.#resolve(this.#parts.pushed(this.#job, answers[from]));
  }

  failed(error: unknown): void {
    this.#parts.guard(this.promise);
    this.#reject(error);
  }
}

/** What is stored is the input; the handler is given the output, made of it again. */
function assertValid(job: NewJob, validation: Validation): void {
  if (validation.issues === undefined) return;
  throw new SchedulerError("DATA_INVALID", `push("${job.taskId}"): ${validation.issues}`, {
    fix: "push data that the task's validator accepts",
  });
}

function notAList(items: unknown): SchedulerError {
  const kind = items === null ? "null" : typeof items;
  return new SchedulerError("OPTION_INVALID", `pushMany(): the items must be a list, got ${kind}`, {
    fix: 'use pushMany("email", [{ data: … }, { data: …, delay: "5m" }])',
  });
}
