/** Seeds that failed once, and why: they are run before all others. */

export interface Past {
  seed: number;
  kind: "model" | "sqlite";
  /** What was wrong then. */
  why: string;
}

export const PAST: readonly Past[] = [
  { seed: 776, kind: "model", why: "waited for the answer to a push whose process had died" },
  { seed: 921, kind: "model", why: "called an owner undisturbed that waited for a late answer" },
  { seed: 1571, kind: "model", why: "a new version began while all were to stop" },
  { seed: 148, kind: "sqlite", why: "fired what was filled in, after the clock had gone back" },
  { seed: 2313, kind: "model", why: "nobody started a program again whose start was refused" },
];
