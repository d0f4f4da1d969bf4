/** The handlers of a scheduler that are files: each is given a pool of threads. */
import type { Clock } from "../clock.js";
import { SchedulerError } from "../core/errors.js";
import type { CheckedBind } from "../core/options.js";
import type { HandlerContext } from "../types.js";
import { HandlerPool, type HandlerThreads } from "./handler-pool.js";

export interface PoolsParts {
  binds: ReadonlyMap<string, CheckedBind>;
  clock: Clock;
  options: { payloadLimitBytes: number };
  handlerThreads?: HandlerThreads;
}

export interface HandlerPools {
  /** As bound; handlers that are files can be called. */
  binds: ReadonlyMap<string, CheckedBind>;
  /** Resolves when no thread is left. */
  end(): Promise<unknown>;
}

export function poolsOf({ binds, clock, options, handlerThreads }: PoolsParts): HandlerPools {
  const pools: HandlerPool[] = [];
  const callable = Array.from(binds.values(), (bind): CheckedBind => {
    const { file, taskId, concurrency } = bind;
    if (file === null) return bind;
    if (handlerThreads === undefined) throw noThreads(taskId);
    const of = { file, taskId, concurrency };
    const pool = new HandlerPool({ ...of, ...options, clock, threads: handlerThreads });
    pools.push(pool);
    return { ...bind, handler: (data, context: HandlerContext) => pool.run(data, context) };
  });
  return {
    binds: pools.length === 0 ? binds : new Map(callable.map((bind) => [bind.taskId, bind])),
    end: () => Promise.all(pools.map((pool) => pool.end())),
  };
}

function noThreads(taskId: string): SchedulerError {
  const message = `bind("${taskId}"): there are no threads here to run a handler file`;
  return new SchedulerError("HANDLER_INVALID", message, { fix: "give it a function" });
}
