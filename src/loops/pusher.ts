/** What `push` and `pushMany` do: check, validate, hand to the outbox, tell. */
import { SchedulerError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import { type CallContext, checkPush, type TaskValidators } from "../core/options.js";
import { type Validation, validate } from "../core/standard-schema.js";
import type { NewJob, PushAnswer } from "../store/contract.js";
import type { PushManyResult, PushResult } from "../types.js";
import { MOST_JOBS_PER_CALL, type Outbox } from "./outbox.js";
import { asError } from "./reporter.js";

export interface PusherParts {
  outbox: Outbox;
  emitter: Emitter;
  validators: TaskValidators;
  payloadLimitBytes: number;
}

export class Pusher {
  readonly #parts: PusherParts;
  readonly #context: CallContext;

  constructor(parts: PusherParts) {
    this.#parts = parts;
    this.#context = { payloadLimitBytes: parts.payloadLimitBytes, tasks: parts.validators };
  }

  async push(taskId: unknown, options: unknown): Promise<PushResult> {
    const checked = this.#check(taskId, options);
    const job = checked instanceof Promise ? await checked : checked;
    const [answer] = await this.#parts.outbox.push([job]);
    return this.#pushed(job, answer);
  }

  async pushMany(taskId: unknown, items: unknown): Promise<PushManyResult[]> {
    if (!Array.isArray(items)) throw notAList(items);
    const checks = items.map((item: unknown) => this.#tryToCheck(taskId, item));
    const checked = await Promise.all(checks);
    const answers = await this.#store(checked.filter(isJob));
    return checked.map((job) => {
      if (job instanceof SchedulerError) return { error: job };
      const answer = answers.get(job);
      return answer instanceof SchedulerError ? { error: answer } : this.#pushed(job, answer);
    });
  }

  /**
   * A list that needs several calls can be stored in part; then each job has its own answer.
   * Rejects only when nothing is known to be stored.
   */
  async #store(jobs: readonly NewJob[]): Promise<Map<NewJob, PushAnswer | SchedulerError>> {
    const answers = new Map<NewJob, PushAnswer | SchedulerError>();
    const calls: { some: readonly NewJob[]; answer: Promise<PushAnswer[]> }[] = [];
    for (let from = 0; from < jobs.length; from += MOST_JOBS_PER_CALL) {
      const some = jobs.slice(from, from + MOST_JOBS_PER_CALL);
      calls.push({ some, answer: this.#parts.outbox.push(some) });
    }
    const results = await Promise.allSettled(calls.map((call) => call.answer));
    const failed = results.filter((result) => result.status === "rejected");
    if (failed[0] !== undefined && failed.length === results.length) throw failed[0].reason;
    results.forEach((result, call) => {
      calls[call]?.some.forEach((job, index) => {
        const answer = result.status === "fulfilled" ? result.value[index] : undefined;
        answers.set(job, answer ?? asSchedulerError(failed[0]?.reason));
      });
    });
    return answers;
  }

  async #tryToCheck(taskId: unknown, item: unknown): Promise<NewJob | SchedulerError> {
    try {
      return await this.#check(taskId, item);
    } catch (error) {
      return asSchedulerError(error);
    }
  }

  /** A promise only if the validator makes one. */
  #check(taskId: unknown, options: unknown): NewJob | Promise<NewJob> {
    const job = checkPush(taskId, options, this.#context);
    const schema = this.#parts.validators?.get(job.taskId);
    if (schema === undefined) return job;
    const validation = validate(schema, (options as { data?: unknown } | undefined)?.data);
    if (!(validation instanceof Promise)) return accepted(job, validation);
    return validation.then((result) => accepted(job, result));
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
function accepted(job: NewJob, validation: Validation): NewJob {
  if (validation.issues === undefined) return job;
  throw new SchedulerError("DATA_INVALID", `push("${job.taskId}"): ${validation.issues}`, {
    fix: "push data that the task's validator accepts",
  });
}

function isJob(checked: NewJob | SchedulerError): checked is NewJob {
  return !(checked instanceof SchedulerError);
}

function asSchedulerError(thrown: unknown): SchedulerError {
  if (thrown instanceof SchedulerError) return thrown;
  const { message } = asError(thrown);
  return new SchedulerError("STORE_REFUSED", `pushMany(): ${message}`, { cause: thrown });
}

function notAList(items: unknown): SchedulerError {
  const kind = items === null ? "null" : typeof items;
  return new SchedulerError("OPTION_INVALID", `pushMany(): the items must be a list, got ${kind}`, {
    fix: 'use pushMany("email", [{ data: … }, { data: …, delay: "5m" }])',
  });
}
