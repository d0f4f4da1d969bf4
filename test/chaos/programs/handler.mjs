/** What handlers do in a fault run: as the job's data say, noted before and after. */
import { setTimeout as pause } from "node:timers/promises";

/**
 * What one attempt does:
 * - a number: works for so many ms, whatever the signal says
 * - `fail`: returns false
 * - `kill`: its process dies in the handler
 * - `killAfter`: its process dies when the handler has ended and the store has not heard of it
 * - `block`: the event loop stands still for as long as the job's `blockMs`
 * @typedef {number | "fail" | "kill" | "killAfter" | "block"} Deed
 */

/**
 * @typedef {object} Orders
 * @property {string} [name]
 * @property {Deed[]} [plan] one for each attempt; the last is for all that follow
 * @property {number} [blockMs]
 * @property {boolean} [tells] how far it is
 */

const die = () => process.kill(process.pid, "SIGKILL");

/** @param {number} ms */
function block(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Between the end of a handler and its settle are some turns of microtasks, or of the loop. */
function dieSoon() {
  const chance = Math.random();
  if (chance < 0.4) queueMicrotask(die);
  else if (chance < 0.7) setImmediate(die);
  else setTimeout(die, 1);
}

/** @param {(what: string, more?: object) => void} note */
export function handlerFor(note) {
  /**
   * @param {unknown} data
   * @param {import("schedule-mq").HandlerContext} context
   */
  return async (data, context) => {
    const { name, plan = [20], blockMs = 0, tells } = /** @type {Orders} */ (data ?? {});
    const { jobId, taskId, attempt, fence, scheduleId, scheduledFor, signal } = context;
    const ids = { name, jobId, taskId, attempt, fence, scheduleId, scheduledFor };
    const aborted = () => note("abort", { ...ids, reason: signal.reason?.code ?? "none" });
    signal.addEventListener("abort", aborted);
    note("start", ids);
    if (tells) context.progress({ attempt });
    const deed = plan[Math.min(attempt, plan.length) - 1] ?? 0;
    if (deed === "kill") die();
    if (deed === "block") block(blockMs);
    if (typeof deed === "number" && deed > 0) await pause(deed);
    signal.removeEventListener("abort", aborted);
    const ok = deed !== "fail";
    note("end", { ...ids, ok });
    if (deed === "killAfter") dieSoon();
    return ok;
  };
}
