/** A handler that does what the job's data say, another thing on each attempt, and notes it. */
import { setTimeout as pause } from "node:timers/promises";
import { note } from "./journal.mjs";

/**
 * What one attempt does: a number is a time to work in ms, whatever the signal says.
 * - `note`: nothing but its lines in the journal
 * - `fail`: returns false
 * - `kill`: ends its own process by SIGKILL
 * - `hang`: waits for its signal to be aborted, then returns as if all were well
 * @typedef {number | "note" | "fail" | "kill" | "hang"} Deed
 */

/**
 * @typedef {object} Orders
 * @property {string} [name] for the journal
 * @property {Deed[]} [plan] one for each attempt; the last is for all that follow
 */

/** @param {string} journal */
export function handlerFor(journal) {
  /**
   * @param {unknown} data
   * @param {import("schedule-mq").HandlerContext} context
   */
  return async (data, context) => {
    const { name, plan = [] } = /** @type {Orders} */ (data ?? {});
    const called = name === undefined ? {} : { name };
    const { signal } = context;
    const deed = plan[Math.min(context.attempt, plan.length) - 1] ?? "note";
    const aborted = () => {
      note(journal, "abort", context, { ...called, reason: signal.reason?.code ?? "none" });
    };
    signal.addEventListener("abort", aborted);
    note(journal, "start", context, called);
    if (deed === "kill") process.kill(process.pid, "SIGKILL");
    if (deed === "hang") await abortOf(signal);
    if (typeof deed === "number") await pause(deed);
    signal.removeEventListener("abort", aborted);
    note(journal, "end", context, called);
    return deed === "fail" ? false : `by ${process.pid}`;
  };
}

/** @param {AbortSignal} signal */
function abortOf(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", resolve, { once: true });
  });
}
