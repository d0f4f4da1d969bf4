/** Begins the threads of this package. The only file, beside the stores, that makes any. */
import { Worker } from "node:worker_threads";
import type { DeputyListener, LaunchDeputy } from "../loops/deputy/deputy.js";
import type { DeputyThreadOrders } from "./deputy-thread.js";
import type { DeputyStoreOptions } from "./orders.js";

/** It holds a client and a few leases: Node's own bounds are for programs. */
const DEPUTY_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** `store` null: what the user gave cannot be copied into a thread. */
export function launcherOf(store: () => DeputyStoreOptions | null): LaunchDeputy {
  return (orders, listener) => {
    const told = store();
    if (told === null) return "redisConfig has functions, which cannot be copied into a thread";
    const workerData: DeputyThreadOrders = { ...orders, store: told };
    try {
      const file = new URL("./deputy-thread.js", import.meta.url);
      const limits = { resourceLimits: DEPUTY_LIMITS, execArgv: [] };
      return watched(new Worker(file, { workerData, ...limits }), listener);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
}

function watched(thread: Worker, listener: DeputyListener): ReturnType<LaunchDeputy> {
  let died: Error | null = null;
  thread.on("message", () => listener.ready());
  thread.on("error", (error: unknown) => {
    died = error instanceof Error ? error : new Error(String(error));
  });
  thread.on("exit", (code) => {
    if (code !== 0) died ??= new Error(`it ended with code ${code}`);
    listener.ended(died);
  });
  // The process may end, whatever the thread is at.
  thread.unref();
  return {
    tell: (word) => thread.postMessage(word),
    kill: () => void thread.terminate(),
  };
}
