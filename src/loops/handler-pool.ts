/**
 * Runs the handler of one task in threads of its own, one job at a time in each:
 *  1. a thread is begun when a job finds none idle, and kept for the next one
 *  2. one whose job is not over `GRACE_MS` after its signal was aborted is ended
 *  3. one that dies fails its attempt, and nothing else
 *  4. there are never more than twice as many as jobs may run: the other half is in its grace
 */
import type { Clock, Timer } from "../clock.js";
import { SchedulerError } from "../core/errors.js";
import type { HandlerContext } from "../types.js";

/** What a handler is given, but for what cannot be copied. */
export type ContextFields = Omit<HandlerContext, "signal" | "progress" | "log">;

export type ToHandler =
  | { kind: "run"; run: number; data: unknown; context: ContextFields }
  | { kind: "abort"; run: number; code: string; message: string };

/** An error of another thread. */
export interface ThrownThere {
  name: string;
  message: string;
  stack: string | undefined;
  code: unknown;
  waitMs: unknown;
}

export type FromHandler = { run: number } & (
  | { kind: "returned"; value: unknown }
  | { kind: "thrown"; error: ThrownThere }
  /** JSON. */
  | { kind: "progress"; text: string }
  | { kind: "log"; message: string; fields: object | undefined }
);

export interface HandlerThread {
  /** Throws what cannot be copied. */
  tell(word: ToHandler): void;
  /** Ends it, whatever it is at; `ended` follows. */
  kill(): void;
}

export interface HandlerListener {
  heard(word: FromHandler): void;
  /** It is gone; null: nobody knows why. */
  ended(error: Error | null): void;
}

export interface HandlerFile {
  file: URL;
  payloadLimitBytes: number;
}

export interface HandlerThreads {
  /** Throws when there is no such file: sooner than with the first job. */
  check(file: URL, taskId: string): void;
  /** Begins a thread that loads the file by itself. */
  launch(file: HandlerFile, listener: HandlerListener): HandlerThread;
}

export interface PoolParts extends HandlerFile {
  taskId: string;
  concurrency: number;
  clock: Clock;
  threads: HandlerThreads;
}

/** From the abort of its signal until a handler is ended. */
export const GRACE_MS = 1_000;

const TOO_LATE = "it was ended, since it went on after its signal had aborted";

interface Run {
  number: number;
  context: HandlerContext;
  onAbort: () => void;
  /** Of its grace. */
  timer: Timer | null;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A thread, and what it is at; null: it is idle. */
interface Seat {
  thread: HandlerThread;
  run: Run | null;
  whenEnded: () => void;
  ended: Promise<void>;
}

export class HandlerPool {
  readonly #parts: PoolParts;
  readonly #seats = new Set<Seat>();
  /** Told to end; they are counted no more. */
  readonly #ending = new Set<Seat>();
  readonly #idle: Seat[] = [];
  #runs = 0;

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** Threads that there are. */
  get size(): number {
    return this.#seats.size;
  }

