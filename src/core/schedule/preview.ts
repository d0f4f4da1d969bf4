/** The next occurrences of a rule, as its zone's clocks show them, clock changes marked. */
import { changeNear, localTime } from "../cron/local.js";
import type { ScheduleRule } from "./definition.js";
import { nextToFire } from "./timing.js";

/** One occurrence to come. */
export interface Previewed {
  /** Epoch ms. */
  at: number;
  /** What the clocks of the schedule's zone show then: `"2026-03-29 03:00:00"`. */
  local: string;
  /** Their offset: `"+02:00"`. */
  offset: string;
  /** Whether they are changed on that day, and which way; null: they are not. */
  clockChange: "forward" | "back" | null;
}

export function preview(
  rule: ScheduleRule,
  given: { from: number; count: number; excludes?: ((at: number) => boolean) | null },
): Previewed[] {
  const { from, count, excludes = null } = given;
  const found: Previewed[] = [];
  let after = from - 1;
  while (found.length < count) {
    const at = nextToFire(rule, after, excludes);
    if (at === null) break;
    const { text: local, offset } = localTime(rule.timezone, at);
    found.push({ at, local, offset, clockChange: changeNear(rule.timezone, at) });
    after = at;
  }
  return found;
}
