/** Begins the threads of this package. The only file, beside the stores, that makes any. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { systemClock } from "../clock.js";
import { SchedulerError } from "../core/errors.js";
import type { LaunchDeputy } from "../loops/deputy/deputy.js";
import type { FromHandler, HandlerListener, HandlerThreads } from "../loops/handler-pool.js";
import { DeputyHost } from "./deputy-host.js";
import type { DeputyHostOrders } from "./deputy-thread.js";
import type { HandlerOrders } from "./handler-thread.js";
import type { DeputyStoreOptions } from "./orders.js";

/** It holds a client and a few leases: Node's own bounds are for programs. */
const DEPUTY_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

function hostOf(workerData: DeputyHostOrders): DeputyHost {
  const options = { workerData, resourceLimits: DEPUTY_LIMITS, ...flags() };
  const makeThread = (): Worker =>
    new Worker(new URL("./deputy-thread.js", import.meta.url), options);
  return new DeputyHost({ clock: systemClock, isShared: workerData.isShared, makeThread });
}

/** Of all schedulers of this process whose store is reached over the network. */
const shared = hostOf({ isShared: true });

/** `store` null: what the user gave cannot be copied into a thread. */
export function launcherOf(store: () => DeputyStoreOptions | null): LaunchDeputy {
  return (orders, listener) => {
    const known = store();
    if (known === null) return "redisConfig has functions, which cannot be copied into a thread";
    try {
      const host = known.kind === "redis" ? shared : hostOf({ isShared: false });
      return host.add({ orders, listener, store });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
}

/** They run the user's file, which may want what the process was started with. */
export const handlerThreads: HandlerThreads = {
  check(file, taskId) {
    if (!hasHandlerThread()) {
      const message = `bind("${taskId}"): schedule-mq was bundled without the files of its threads`;
      const fix = "leave schedule-mq out of the bundle (external), or give bind() a function";
      throw new SchedulerError("HANDLER_INVALID", message, { fix, value: file.href });
    }
    if (existsSync(fileURLToPath(file))) return;
    const message = `bind("${taskId}"): there is no file ${file.href}`;
    const fix = 'use new URL("./handler.js", import.meta.url)';
    throw new SchedulerError("HANDLER_INVALID", message, { fix, value: file.href });
  },
  launch({ file, payloadLimitBytes }, listener) {
    const workerData: HandlerOrders = { url: file.href, payloadLimitBytes };
    const thread = new Worker(new URL("./handler-thread.js", import.meta.url), { workerData });
    thread.on("message", (word: FromHandler) => listener.heard(word));
    watch(thread, listener);
    return {
      tell: (word) => thread.postMessage(word),
      kill: () => void thread.terminate(),
    };
  },
};

/**
 * What a program is started with is not for the deputy: profilers, loaders. Only Yarn's
 * Plug'n'Play has to be there, too: without it nothing is found.
 */
function flags(): { execArgv?: string[] } {
  return process.versions.pnp === undefined ? { execArgv: [] } : {};
}

/** False: whoever bundled this into a program has left it behind. */
function hasHandlerThread(): boolean {
  try {
    return existsSync(fileURLToPath(new URL("./handler-thread.js", import.meta.url)));
  } catch {
    // A bundle in CommonJS has no URL.
    return false;
  }
}

function watch(thread: Worker, listener: HandlerListener): void {
  let died: Error | null = null;
  thread.on("error", (error: unknown) => {
    died = error instanceof Error ? error : new Error(String(error));
  });
  thread.on("exit", (code) => {
    if (code !== 0) died ??= new Error(`it ended with code ${code}`);
    listener.ended(died);
  });
  // The process may end, whatever the thread is at.
  thread.unref();
}
