/**
 * Settles gather while enough jobs stand ready: a call has a fixed price, and calls of a few
 * settles each would cost the store most of its time.
 */

/**
 * Calls are at least so far apart, unless they carry many settles, ms. With handlers of a few ms,
 * 4 instead of 2 makes a fifth less work for the store, and 5 another tenth; what has ended is told
 * that much later.
 */
export const GATHER_MS = 5;
const MANY_SETTLES = 100;

/** How long to wait for more, ms, that long after the last call. */
export function gatheringMs(settles: number, sinceCallMs: number): number {
  if (settles === 0 || settles >= MANY_SETTLES) return 0;
  return Math.max(0, GATHER_MS - sinceCallMs);
}
