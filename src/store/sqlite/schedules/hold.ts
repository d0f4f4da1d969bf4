/**
 * The hold: a store that is not the one that a scheduler knew fires nothing for a moment, so that
 * everybody can tell it first what is decided already.
 */
import type { Scope } from "../scope.js";

const HOLD_MS = 5_000;

/** Somebody who knew other data has come; the first of them to do so sets the hold. */
export function holdFor({ tx, space: id, now }: Scope, dataKey: string): void {
  const space = tx.space(id);
  if (space.hold_key === dataKey) return;
  tx.needWrite();
  space.hold_key = dataKey;
  space.hold_until = now + HOLD_MS;
  tx.saveSpace(space);
}

export function isHeld(scope: Scope): boolean {
  return holdEnd(scope) > scope.now;
}

/** Until when nothing fires, epoch ms; one further away is from before the clock went back. */
export function holdEnd({ tx, space: id, now }: Scope): number {
  const { hold_until: until } = tx.space(id);
  return until > now + HOLD_MS ? 0 : until;
}
