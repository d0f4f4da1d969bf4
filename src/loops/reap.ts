/** Takes back the jobs of leases that ran out, whoever held them and whatever their task. */
import type { Chance } from "../chance.js";
import type { Emitter } from "../core/events.js";
import type { KeepRules, LeaseRef, Store } from "../store/contract.js";
import { tellReaped } from "./settled.js";

export interface ReapParts {
  store: Store;
  chance: Chance;
  emitter: Emitter;
  keep: KeepRules;
  /** A job of this task is ready again. */
  offer: (taskId: string) => void;
}

export async function reapStep(parts: ReapParts, leases: readonly LeaseRef[]): Promise<void> {
  if (leases.length === 0) return;
  const { store, chance, emitter, keep, offer } = parts;
  const reaped = await store.reap({ leases, random: chance.random(), keep });
  for (const job of reaped) {
    tellReaped(emitter, job);
    if (job.state === "ready") offer(job.taskId);
  }
}