  /** As the handler itself: rejects with what it throws, or because its thread has died. */
  run(data: unknown, context: HandlerContext): Promise<unknown> {
    const seat = this.#idle.pop() ?? this.#begin();
    return new Promise((resolve, reject) => {
      this.#runs += 1;
      const number = this.#runs;
      const onAbort = (): void => this.#abort(seat, number);
      const run: Run = { number, context, onAbort, timer: null, resolve, reject };
      try {
        seat.thread.tell({ kind: "run", run: number, data, context: fieldsOf(context) });
      } catch (error) {
        this.#idle.push(seat);
        reject(this.#notCopied(error));
        return;
      }
      seat.run = run;
      if (context.signal.aborted) onAbort();
      else context.signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Resolves when all threads are gone; it may be used again. */
  async end(): Promise<void> {
    this.#idle.length = 0;
    for (const seat of this.#seats) this.#kill(seat);
    await Promise.all(Array.from(this.#ending, ({ ended }) => ended));
  }

  #begin(): Seat {
    const { threads, concurrency, file, payloadLimitBytes } = this.#parts;
    if (this.#seats.size >= 2 * concurrency) this.#endOneInGrace();
    let whenEnded = (): void => {};
    const ended = new Promise<void>((resolve) => {
      whenEnded = resolve;
    });
    const listener: HandlerListener = {
      heard: (word) => this.#heard(seat, word),
      ended: (error) => this.#ended(seat, error),
    };
    const thread = threads.launch({ file, payloadLimitBytes }, listener);
    const seat: Seat = { thread, run: null, whenEnded, ended };
    this.#seats.add(seat);
    return seat;
  }

  #heard(seat: Seat, word: FromHandler): void {
    const { run } = seat;
    // What a handler says after its end is of no concern any more.
    if (run === null || run.number !== word.run) return;
    if (word.kind === "progress" || word.kind === "log") passOn(run.context, word);
    else {
      this.#over(seat, run);
      this.#idle.push(seat);
      if (word.kind === "returned") run.resolve(word.value);
      else run.reject(errorOf(word.error));
    }
  }

  #abort(seat: Seat, number: number): void {
    const { run } = seat;
    if (run === null || run.number !== number) return;
    const { code = "ABORTED", message = "" } = run.context.signal.reason ?? {};
    seat.thread.tell({ kind: "abort", run: number, code, message });
    run.timer = this.#parts.clock.after(GRACE_MS, () => this.#endLate(seat, run));
  }

  #endLate(seat: Seat, run: Run): void {
    if (seat.run !== run) return;
    this.#over(seat, run);
    run.reject(this.#died(TOO_LATE));
    this.#kill(seat);
  }

  #kill(seat: Seat): void {
    this.#seats.delete(seat);
    this.#ending.add(seat);
    seat.thread.kill();
  }

  #endOneInGrace(): void {
    for (const seat of this.#seats) {
      const { run } = seat;
      if (run === null || run.timer === null) continue;
      this.#endLate(seat, run);
      return;
    }
  }

  #ended(seat: Seat, error: Error | null): void {
    this.#seats.delete(seat);
    this.#ending.delete(seat);
    const at = this.#idle.indexOf(seat);
    if (at !== -1) this.#idle.splice(at, 1);
    const { run } = seat;
    if (run !== null) {
      this.#over(seat, run);
      run.reject(this.#died(error?.message ?? "it ended by itself", error));
    }
    seat.whenEnded();
  }

  #over(seat: Seat, run: Run): void {
    seat.run = null;
    run.timer?.cancel();
    run.context.signal.removeEventListener("abort", run.onAbort);
  }

  #died(reason: string, cause?: unknown): SchedulerError {
    const message = `the thread of the handler of "${this.#parts.taskId}" has died: ${reason}`;
    const fix = "see what ends it: process.exit(), an uncaught error, too little memory";
    return new SchedulerError("HANDLER_DIED", message, { fix, cause });
  }

  #notCopied(cause: unknown): SchedulerError {
    const where = `the handler of "${this.#parts.taskId}"`;
    const message = `${where} runs in a thread, and its data cannot be copied into one`;
    const fix = "let the validator make plain data, or give bind() a function";
    return new SchedulerError("DATA_NOT_SERIALIZABLE", message, { fix, cause });
  }
}

function passOn(
  context: HandlerContext,
  word: Extract<FromHandler, { kind: "progress" | "log" }>,
): void {
  try {
    if (word.kind === "progress") context.progress(JSON.parse(word.text));
    else context.log(word.message, word.fields);
  } catch {
    // The user's logger: there is no handler here that it could fail.
  }
}

/** Accessors and methods of the class are left out by name. */
function fieldsOf(context: HandlerContext): ContextFields {
  const { jobId, taskId, attempt, fence, isCatchup, missedCount } = context;
  const { scheduleId, scheduledFor, firedAt } = context;
  const fields = { jobId, taskId, attempt, fence, isCatchup, missedCount };
  if (scheduleId === undefined || scheduledFor === undefined) return fields;
  return { ...fields, scheduleId, scheduledFor, firedAt: firedAt ?? scheduledFor };
}

/** By its name it is known for what it was: see core/retry.ts. */
function errorOf({ name, message, stack, code, waitMs }: ThrownThere): Error {
  const error = new Error(message);
  const more = { name, stack: stack ?? error.stack, code, waitMs };
  return Object.assign(error, more);
}
