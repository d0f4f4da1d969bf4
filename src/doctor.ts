/**
 * `scheduler.doctor()`: is everything as it should be? It only reads, and never rejects: a store
 * that cannot be reached is a finding, too.
 */
import { describeError, SchedulerError } from "./core/errors.js";
import { type Finding, finding } from "./core/finding.js";
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
      findings = [failed(error)];
    }
    return { ok: findings.every(({ level }) => level !== "error"), findings };
  };
}

/** The error's own words; these never hold a secret. */
function failed(error: unknown): Finding {
  const { code, fix } = error instanceof SchedulerError ? error : { code: null, fix: undefined };
  const meaning = `the store cannot be examined: ${describeError(error, 500)}`;
  const details = { fix: fix ?? "see the message", ...(code === null ? {} : { value: code }) };
  return finding("STORE_REACHABLE", "error", meaning, details);
}
