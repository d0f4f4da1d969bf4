/** The history of one process, in a file of its own: one line each, on the clock of all of them. */
import { appendFileSync } from "node:fs";

/**
 * Ms on a clock that never jumps and that all processes of a machine share: what CLOCK_MONOTONIC
 * says. (`performance.now()` counts from the start of each process.)
 */
export function now() {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

const TICK_MS = 50;
/** A machine that does other things makes everybody wait a little. */
const LAG_MS = 200;

/**
 * Notes when this process did not get to run, whatever the reason: nothing that it did late
 * meanwhile says anything about the library.
 * @param {(what: string, more?: object) => void} note
 * @returns {() => void} ends it
 */
export function noteLags(note) {
  let last = now();
  const tick = () => {
    const at = now();
    if (at - last > TICK_MS + LAG_MS) note("lag", { from: last, to: at });
    last = at;
  };
  const timer = setInterval(tick, TICK_MS).unref();
  return () => clearInterval(timer);
}

/**
 * @param {string} file
 * @param {string} by the process, as the controller calls it
 * @returns {(what: string, more?: object) => void} writes one line
 */
export function historyOf(file, by) {
  // Gone to the system when it returns, so that a kill right after it loses nothing.
  return (what, more) => {
    appendFileSync(file, `${JSON.stringify({ t: now(), by, what, ...more })}\n`);
  };
}
