/**
 * Who sleeps until when, and who is woken. A push wakes one; a due moment is waited for by two; all
 * others look at every poll only.
 */
import type { Look, LookArgs, Wake } from "../../src/store/contract.js";
import { type Notice, type ScheduleNotice, type Scope, sortedBy } from "./scope.js";
import type { Sleeper } from "./state.js";

/** An instant at which something will be there to do. */
export interface Moment {
  cause: string;
  at: number;
  /** The task of which a job is due then. */
  taskId?: string;
}

/** Who wakes to note the time or to reap: for a lease, and not for the work of any task. */
export const LEASE_CAUSE = "lease";

const WAITERS_PER_MOMENT = 2;
const POLLS_PER_NOTE = 5;

/** Remembers that this scheduler sleeps now; for how long and what for. */
export function fallAsleep(
  scope: Scope,
  { taskIds, fireable, sleepMs, moments }: LookArgs & { moments: Moment[] },
): Pick<Look, "waitMs" | "nextTaskId"> {
  const { state, identity, now } = scope;
  const pollMs = Math.max(1, Math.floor(sleepMs));
  const moment = chooseMoment(scope, moments, now + pollMs);
  state.sleepers.set(identity, {
    ...{ identity, taskIds: [...taskIds], pollMs, validUntil: now + POLLS_PER_NOTE * pollMs },
    ...{ fires: [...fireable.taskIds], firesLocal: [...fireable.scheduleIds] },
    ...{ cause: moment?.cause ?? null, wakeAt: moment?.at ?? null },
  });
  const waitMs = moment === null ? pollMs : Math.max(0, moment.at - now);
  return { waitMs, nextTaskId: moment?.taskId ?? null };
}

/** The first moment for which not enough others wait already. */
function chooseMoment(scope: Scope, moments: Moment[], latest: number): Moment | null {
  const { identity, now } = scope;
  for (const moment of sortedBy(moments, ({ at }) => [at])) {
    if (moment.at >= latest) return null;
    const others = believed(scope).filter(
      (each) =>
        each.identity !== identity &&
        each.cause === moment.cause &&
        each.wakeAt !== null &&
        each.wakeAt >= now &&
        each.wakeAt <= moment.at,
    );
    if (others.length < WAITERS_PER_MOMENT) return moment;
  }
  return null;
}

/** At the end of a step: names those who have to hear of what appeared in it. */
export function wakeSleepers(scope: Scope): void {
  for (const notice of scope.notices) wakeForTask(scope, notice);
  for (const notice of scope.scheduleNotices) wakeForSchedule(scope, notice);
}

function wakeForTask(scope: Scope, { taskId, dueAt }: Notice): void {
  const hears = (sleeper: Sleeper) => sleeper.taskIds.includes(taskId);
  if (dueAt <= scope.now || !isExpected(scope, hears, dueAt)) {
    wakeOne(scope, hears, { kind: "task", taskId });
  }
}

/** A schedule has a nearer moment than those who can fire it know: one of them looks. */
function wakeForSchedule(scope: Scope, { taskId, scheduleId, wakeAt }: ScheduleNotice): void {
  const hears = ({ fires, firesLocal }: Sleeper) =>
    scheduleId === null ? fires.includes(taskId) : firesLocal.includes(scheduleId);
  if (wakeAt <= scope.now || !isExpected(scope, hears, wakeAt)) {
    wakeOne(scope, hears, { kind: "look" });
  }
}

/** Somebody will look in time without being woken. */
function isExpected(scope: Scope, hears: (sleeper: Sleeper) => boolean, at: number): boolean {
  const { now } = scope;
  return believed(scope).some(
    (each) =>
      hears(each) &&
      (each.pollMs <= at - now ||
        (each.wakeAt !== null &&
          each.wakeAt >= now &&
          each.wakeAt <= at &&
          each.cause !== LEASE_CAUSE)),
  );
}

/** Who is woken sleeps no more, as far as the store knows. */
function wakeOne(scope: Scope, hears: (sleeper: Sleeper) => boolean, wake: Wake): void {
  const [chosen] = sortedBy(believed(scope).filter(hears), ({ validUntil }) => [-validUntil]);
  if (chosen === undefined) return;
  scope.state.sleepers.delete(chosen.identity);
  scope.wakes.push({ identity: chosen.identity, wake });
}

/** Those whose note has not run out, and is not from before the clock went back. */
export function believed({ state, now }: Scope): Sleeper[] {
  return [...state.sleepers.values()].filter(
    ({ validUntil, pollMs }) => validUntil >= now && validUntil <= now + 6 * pollMs + 1_000,
  );
}
