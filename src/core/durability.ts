/** What an answer of the store means: how much may go wrong afterwards without undoing it. */
import { SchedulerError } from "./errors.js";

/**
 * `store`: the store has it. `fsync`: its disk has it, too. `replicas`: and a replica has received
 * it. Each holds what the one before it does.
 */
export type Durability = "store" | "fsync" | "replicas";

export const DURABILITIES: readonly Durability[] = ["store", "fsync", "replicas"];

/** What all of them give. */
export function leastOf(some: readonly Durability[]): Durability {
  return DURABILITIES[Math.min(...some.map((one) => DURABILITIES.indexOf(one)))] ?? "store";
}

export function isLess(one: Durability, other: Durability): boolean {
  return DURABILITIES.indexOf(one) < DURABILITIES.indexOf(other);
}

interface InForce {
  durability?: Durability;
  description: string;
}

/** Refuses a store whose guarantee in force is less than what is required. */
export function requireDurability(required: Durability | null, store: InForce): void {
  if (required === null || !isLess(store.durability ?? "store", required)) return;
  throw tooLow(required, store, "requireDurability is");
}

/** `since`: why it is expected. */
export function tooLow(wanted: Durability, store: InForce, since: string): SchedulerError {
  const inForce = store.durability ?? "store";
  return new SchedulerError(
    "DURABILITY_TOO_LOW",
    `${since} "${wanted}", but "${inForce}" is in force. ${store.description}`,
    { fix: FIXES[wanted], value: inForce },
  );
}

const FIXES: Readonly<Record<Durability, string>> = {
  store: "leave requireDurability out",
  fsync: 'set durability: "fsync", on a file, or on a server (or its "appendfsync always")',
  replicas: 'set durability: "replicas", on a server of Redis or Valkey that has a replica',
};
