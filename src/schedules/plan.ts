/** Compares what a program registers with what the store has. */
import type { CheckedRegister } from "../core/options.js";
import { decodeRule, preview, type ScheduleRule } from "../core/schedule.js";
import { digestOfDefinition } from "../loops/registrations.js";
import type { ScheduleView, Store } from "../store/contract.js";
import type { PlannedSchedule, SchedulePlan } from "../types.js";

const PREVIEWED = 5;
const MOST_PER_PAGE = 500;

export async function planSchedules(
  store: Store,
  registered: Iterable<CheckedRegister>,
): Promise<SchedulePlan> {
  const plan: SchedulePlan = { added: [], changed: [], orphaned: [], unchanged: [] };
  const own = new Map([...registered].map((each) => [each.scheduleId, each]));
  const { stored, now } = await allOf(store);
  const next = (rule: ScheduleRule, excludes: CheckedRegister["excludes"] = null) =>
    preview(rule, { from: now, count: PREVIEWED, excludes });
  const planned = ({ scheduleId, taskId, definition, excludes }: CheckedRegister) =>
    ({ scheduleId, taskId, next: next(definition, excludes) }) satisfies PlannedSchedule;
  for (const [scheduleId, checked] of own) {
    const there = stored.get(scheduleId);
    if (there === undefined) plan.added.push(planned(checked));
    else if (there.code && there.digest === digestOfDefinition(checked)) {
      plan.unchanged.push(scheduleId);
    } else {
      plan.changed.push({ ...planned(checked), before: next(decodeRule(there.definition)) });
    }
  }
  for (const { scheduleId, taskId, code, definition, registeredUntil } of stored.values()) {
    if (!code || own.has(scheduleId)) continue;
    const live = (registeredUntil ?? 0) > now;
    plan.orphaned.push({ scheduleId, taskId, next: next(decodeRule(definition)), live });
  }
  return plan;
}

async function allOf(store: Store): Promise<{ stored: Map<string, ScheduleView>; now: number }> {
  const stored = new Map<string, ScheduleView>();
  let cursor: string | null = null;
  for (;;) {
    const page = await store.schedules({ taskId: null, cursor, limit: MOST_PER_PAGE });
    for (const view of page.schedules) stored.set(view.scheduleId, view);
    if (page.cursor === null) return { stored, now: page.now };
    cursor = page.cursor;
  }
}
