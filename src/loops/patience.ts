/**
 * How long a store may take to answer before a task's places in other shards wait no longer for
 * what was asked for there: see `share.ts`. One that does not answer holds slots that others need.
 */
import type { Clock } from "../clock.js";
import type { Slots } from "./slots.js";

/** Much longer than a call takes, ms. */
const LATE_MS = 250;

/** The answer itself; meanwhile the slots are told. */
export function patiently<T>(
  call: Promise<T>,
  { clock, slots }: { clock: Clock; slots: Slots },
): Promise<T> {
  if (!slots.isShared) return call;
  const timer = clock.after(LATE_MS, () => slots.late(true));
  const answered = (isLate: boolean): void => {
    timer.cancel();
    slots.late(isLate);
  };
  call.then(
    () => answered(false),
    () => answered(true),
  );
  return call;
}
