/**
 * `scheduler.doctor()`: is everything as it should be? It only reads, and never rejects: a store
 * that cannot be reached is a finding, too.
 */
import { type Finding, unexamined } from "./core/finding.js";
import type { Store } from "./store/contract.js";
import type { DoctorReport } from "./types.js";

export interface DoctorParts {
  store: Store;
  /** Bound here, by a scheduler that runs. */
  boundTaskIds: () => readonly string[];
}

export function createDoctor({ store, boundTaskIds }: DoctorParts): () => Promise<DoctorReport> {
  return async () => {
    let findings: Finding[];
    try {
      findings = await store.examine({ boundTaskIds: boundTaskIds() });
    } catch (error) {
      findings = [unexamined("the store", error)];
    }
    return { ok: findings.every(({ level }) => level !== "error"), findings };
  };
}
