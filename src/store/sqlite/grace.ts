/**
 * Outages and clock jumps: while leases stand, whoever passes notes the time. A gap longer than the
 * longest lease, or a step back, means that the owners could not renew either; nothing is reaped
 * until they had one such lease of time to come back.
 */
import type { Scope } from "./scope.js";

interface Lengths {
  shortest: number | null;
  longest: number | null;
}

/** Notes the time if it is due; until when nothing may be reaped (epoch ms). */
export function noteTime(scope: Scope): number {
  const { tx, now } = scope;
  const space = tx.space(scope.space);
  const { shortest, longest } = standingLengths(scope);
  if (shortest === null || longest === null) return space.grace_until;
  const gap = now - space.noted_at;
  if (gap > longest || gap < 0) {
    tx.needWrite();
    space.noted_at = now;
    space.grace_until = now + longest;
    tx.saveSpace(space);
    tx.run(
      "UPDATE lease SET ends_at = ? WHERE space = ? AND ends_at > ?",
      ...[now + longest, scope.space, now + longest],
    );
  } else if (gap * 3 >= shortest) {
    tx.needWrite();
    space.noted_at = now;
    tx.saveSpace(space);
  }
  return space.grace_until;
}

/** The first lease after none: from here on silence means something. */
export function noteFirstLease(scope: Scope): void {
  if (standingLengths(scope).longest !== null) return;
  const space = scope.tx.space(scope.space);
  space.noted_at = scope.now;
  space.grace_until = 0;
  scope.tx.saveSpace(space);
}

function standingLengths({ tx, space }: Scope): Lengths {
  const row = tx.get<Lengths>(
    `SELECT (SELECT min(length_ms) FROM lease WHERE space = ?) AS shortest,
            (SELECT max(length_ms) FROM lease WHERE space = ?) AS longest`,
    ...[space, space],
  );
  return row ?? { shortest: null, longest: null };
}
