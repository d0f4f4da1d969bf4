/** Schedules that no live scheduler registers any more: paused, removed or kept, as they say. */
import type { Emitter } from "../core/events.js";
import type { ScheduleRule } from "../core/schedule.js";
import { showMs } from "../core/show.js";
import type { DueSchedule, Store } from "../store/contract.js";
import type { Presence } from "./presence.js";

export interface OrphanParts {
  store: Store;
  emitter: Emitter;
  presence: Pick<Presence, "canJudge">;
}

/** True: it is an orphan and does not fire; what is to be done about it has been done. */
export async function judgeOrphan(
  { store, emitter, presence }: OrphanParts,
  { due, rule, now }: { due: DueSchedule; rule: ScheduleRule; now: number },
): Promise<boolean> {
  const { scheduleId, taskId, revision, code, registeredUntil, paused } = due;
  if (!code || registeredUntil === null || rule.orphan === "keep") return false;
  if (paused?.orphaned === true || now - registeredUntil < rule.orphanAfterMs) return false;
  // Who was away, too, cannot know: after an outage those that live may not have come back yet.
  if (!presence.canJudge(now)) return false;
  const isDone =
    rule.orphan === "remove"
      ? (await store.remove({ scheduleId, revision })) === "removed"
      : (await pause(store, due, rule)) !== null;
  if (isDone) emitter.emit("schedule:orphaned", { scheduleId, taskId, action: rule.orphan });
  return true;
}

function pause(store: Store, due: DueSchedule, rule: ScheduleRule) {
  const { scheduleId, revision } = due;
  const reason = `no live scheduler has registered it for ${showMs(rule.orphanAfterMs)}`;
  return store.pause({ scheduleId, revision, pause: { until: null, reason, orphaned: true } });
}
