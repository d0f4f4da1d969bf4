/**
 * Overlap policies: what becomes of an occurrence while an earlier job of its schedule has not
 * ended, waiting and retries included. Pure; the Redis store says the same in Lua.
 */

/**
 * - `allow`: it fires
 * - `skip`: it does not
 * - `bufferOne`: the first one fires when the earlier job has ended, others do not
 * - `bufferAll`: they fire one after the other, at most 1,000 wait
 * - `cancelOther`: the earlier job is cancelled, and this one fires when that has ended
 */
export type Overlap = "allow" | "skip" | "bufferOne" | "bufferAll" | "cancelOther";

export const OVERLAPS: readonly Overlap[] = [
  "allow",
  "skip",
  "bufferOne",
  "bufferAll",
  "cancelOther",
];

/** So many occurrences of a schedule wait; those that come then are skipped. */
export const MOST_BUFFERED = 1_000;

/**
 * What to do with an occurrence:
 * - `fire` now; `buffer` it behind those that wait; `skip` it
 * - `replace`: cancel the open jobs, drop what waits, and fire as soon as nothing runs
 */
export type OverlapStep =
  | { kind: "fire" }
  | { kind: "buffer" }
  | { kind: "skip"; reason: "overlap" | "full" }
  | { kind: "replace" };

/** `open`: jobs of the schedule that have not ended; `buffered`: occurrences that wait. */
export function overlapStep(
  overlap: Overlap,
  { open, buffered }: { open: number; buffered: number },
): OverlapStep {
  if (overlap === "allow" || (open === 0 && buffered === 0)) return { kind: "fire" };
  if (overlap === "skip") return { kind: "skip", reason: "overlap" };
  if (overlap === "cancelOther") return { kind: "replace" };
  if (overlap === "bufferOne" && buffered > 0) return { kind: "skip", reason: "overlap" };
  return buffered < MOST_BUFFERED ? { kind: "buffer" } : { kind: "skip", reason: "full" };
}

/** True: the store remembers the open jobs of such a schedule. */
export function isTracked(overlap: Overlap): boolean {
  return overlap !== "allow";
}
