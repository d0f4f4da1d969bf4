/**
 * One attempt at a job, as a pipeline over one record: decode the payload, validate the data,
 * call the handler, make an outcome of its end. Whatever goes wrong on the way is an outcome,
 * never an exception. An attempt can also be ended from outside:
 *  - `lose`: its lease is gone; the signal aborts, and whatever comes of it does not count
 *  - `cancel`: the job was cancelled; the signal aborts, the store decides at the settle
 *  - `giveUp`: the scheduler has to stop; the signal aborts, and the attempt ends at once
 */
import type { Clock, Timer } from "../clock.js";
import { SchedulerError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import { attemptOf } from "../core/job.js";
import type { Logger } from "../core/logger.js";
import type { CheckedBind, TaskValidators } from "../core/options.js";
import { decodePayload } from "../core/payload.js";
import { validate } from "../core/standard-schema.js";
import type { ClaimedJob, Settle, SettleOutcome } from "../store/contract.js";
import { contextOf } from "./context.js";
import type { HeldLease } from "./leases.js";
import { type Ending, endingOf, NOTHING, type OutcomeParts, outcomeOf } from "./outcome.js";
import type { Place } from "./place.js";
import { endsSoon, mayBePromise } from "./returned.js";

export interface AttemptParts extends OutcomeParts {
  clock: Clock;
  logger: Logger;
  validators: TaskValidators;
  /** Called with the JSON text of what a handler said about how far it is. */
  onProgress: (attempt: Attempt, text: string) => void;
}

/**
 * Whose attempt it is. An object, since V8 compiles its callers anew where a function of another
 * scheduler of the process takes its place.
 */
export interface AttemptOwner {
  /** Told once how it ended; null: its lease was lost, there is nothing to settle. */
  attemptEnded(attempt: Attempt, outcome: SettleOutcome | null): void;
}

type Stage = "new" | "begun" | "ended";

/** Not begun: no attempt is spent. */
export const HAND_BACK: SettleOutcome = Object.freeze({ kind: "handBack" });

/** Once it has ended, it is what the store is told of it. */
export class Attempt implements Settle {
  readonly fence: string;
  readonly taskId: string;
  readonly job: ClaimedJob;
  readonly task: CheckedBind;
  /** 1 for the first try. */
  readonly tryNumber: number;
  lost = false;
  cancelled = false;
  /** How it ended; handed back as long as it has not. */
  outcome: SettleOutcome = HAND_BACK;
  /** When it was claimed, and when it began, by the monotonic clock. */
  claimedAt = 0;
  startedAt = 0;
  /** How long the handler took; 0 if it never began. */
  durationMs = 0;
  /** As the handler will get it; not kept for longer, since many wait to be settled. */
  data: unknown = undefined;
  timer: Timer | null = null;
  /** Where its job runs; null: it waits. */
  place: Place | null = null;
  /** The lease that it is made under; null: released. */
  lease: HeldLease | null = null;
  /** Which of the lease's jobs it is. */
  nth = 0;
  #stage: Stage = "new";
  #ending: Ending = NOTHING;
  #controller: AbortController | null = null;
  #abortedBy: SchedulerError | null = null;
  #parts: AttemptParts | null = null;
  /** null: it does not run. */
  #owner: AttemptOwner | null = null;

  constructor(args: { fence: string; job: ClaimedJob; task: CheckedBind }) {
    this.fence = args.fence;
    this.job = args.job;
    this.task = args.task;
    this.taskId = args.task.taskId;
    this.tryNumber = attemptOf(args.job.counts);
  }

  /** The job's, as the store knows it. */
  get number(): string {
    return this.job.number;
  }

  /** The caller's id; null: assigned. */
  get id(): string | null {
    return this.job.ownId ? this.job.id : null;
  }

  /** Of the schedule that is told of the job's end; null: none is. */
  get scheduleId(): string | null {
    const { occurrence } = this.job;
    return occurrence?.isTracked === true ? occurrence.scheduleId : null;
  }

  get begun(): boolean {
    return this.#stage !== "new";
  }

  /** By the monotonic clock. */
  get endedAt(): number {
    return this.startedAt + this.durationMs;
  }

  get ended(): boolean {
    return this.#stage === "ended";
  }

  /** Made when it is first asked for: most handlers never do. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#abortedBy !== null) this.#controller.abort(this.#abortedBy);
    }
    return this.#controller.signal;
  }

  abort(reason: SchedulerError): void {
    if (this.#abortedBy !== null) return;
    this.#abortedBy = reason;
    this.#controller?.abort(reason);
  }

  lose(): void {
    this.lost = true;
    this.abort(new SchedulerError("LEASE_LOST", `${this.name()}: its lease was lost`));
  }

  cancel(): void {
    this.cancelled = true;
    this.abort(new SchedulerError("JOB_CANCELLED", `${this.name()} was cancelled`));
  }

  giveUp(): void {
    this.end({ kind: "givenUp" });
    this.abort(new SchedulerError("STOPPING", `${this.name()}: the scheduler stops`));
  }

  name(): string {
    return `job "${this.job.id}" of task "${this.taskId}"`;
  }

  /**
   * Runs it to its end; whatever goes wrong on the way is an outcome. Never throws. `now`: by the
   * monotonic clock.
   */
  begin(parts: AttemptParts, owner: AttemptOwner, now: number): void {
    this.#parts = parts;
    this.#owner = owner;
    this.startedAt = now;
    const refused = decodeData(this);
    if (refused !== null) {
      this.end(refused);
    } else if (parts.validators?.has(this.taskId) === true) {
      void this.#validateAndCall(parts);
    } else {
      this.#call(parts);
    }
  }

  /** The first ending counts; later ones, and those of attempts that do not run, do nothing. */
  end(ending: Ending): void {
    const owner = this.#owner;
    const parts = this.#parts;
    if (owner === null || parts === null) return;
    this.#owner = null;
    this.timer?.cancel();
    if (this.begun) this.durationMs = parts.clock.monotonic() - this.startedAt;
    const outcome = this.lost ? null : outcomeOf(parts, this, ending);
    this.#stage = "ended";
    owner.attemptEnded(this, outcome);
  }

  endReturned(): void {
    this.end(this.#ending);
  }

  /** It will not run. */
  markEnded(): void {
    this.#stage = "ended";
  }

  async #validateAndCall(parts: AttemptParts): Promise<void> {
    const refused = await validateData(parts, this);
    if (refused !== null) this.end(refused);
    else if (this.#owner !== null) this.#call(parts);
  }

  #call(parts: AttemptParts): void {
    startTimeout(parts, this);
    const context = contextOf(parts, this);
    this.#stage = "begun";
    emitStarted(parts.emitter, this);
    try {
      const { data } = this;
      this.data = undefined;
      const returned: unknown = this.task.handler(data, context as never);
      if (mayBePromise(returned)) {
        Promise.resolve(returned).then(
          (value) => this.end(endingOf(value)),
          (error: unknown) => this.end({ kind: "thrown", error }),
        );
      } else {
        this.#ending = endingOf(returned);
        endsSoon(this);
      }
    } catch (error) {
      this.end({ kind: "thrown", error });
    }
  }
}

function decodeData(attempt: Attempt): Ending | null {
  try {
    const { job } = attempt;
    attempt.data = decodePayload(job.payload);
    job.payload = "";
    return null;
  } catch (error) {
    return { kind: "invalid", error };
  }
}

async function validateData(parts: AttemptParts, attempt: Attempt): Promise<Ending | null> {
  const schema = parts.validators?.get(attempt.taskId);
  if (schema === undefined) return null;
  try {
    const validation = await validate(schema, attempt.data);
    if (validation.issues === undefined) {
      attempt.data = validation.value;
      return attempt.lost || attempt.cancelled ? { kind: "givenUp" } : null; // meanwhile
    }
    return { kind: "invalid", error: dataInvalid(attempt, validation.issues) };
  } catch (error) {
    return { kind: "invalid", error: dataInvalid(attempt, "its validator threw", error) };
  }
}

function dataInvalid(attempt: Attempt, issues: string, cause?: unknown): SchedulerError {
  return new SchedulerError("DATA_INVALID", `${attempt.name()}: ${issues}`, {
    fix: "let the validator accept what was pushed, or cancel the job",
    cause,
  });
}

function startTimeout(parts: AttemptParts, attempt: Attempt): void {
  const timeoutMs = attempt.job.rules.timeoutMs ?? attempt.task.timeoutMs;
  if (timeoutMs === null) return;
  attempt.timer = parts.clock.after(timeoutMs, () => {
    // Ended before its signal tells the handler: what the handler does then is too late.
    attempt.end({ kind: "timeout", timeoutMs });
    const message = `${attempt.name()} took longer than its timeout of ${timeoutMs} ms`;
    attempt.abort(new SchedulerError("TIMED_OUT", message));
  });
}

function emitStarted(emitter: Emitter, attempt: Attempt): void {
  if (!emitter.has("job:started")) return;
  const { job, taskId, tryNumber } = attempt;
  const fence = Number(attempt.fence);
  // Field by field: spreading objects would cost ten times as much as all the rest of an event.
  if (job.occurrence === null) {
    emitter.emit("job:started", { jobId: job.id, taskId, attempt: tryNumber, fence });
    return;
  }
  const { scheduleId, scheduledFor } = job.occurrence;
  const ids = { jobId: job.id, taskId, attempt: tryNumber, fence, scheduleId, scheduledFor };
  emitter.emit("job:started", ids);
}
