/** How long the event loop of this process was blocked at a time, while something was going on. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";

/** The monitor is a timer of so many ms; what it measures includes them. */
const STEP_MS = 1;

/** @typedef {{ p999Ms: number, worstMs: number }} Blocked */

/**
 * Starts to watch; returns the way to end it and to learn of it.
 * @returns {() => Promise<Blocked>}
 */
export function watchLoop() {
  const histogram = monitorEventLoopDelay({ resolution: STEP_MS });
  histogram.enable();
  return async () => {
    // A block that lasts until now is noted by the timer that comes after it.
    await wait(2 * STEP_MS);
    histogram.disable();
    /** @param {number} ns */
    const beyond = (ns) => Math.max(0, ns / 1e6 - STEP_MS);
    return { p999Ms: beyond(histogram.percentile(99.9)), worstMs: beyond(histogram.max) };
  };
}
