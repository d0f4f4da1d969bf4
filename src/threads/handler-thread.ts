/**
 * A thread that runs the handler of one task: loads the user's file, and runs one job after the
 * other as it is told.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { SchedulerError } from "../core/errors.js";
import { encodePayload } from "../core/payload.js";
import type { ContextFields, FromHandler, ThrownThere, ToHandler } from "../loops/handler-pool.js";
import type { Handler, HandlerContext } from "../types.js";

export interface HandlerOrders {
  /** Of the user's file. */
  url: string;
  payloadLimitBytes: number;
}

type Start = Extract<ToHandler, { kind: "run" }>;

async function load({ url }: HandlerOrders): Promise<Handler> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    throw invalid(`${url} cannot be loaded: ${String(cause)}`, cause);
  }
  for (const found of [exported.default, exported.handler]) {
    if (typeof found === "function") return found as Handler;
  }
  throw invalid(`${url} exports no handler`);
}

function invalid(message: string, cause?: unknown): SchedulerError {
  const fix = "export default async (data, context) => { … }";
  return new SchedulerError("HANDLER_INVALID", `bind(): ${message}`, { fix, cause });
}

class Runs {
  readonly #port: MessagePort;
  readonly #orders: HandlerOrders;
  readonly #handler: Promise<Handler>;
  #current: { run: number; controller: AbortController } | null = null;

  constructor(port: MessagePort, orders: HandlerOrders) {
    this.#port = port;
    this.#orders = orders;
    this.#handler = load(orders);
    // each job that is run is told
    this.#handler.catch(() => {});
  }

  hear(word: ToHandler): void {
    if (word.kind === "run") void this.#run(word);
    else if (this.#current?.run === word.run) this.#current.controller.abort(abortOf(word));
  }

  async #run({ run, data, context }: Start): Promise<void> {
    const controller = new AbortController();
    this.#current = { run, controller };
    let word: FromHandler;
    try {
      const handler = await this.#handler;
      const value = await handler(data, this.#contextOf(run, context, controller.signal));
      word = { kind: "returned", run, value };
    } catch (error) {
      word = { kind: "thrown", run, error: thrownOf(error) };
    }
    this.#tell(word, { kind: "returned", run, value: undefined });
  }

  #contextOf(run: number, fields: ContextFields, signal: AbortSignal): HandlerContext {
    const where = `progress() of job "${fields.jobId}" of task "${fields.taskId}"`;
    const at = { where, limitBytes: this.#orders.payloadLimitBytes, name: "value" };
    return {
      ...fields,
      signal,
      progress: (value) => {
        this.#port.postMessage({ kind: "progress", run, text: encodePayload(value, at) });
      },
      log: (message, more) => {
        const word = { kind: "log", run, message } as const;
        this.#tell({ ...word, fields: more }, { ...word, fields: undefined });
      },
    };
  }

  /** `plain`: what is said of what cannot be copied. */
  #tell(word: FromHandler, plain: FromHandler): void {
    try {
      this.#port.postMessage(word);
    } catch {
      this.#port.postMessage(plain);
    }
  }
}

function abortOf({ code, message }: Extract<ToHandler, { kind: "abort" }>): Error {
  return Object.assign(new Error(message), { name: "SchedulerError", code });
}

/** Only what the outcome depends on, and what people read; all of it can be copied. */
function thrownOf(thrown: unknown): ThrownThere {
  const unsaid = { stack: undefined, code: undefined, waitMs: undefined };
  try {
    if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown), ...unsaid };
    const { name, message, stack } = thrown;
    const { code, waitMs } = thrown as { code?: unknown; waitMs?: unknown };
    const texts = { name: `${name}`, message: `${message}`, stack: stack && `${stack}` };
    return { ...texts, code: plain(code), waitMs: plain(waitMs) };
  } catch {
    return { name: "Error", message: "an error that cannot be shown", ...unsaid };
  }
}

function plain(value: unknown): unknown {
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

if (parentPort !== null) {
  const runs = new Runs(parentPort, workerData as HandlerOrders);
  parentPort.on("message", (word: ToHandler) => runs.hear(word));
}
