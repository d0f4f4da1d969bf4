/** What `push` and `pushMany` do: check, validate, hand to the outbox, tell. */
import { SchedulerError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import { type CallContext, checkPush, type TaskValidators } from "../core/options.js";
import { type Validation, validate } from "../core/standard-schema.js";
import type { NewJob, PushAnswer } from "../store/contract.js";
import type { PushManyResult, PushResult } from "../types.js";
import type { Outbox } from "./outbox.js";
import { PushList } from "./push-list.js";

export interface PusherParts {
  outbox: Outbox;
  emitter: Emitter;
  validators: TaskValidators;
  payloadLimitBytes: number;
}

export class Pusher {
  readonly #parts: PusherParts;
  readonly #context: CallContext;
  readonly #lists = new Set<Promise<unknown>>();

  constructor(parts: PusherParts) {
    this.#parts = parts;
    this.#context = { payloadLimitBytes: parts.payloadLimitBytes, tasks: parts.validators };
  }

  /** What `push` and `pushMany` answer while too much waits; null: they may go on. */
  refusal(): Promise<never> | null {
    return this.#parts.outbox.room.refusal();
  }

  async push(taskId: unknown, options: unknown): Promise<PushResult> {
    const { outbox } = this.#parts;
    const job = checkPush(taskId, options, this.#context);
    const validation = this.#validate(job, options);
    outbox.room.take(1, job.payload.length);
    if (validation !== null) await this.#unlessInvalid(job, validation);
    const [answer] = await outbox.push([job]);
    return this.#pushed(job, answer);
  }

  pushMany(taskId: unknown, items: unknown): Promise<PushManyResult[]> {
    const list = this.#pushMany(taskId, items);
    this.#lists.add(list);
    const forget = (): void => void this.#lists.delete(list);
    list.then(forget, forget);
    return list;
  }

  /** Resolves when all that was pushed so far has been answered. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#lists);
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
    this.#parts.emitter.emit("job:pushed", { jobId: id, taskId, created, state, dueAt });
    return { id, taskId, created, state, dueAt };
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
