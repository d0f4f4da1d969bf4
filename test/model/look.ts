/** look: what there is to do for these tasks and schedules, or how long to sleep. */
import type { DueSchedule, Fireable, Look, LookArgs } from "../../src/store/contract.js";
import { firstAlone, turnFrom } from "./alone.js";
import { noteTime } from "./grace.js";
import { expiredLeases, nextExpiry } from "./leases.js";
import { noteRegistration } from "./schedules/registrants.js";
import { dueScheduleOf, holdEnd, wakeAtOf } from "./schedules/row.js";
import { jobsIn, type Scope, sortedBy } from "./scope.js";
import { fallAsleep, LEASE_CAUSE, type Moment } from "./sleep.js";
import type { Schedule } from "./state.js";

/** More due schedules than this are not handed to one scheduler at once. */
const MOST_DUE = 100;

export function look(scope: Scope, args: LookArgs): Look {
  const { state, now } = scope;
  const { from: graceFrom, noteAt } = noteTime(scope);
  if (args.registration !== null) noteRegistration(scope, args.registration);
  const tasks = lookAtTasks(scope, args.taskIds);
  const schedules = lookAtSchedules(scope, args.fireable);
  const expired = expiredLeases(scope, graceFrom);
  const answer: Look = {
    ...{ taskIds: tasks.withWork, schedules: schedules.due, complete: schedules.complete, expired },
    ...{ registrations: state.registrations, now, waitMs: 0, nextTaskId: null, repair: false },
  };
  if (answer.taskIds.length + answer.schedules.length + expired.length > 0) return answer;
  const moments = [...schedules.moments, ...tasks.moments];
  if (noteAt !== null) {
    moments.push({ cause: LEASE_CAUSE, at: nextExpiry(scope, { graceFrom, latest: noteAt }) });
  }
  return { ...answer, ...fallAsleep(scope, { ...args, moments }) };
}

function lookAtTasks(
  scope: Scope,
  taskIds: readonly string[],
): { withWork: string[]; moments: Moment[] } {
  const withWork: string[] = [];
  const moments: Moment[] = [];
  for (const taskId of taskIds) {
    const task = scope.state.tasks.get(taskId);
    if (task === undefined) continue;
    const hasCommon = jobsIn(task, "ready").some(({ alone }) => !alone);
    const at = Math.min(
      hasCommon ? 0 : Number.POSITIVE_INFINITY,
      firstAlone(task) === undefined ? Number.POSITIVE_INFINITY : turnFrom(scope),
      ...jobsIn(task, "scheduled").map(({ dueAt }) => dueAt ?? 0),
    );
    if (at <= scope.now) withWork.push(taskId);
    else if (at < Number.POSITIVE_INFINITY) moments.push({ cause: `task ${taskId}`, at, taskId });
  }
  return { withWork, moments };
}

function lookAtSchedules(
  scope: Scope,
  { taskIds, scheduleIds }: Fireable,
): { due: DueSchedule[]; moments: Moment[]; complete: boolean } {
  const { state, now } = scope;
  const heldUntil = holdEnd(scope);
  const all = [...state.schedules.values()].filter(({ local, taskId, id }) =>
    local ? scheduleIds.includes(id) : taskIds.includes(taskId),
  );
  const waking = all.flatMap((schedule) => {
    const at = wakeAtOf(schedule);
    return at === null ? [] : [{ schedule, at: Math.max(at, heldUntil) }];
  });
  const due = sortedBy(
    waking.filter(({ at }) => at <= now),
    ({ at }) => [at],
  );
  if (due.length === 0) {
    const moments = waking.map(({ schedule, at }) => ({ cause: causeOf(schedule), at }));
    return { due: [], moments, complete: heldUntil <= now };
  }
  const shown = due.slice(0, MOST_DUE).map(({ schedule }) => dueScheduleOf(scope, schedule));
  return { due: shown, moments: [], complete: due.length < MOST_DUE };
}

/** Who can fire one of a task's can fire them all. */
function causeOf({ local, id, taskId }: Schedule): string {
  return local ? `schedule ${id}` : `schedules ${taskId}`;
}
