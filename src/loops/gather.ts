/**
 * Settles gather while enough jobs stand ready: a call has a fixed price, and calls of a few
 * settles each would cost the store most of its time.
 */

/** Calls are at least so far apart, unless they carry many settles, ms. */
const GATHER_MS = 2;
const MANY_SETTLES = 100;

/** How long to wait for more, ms, that long after the last call. */
export function gatheringMs(settles: number, sinceCallMs: number): number {
  if (settles === 0 || settles >= MANY_SETTLES) return 0;
  return Math.max(0, GATHER_MS - sinceCallMs);
}
