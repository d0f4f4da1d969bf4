/** The ends of attempts, and how long what has ended is kept, in random sequences. */
import type { KeepRules } from "../../src/core/keep.js";
import type { SettleOutcome } from "../../src/store/contract.js";
import { DAY_MS, KEEP_NOTHING } from "../contract/words.js";

const OUTCOMES = {
  completed: { kind: "completed", result: '"done"' },
  retry: { kind: "retry", waitMs: 7_000, error: "not yet", cause: "failed" },
  again: { kind: "retry", waitMs: 0, error: "at once", cause: "failed" },
  invalid: { kind: "retry", waitMs: 1_000, error: "refused", cause: "invalid" },
  dead: { kind: "dead", reason: "failed", error: "no luck" },
  interrupted: { kind: "dead", reason: "interrupted", error: null },
  rejected: { kind: "dead", reason: "rejected", error: "never" },
  handBack: { kind: "handBack" },
} as const satisfies Record<string, SettleOutcome>;

export function outcomeOf(name: keyof typeof OUTCOMES): SettleOutcome {
  return OUTCOMES[name];
}

/** A job that is tried again at once, however often its process dies. */
export const KILLER = {
  id: null,
  due: null,
  isAt: false,
  rules: {
    priority: 0,
    timeoutMs: null,
    retry: { attempts: 0, waitMs: 0, backoff: "fixed" },
  },
} as const;

const SOON_MS = 100_000;

/** So few that bounds are met; as usual; nothing at all. */
export const KEEPS: readonly KeepRules[] = [
  {
    ...{ idMs: SOON_MS, idCount: 2 },
    completed: { ageMs: SOON_MS, count: 2 },
    dead: { ageMs: SOON_MS, count: 2 },
    cancelled: { ageMs: SOON_MS, count: 1 },
  },
  {
    ...{ idMs: SOON_MS, idCount: 1_000 },
    completed: { ageMs: 0, count: 0 },
    dead: { ageMs: 7 * DAY_MS, count: 1_000 },
    cancelled: { ageMs: 7 * DAY_MS, count: 1_000 },
  },
  KEEP_NOTHING,
];
