/** Seeds that failed once, and why: they are run before all others. */

export interface Past {
  seed: number;
  kind: "model" | "sqlite";
  /** What was wrong then. */
  why: string;
}

export const PAST: readonly Past[] = [];
