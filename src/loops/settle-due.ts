/** Decides what is due of one schedule by the rule in force, so that another may replace it. */
import type { Emitter } from "../core/events.js";
import type { KeepRules } from "../core/keep.js";
import { decodeRule, jitterOf, type ScheduleRule } from "../core/schedule.js";
import type { ScheduleDetail, Store } from "../store/contract.js";
import { fireOf, planOf, unattendedPlanOf } from "./fire.js";
import { tellFired } from "./fired.js";

/** A plan decides a hundred; somebody else may be at it, too. */
const MOST_ROUNDS = 20;

export interface SettleDueParts {
  store: Store;
  emitter: Emitter;
  keep: KeepRules;
}

export async function settleDue(
  { store, emitter, keep }: SettleDueParts,
  scheduleId: string,
): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const due = await store.schedule({ scheduleId });
    if (due === null || due.nextAt === null || due.nextAt > due.now) return;
    const rule = decodeRule(due.definition);
    // Only those that have its function can tell which of its occurrences fire: here it is needed
    // for none, if all that is decided now lies in a pause.
    const pausedTo = rule.excludeCode === undefined ? due.now : lastPaused(due, rule);
    const needsFunction = pausedTo === null;
    if (needsFunction && isRegistered(due)) return;
    const at = { rule, now: pausedTo ?? due.now, excludes: null };
    const plan = needsFunction ? unattendedPlanOf(due, at) : planOf(due, at);
    if (plan.nextAt === due.nextAt) return;
    const fires = [fireOf({ due, plan })];
    const [answer] = await store.fire({ taskId: due.taskId, fires, keep });
    // Refused: somebody else was faster, or nothing may fire now; asking again at once is no use.
    if (answer === null || answer === undefined) return;
    tellFired(emitter, { due, plan, outcomes: answer.outcomes });
  }
}

/** Up to when what is due is skipped by its pause, epoch ms; null: it is not, or not any more. */
function lastPaused(
  { scheduleId, nextAt, paused, now }: ScheduleDetail,
  rule: ScheduleRule,
): number | null {
  if (paused === null || nextAt === null) return null;
  const until = paused.until ?? now + 1;
  const isPaused = nextAt + jitterOf(scheduleId, rule) < until;
  return isPaused ? Math.min(now, until - 1) : null;
}

/** Somebody alive has the function. */
function isRegistered({ code, registeredUntil, now }: ScheduleDetail): boolean {
  return code && registeredUntil !== null && registeredUntil > now;
}
