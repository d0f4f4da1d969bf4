/** Waiting with a bound. */
import type { Clock } from "../clock.js";

/** True when `work` ends within `ms`, however it ends; false when it is still under way then. */
export function endsWithin(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => resolve(false));
    const ended = (): void => {
      timer.cancel();
      resolve(true);
    };
    work.then(ended, ended);
  });
}
