/** Decides what is due of one schedule by the rule in force, so that another may replace it. */
import type { KeepRules } from "../core/keep.js";
import { decodeRule } from "../core/schedule.js";
import type { Store } from "../store/contract.js";
import { fireOf, planOf } from "./fire.js";

/** A plan decides a hundred; somebody else may be at it, too. */
const MOST_ROUNDS = 20;

export async function settleDue(
  store: Store,
  { scheduleId, keep }: { scheduleId: string; keep: KeepRules },
): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const due = await store.schedule({ scheduleId });
    if (due === null || due.nextAt === null || due.nextAt > due.now) return;
    const rule = decodeRule(due.definition);
    // Only those that have its function can tell which of its occurrences fire.
    if (rule.excludeCode !== undefined && due.paused === null) return;
    const plan = planOf(due, { rule, now: due.now, excludes: null });
    if (plan.nextAt === due.nextAt) return;
    const fires = [fireOf({ due, plan })];
    const [answer] = await store.fire({ taskId: due.taskId, fires, keep });
    // Refused: somebody else was faster, or nothing may fire now; asking again at once is no use.
    if (answer === null) return;
  }
}
