/**
 * Which sets of definitions are registered by somebody alive, and until when. After an outage or a
 * clock jump none counts as lapsed for one lease, since its schedulers could not look either.
 */
import type { Registration } from "../../../src/store/contract.js";
import { type Scope, sortedBy } from "../scope.js";

/** A set is remembered this long after its end, so that it is known who was there last. */
const REMEMBERED_MS = 31 * 86_400_000;
const MOST_SETS = 200;

/** When its registration ends or ended; null: it is not known. */
export function endOf({ state }: Scope, set: string): number | null {
  return state.sets.get(set) ?? null;
}

export function isLive(scope: Scope, set: string): boolean {
  const { state, now } = scope;
  const end = endOf(scope, set);
  return end !== null && (end > now || now < state.setsGraceUntil);
}

/** A look by a scheduler that has registered schedules: it is alive; who else is, may show. */
export function noteRegistration(scope: Scope, registration: Registration): void {
  noteTimeOfSets(scope, registration.leaseMs);
  renewSet(scope, registration);
  judgeLapsed(scope);
}

/** Makes the registration last when it is missing, over, or a third is gone. */
export function renewSet(scope: Scope, { set, leaseMs }: Registration): void {
  const { state, now } = scope;
  const end = endOf(scope, set);
  if (end !== null && (end - now) * 3 >= leaseMs * 2) return;
  const wasLive = isLive(scope, set);
  state.sets.set(set, Math.max(end ?? 0, now + leaseMs));
  if (end === null) forgetOldSets(scope);
  if (!wasLive) state.registrations += 1;
}

function forgetOldSets({ state, now }: Scope): void {
  const kept = sortedBy(state.sets, ([, end]) => [-end])
    .filter(([, end]) => end >= now - REMEMBERED_MS)
    .slice(0, MOST_SETS);
  state.sets = new Map(kept);
}

/** A gap in which registrations may have run out, or a step back, is graced. */
export function noteTimeOfSets({ state, now }: Scope, leaseMs: number): void {
  const gap = now - state.setsNotedAt;
  const isFirst = state.setsNotedAt === 0;
  if (!isFirst && gap >= 0 && gap * 6 < leaseMs) return;
  if (!isFirst && gap < 0) {
    state.setsGraceUntil = now + leaseMs;
    state.setsJudgedAt = Math.min(state.setsJudgedAt, now);
    for (const [set, end] of state.sets) state.sets.set(set, Math.min(end, now + leaseMs));
  } else if (!isFirst && gap * 3 > leaseMs * 2) {
    state.setsGraceUntil = Math.max(state.setsGraceUntil, now + leaseMs);
  }
  state.setsNotedAt = now;
}

/** Tells, once for each time, that registrations have run out. */
function judgeLapsed({ state, now }: Scope): void {
  if (now < state.setsGraceUntil) return;
  const ends = [...state.sets.values()];
  if (!ends.some((end) => end > state.setsJudgedAt && end <= now)) return;
  state.setsJudgedAt = now;
  state.registrations += 1;
}
