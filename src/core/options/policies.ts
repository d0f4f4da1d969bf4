/** Checks what a schedule does about lateness, overlap and orphans, and how far it goes. */
import { LONGEST_DURATION_MS } from "../duration.js";
import { OVERLAPS, type ScheduleRule } from "../schedule.js";
import type { RegisterContext } from "./context.js";
import { durationOption, wholeOption, wordOption } from "./read.js";
import { DEFAULT_MISFIRE_AFTER_MS } from "./scheduler.js";

const LONGEST_JITTER_MS = 86_400_000;
const MOST_OCCURRENCES = 1_000_000_000;
const DEFAULT_ORPHAN_AFTER_MS = 86_400_000;
const SHORTEST_ORPHAN_AFTER_MS = 60_000;
const SHORTEST_MISFIRE_AFTER_MS = 1_000;
const DEFAULT_CATCHUP_WINDOW_MS = 300_000;
const DEFAULT_MAX_CATCHUP = 100;
const MOST_CATCHUP = 10_000;
/** The stores remember for a little longer who was there. */
const LONGEST_ORPHAN_AFTER_MS = 30 * 86_400_000;

export function checkBounds(
  given: Record<string, unknown>,
  where: string,
): Pick<ScheduleRule, "limit" | "jitterMs"> {
  const bounds: Pick<ScheduleRule, "limit" | "jitterMs"> = {};
  if (given.limit !== undefined) {
    const most = { fallback: 1, min: 1, max: MOST_OCCURRENCES };
    bounds.limit = wholeOption(given.limit, { where, name: "limit", ...most });
  }
  if (given.jitter !== undefined) {
    const most = { fallback: 0, min: 0, max: LONGEST_JITTER_MS };
    const jitterMs = durationOption(given.jitter, { where, name: "jitter", ...most });
    if (jitterMs > 0) bounds.jitterMs = jitterMs;
  }
  return bounds;
}

export function checkPolicies(
  given: Record<string, unknown>,
  where: string,
): Pick<ScheduleRule, "overlap" | "orphan" | "orphanAfterMs"> {
  return {
    overlap: wordOption(given.overlap, {
      where,
      name: "overlap",
      fallback: "allow",
      words: OVERLAPS,
    }),
    orphan: wordOption(given.orphan, {
      where,
      name: "orphan",
      fallback: "pause",
      words: ["pause", "remove", "keep"],
    }),
    orphanAfterMs: durationOption(given.orphanAfter, {
      where,
      name: "orphanAfter",
      fallback: DEFAULT_ORPHAN_AFTER_MS,
      min: SHORTEST_ORPHAN_AFTER_MS,
      max: LONGEST_ORPHAN_AFTER_MS,
    }),
  };
}

export function checkMisfire(
  given: Record<string, unknown>,
  where: string,
  context: RegisterContext,
): Pick<ScheduleRule, "misfire" | "misfireAfterMs" | "catchupWindowMs" | "maxCatchup"> {
  const bounds = { where, min: 0, max: LONGEST_DURATION_MS };
  return {
    misfire: wordOption(given.misfire, {
      where,
      name: "misfire",
      fallback: "once",
      words: ["skip", "once", "all"],
    }),
    misfireAfterMs: durationOption(given.misfireAfter, {
      ...bounds,
      // With less, no scheduler could be on time, and nothing would ever fire as planned.
      min: SHORTEST_MISFIRE_AFTER_MS,
      name: "misfireAfter",
      fallback: context.misfireAfterMs ?? DEFAULT_MISFIRE_AFTER_MS,
    }),
    catchupWindowMs: durationOption(given.catchupWindow, {
      ...bounds,
      name: "catchupWindow",
      fallback: DEFAULT_CATCHUP_WINDOW_MS,
    }),
    maxCatchup: wholeOption(given.maxCatchup, {
      where,
      name: "maxCatchup",
      fallback: DEFAULT_MAX_CATCHUP,
      min: 1,
      max: MOST_CATCHUP,
    }),
  };
}
