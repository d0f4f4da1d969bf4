/** What `scheduler.health()` says: restart the process? count on it? and why not. */
import { SchedulerError } from "./core/errors.js";
import type { StoreHealth } from "./store/contract.js";
import type { Health, SchedulerState } from "./types.js";

export interface HealthFacts {
  state: SchedulerState;
  store: StoreHealth;
  /** Handlers that run now. */
  running: number;
  /** True when the store was reached since the start, and the loops run. */
  begun: boolean;
  /** True when a loop does not come back. */
  stalled: boolean;
  /** Why what the store guaranteed is not in force; null: it is. */
  lapse: string | null;
  /** What a loop fails with again and again; null: none does. */
  failsWith: unknown;
}

export function healthOf(facts: HealthFacts): Health {
  const { state, store, running, begun, stalled, lapse, failsWith } = facts;
  const reasons: string[] = [];
  const { away = [] } = store;
  // What waits for a store that is away comes back with it.
  const isStalled = stalled && store.connected;
  if (state === "idle") reasons.push("the scheduler has not been started");
  else if (state === "stopping") reasons.push("the scheduler is stopping");
  else if (!begun) reasons.push("the store has not been reached since the start");
  else if (!store.connected && away.length === 0) reasons.push("the store cannot be reached");
  // An instance that is not ready gets no work at all, and all of them see the same.
  const ready = reasons.length === 0 && !isStalled;
  for (const part of away) reasons.push(`${part} cannot be reached: what lives there waits`);
  if (lapse !== null) reasons.push(lapse);
  // One task's data may be the reason, so it is no less ready for the others.
  if (failsWith !== null && store.connected) reasons.push(`a loop fails: ${textOf(failsWith)}`);
  if (isStalled) reasons.push("a loop has not come back from its step");
  return { live: !isStalled, ready, reasons, state, store, running };
}

/** Of errors that are not ours it is not known what is in them. */
function textOf(error: unknown): string {
  if (error instanceof SchedulerError) return error.message;
  return error instanceof Error ? error.name : typeof error;
}
