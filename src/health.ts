/** What `scheduler.health()` says: restart the process? count on it? and why not. */
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
}

export function healthOf(facts: HealthFacts): Health {
  const { state, store, running, begun, stalled } = facts;
  const reasons: string[] = [];
  if (state === "idle") reasons.push("the scheduler has not been started");
  else if (state === "stopping") reasons.push("the scheduler is stopping");
  else if (!begun) reasons.push("the store has not been reached since the start");
  else if (!store.connected) reasons.push("the store cannot be reached");
  const ready = reasons.length === 0 && !stalled;
  if (stalled) reasons.push("a loop has not come back from its step");
  return { live: !stalled, ready, reasons, state, store, running };
}
