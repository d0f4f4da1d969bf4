/** Checks the arguments of `bind`. */
import { SchedulerError } from "../errors.js";
import { quote, show } from "../show.js";
import type { TaskContext } from "./context.js";
import { checkTaskId } from "./ids.js";
import { type KnownOptions, readOptions, wholeOption } from "./read.js";
import { checkTimeout } from "./rules.js";

export interface CheckedBind {
  taskId: string;
  handler: (data: unknown, context: never) => unknown;
  /** Runs in threads of its own instead of `handler`; null: the handler is a function. */
  file: URL | null;
  concurrency: number;
  /** null: no limit. */
  timeoutMs: number | null;
  /** Over how many shards of the store; null: as others have said. */
  spread: number | null;
}

const DEFAULT_CONCURRENCY = 10;
const MOST_CONCURRENCY = 10_000;
/** As many as a Cluster has. */
const MOST_SPREAD = 16;

const BELONGS_TO_JOBS = "it belongs to push() and register(): any scheduler may run the job";
const KNOWN: KnownOptions = {
  names: ["concurrency", "timeout", "spread"],
  hints: {
    retry: BELONGS_TO_JOBS,
    retryTimeout: BELONGS_TO_JOBS,
    priority: BELONGS_TO_JOBS,
    delay: BELONGS_TO_JOBS,
    cronExpr: "it belongs to register()",
  },
};

export function checkBind(
  taskId: unknown,
  handler: unknown,
  options: unknown,
  context: TaskContext = {},
): CheckedBind {
  const id = checkTaskId(taskId, "bind", context);
  const where = `bind(${quote(id)})`;
  const file = handler instanceof URL ? checkFile(handler, where) : null;
  if (file === null && typeof handler !== "function") {
    throw new SchedulerError(
      "HANDLER_INVALID",
      `${where}: the handler must be a function or the URL of a file, got ${show(handler)}`,
      { fix: `bind(${quote(id)}, async (data) => { … })` },
    );
  }
  const given = readOptions(options, where, KNOWN);
  return {
    taskId: id,
    handler: handler as CheckedBind["handler"],
    file,
    concurrency: wholeOption(given.concurrency, {
      where,
      name: "concurrency",
      fallback: DEFAULT_CONCURRENCY,
      min: 1,
      max: MOST_CONCURRENCY,
    }),
    timeoutMs: checkTimeout(given.timeout, where),
    spread: given.spread === undefined ? null : checkSpread(given.spread, where),
  };
}

function checkSpread(spread: unknown, where: string): number {
  return wholeOption(spread, { where, name: "spread", fallback: 1, min: 1, max: MOST_SPREAD });
}

function checkFile(url: URL, where: string): URL {
  if (url.protocol === "file:") return url;
  throw new SchedulerError(
    "HANDLER_INVALID",
    `${where}: the handler must be a file, got a URL that begins with ${quote(url.protocol)}`,
    { fix: 'use new URL("./handler.js", import.meta.url)' },
  );
}
