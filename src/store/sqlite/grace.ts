/**
 * Outages and clock jumps: while leases stand, whoever passes notes the time. A gap that the owner
 * of the shortest lease might not have survived, or a step back, means that the owners could not
 * renew either: from then on every lease has its own whole length again before it can be reaped.
 */
import type { Scope } from "./scope.js";

export interface Grace {
  /** From when on every lease has its whole length again, epoch ms; 0: nobody was away. */
  from: number;
  /** When somebody has to note the time next, epoch ms; null: no lease stands. */
  noteAt: number | null;
}

/** So many leases are cut in one step; the rest follows in the next. */
const PIECE = 1_000;

/** Notes the time if it is due; nothing is written where no lease stands. */
export function noteTime(scope: Scope): Grace {
  const { tx, now } = scope;
  const space = tx.space(scope.space);
  const shortest = shortestLength(scope);
  if (shortest === null) return { from: space.grace_from, noteAt: null };
  const gap = now - space.noted_at;
  const isDoubtful = gap * 3 > shortest * 2 || gap < 0;
  if (isDoubtful || gap * 3 >= shortest) {
    tx.needWrite();
    if (isDoubtful) space.grace_from = now;
    // while the note lies ahead, the next to pass goes on with the cutting
    if (gap >= 0 || !cutFarLeases(scope)) space.noted_at = now;
    tx.saveSpace(space);
  }
  const noteAt = Math.min(space.noted_at, now) + Math.ceil(shortest / 3);
  return { from: space.grace_from, noteAt };
}

/** Called before a lease is written, when the time has been noted for those that stand. */
export function noteLease(scope: Scope, lengthMs: number): void {
  const { tx, now } = scope;
  const space = tx.space(scope.space);
  const shortest = shortestLength(scope);
  // from the first lease on silence means something
  if (shortest === null) space.grace_from = 0;
  // what was no gap for the longer ones is none for this one
  else if (lengthMs >= shortest || (now - space.noted_at) * 3 < lengthMs) return;
  space.noted_at = now;
  tx.saveSpace(space);
}

/** A clock that went back leaves lease ends too far away. True: there may be more of them. */
function cutFarLeases({ tx, space, now }: Scope): boolean {
  const cut = tx.run(
    `UPDATE lease SET ends_at = ? + length_ms WHERE fence IN (
       SELECT fence FROM lease INDEXED BY lease_end
       WHERE space = ? AND ends_at > ? AND ends_at - length_ms > ? LIMIT ?)`,
    ...[now, space, now, now, PIECE],
  );
  return cut === PIECE;
}

function shortestLength({ tx, space }: Scope): number | null {
  const sql = "SELECT min(length_ms) AS ms FROM lease WHERE space = ?";
  return tx.get<{ ms: number | null }>(sql, space)?.ms ?? null;
}
