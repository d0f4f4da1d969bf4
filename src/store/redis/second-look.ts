/**
 * Patience with whoever does not answer: when the event loop was blocked, the time is over and the
 * answer is there, but unread.
 */
import type { Clock, Timer } from "../../clock.js";

/** What is there unread gets this long to be seen. */
export const SECOND_LOOK_MS = 100;

/** Calls `run` after `ms` and a second look, unless it is cancelled. Keeps no process alive. */
export function afterSecondLook(clock: Clock, ms: number, run: () => void): Timer {
  const options = { keepAlive: false };
  let timer = clock.after(
    ms,
    () => {
      timer = clock.after(SECOND_LOOK_MS, run, options);
    },
    options,
  );
  return { cancel: () => timer.cancel() };
}
