/**
 * Outages and clock jumps: while leases stand, whoever passes notes the time. A gap that the owner
 * of the shortest lease might not have survived, or a step back, gives every lease its whole length
 * again from then on.
 */
import type { Scope } from "./scope.js";

export interface Grace {
  from: number;
  /** When somebody has to note the time next; null: no lease stands. */
  noteAt: number | null;
}

export function noteTime({ state, now }: Scope): Grace {
  const shortest = shortestLength(state.leases.values());
  if (shortest === null) return { from: state.graceFrom, noteAt: null };
  const gap = now - state.notedAt;
  const isDoubtful = gap * 3 > shortest * 2 || gap < 0;
  if (isDoubtful) state.graceFrom = now;
  if (gap < 0) cutFarLeases({ state, now });
  if (isDoubtful || gap * 3 >= shortest) state.notedAt = now;
  return { from: state.graceFrom, noteAt: state.notedAt + Math.ceil(shortest / 3) };
}

/** Called before a lease is written, when the time has been noted for those that stand. */
export function noteLease({ state, now }: Scope, lengthMs: number): void {
  const shortest = shortestLength(state.leases.values());
  // from the first lease on silence means something
  if (shortest === null) state.graceFrom = 0;
  // what was no gap for the longer ones is none for this one
  else if (lengthMs >= shortest || (now - state.notedAt) * 3 < lengthMs) return;
  state.notedAt = now;
}

/** A clock that went back leaves lease ends too far away. */
function cutFarLeases({ state, now }: Pick<Scope, "state" | "now">): void {
  for (const lease of state.leases.values()) {
    lease.endsAt = Math.min(lease.endsAt, now + lease.lengthMs);
  }
}

function shortestLength(leases: Iterable<{ lengthMs: number }>): number | null {
  let shortest: number | null = null;
  for (const { lengthMs } of leases) shortest = Math.min(shortest ?? lengthMs, lengthMs);
  return shortest;
}
