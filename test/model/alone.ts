/**
 * Jobs that killed their process three times in a row run alone: only a scheduler that runs nothing
 * gets one. If none asks, one is chosen to empty itself; who could not do so in one lease rests,
 * and has twice as long the next time. Who runs nothing is chosen at once.
 * One of them runs at a time, and then others have their turn for as long as it ran.
 */
import type { WorkArgs } from "../../src/store/contract.js";
import { jobsIn, type Scope, sortedBy } from "./scope.js";
import type { Job, Reservation, Task } from "./state.js";

export type Turn = { kind: "take"; task: Task; job: Job } | { kind: "drain" | "none" };

const MOST_REMEMBERED = 10;
const LENGTHS_OF_REST = 10;
const LONGEST_IN_LEASES = 64;

export function turnOf(scope: Scope, { claims, idle, free = false, leaseMs }: WorkArgs): Turn {
  const { state, identity, now } = scope;
  if (![...state.tasks.values()].some((task) => firstAlone(task) !== undefined)) {
    endRun(scope, leaseMs);
    state.reservations = [];
    state.aloneRestUntil = 0;
    return { kind: "none" };
  }
  const found = findAlone(scope, claims);
  if (found === null) return { kind: "none" };
  endRun(scope, leaseMs);
  if (state.aloneRun !== null) return { kind: "none" };
  const isResting = state.aloneRestUntil > now && state.aloneRestUntil <= now + leaseMs;
  const runsNothing = idle || free;
  if (isResting && (!runsNothing || hasOtherWork(scope, claims))) return { kind: "none" };
  if (idle) {
    state.reservations = [];
    state.aloneRestUntil = 0;
    return { kind: "take", ...found };
  }
  const standing = standingOf(scope);
  if (standing?.by === identity) return { kind: "drain" };
  if (!free && (standing !== null || restsUntil(scope) > now)) return { kind: "none" };
  const others = state.reservations.filter((one) => one.by !== identity && one !== standing);
  const before = lapsedOf(scope)?.lengthMs ?? shortestMs(scope);
  const twice = Math.min(2 * before, LONGEST_IN_LEASES * leaseMs);
  const lengthMs = Math.max(leaseMs, twice);
  const mine = { by: identity, until: now + lengthMs, lengthMs };
  state.reservations = [...others, mine].slice(-MOST_REMEMBERED);
  return { kind: "drain" };
}

/** These have ended: the turn of others begins with the end of a run, not when somebody asks. */
export function noteEnds(scope: Scope, { settles, leaseMs }: WorkArgs): void {
  const fence = scope.state.aloneRun?.fence;
  if (settles.some((settle) => Number(settle.fence) === fence)) endRun(scope, leaseMs);
}

/** From when on a job that must run alone concerns this scheduler, epoch ms. */
export function turnFrom(scope: Scope): number {
  const { state, identity, now } = scope;
  const run = state.aloneRun === null ? undefined : state.leases.get(state.aloneRun.fence);
  if (run !== undefined) return Math.max(now + 1, run.endsAt);
  const standing = standingOf(scope);
  const holdsLease = [...state.leases.values()].some(({ owner }) => owner === identity);
  // who runs nothing may take it, whoever was chosen
  if (standing?.by === identity || !holdsLease) return now;
  return Math.max(standing?.until ?? restsUntil(scope), state.aloneRestUntil);
}

/** The last one is over when its lease is. */
function endRun({ state, now }: Scope, leaseMs: number): void {
  if (state.aloneRun === null || state.leases.has(state.aloneRun.fence)) return;
  state.aloneRestUntil = now + Math.max(0, Math.min(now - state.aloneRun.since, leaseMs));
  state.aloneRun = null;
}

function hasOtherWork({ state }: Scope, claims: WorkArgs["claims"]): boolean {
  return claims.some(({ taskId, limit }) => {
    const task = limit >= 1 ? state.tasks.get(taskId) : undefined;
    return task !== undefined && jobsIn(task, "ready").some(({ alone }) => !alone);
  });
}

export function firstAlone(task: Task): Job | undefined {
  const jobs = jobsIn(task, "ready").filter(({ alone }) => alone);
  return sortedBy(jobs, ({ place }) => [place ?? 0])[0];
}

function findAlone({ state }: Scope, claims: WorkArgs["claims"]): { task: Task; job: Job } | null {
  for (const { taskId, limit } of claims) {
    const task = limit >= 1 ? state.tasks.get(taskId) : undefined;
    const job = task === undefined ? undefined : firstAlone(task);
    if (task !== undefined && job !== undefined) return { task, job };
  }
  return null;
}

/** One that lies further ahead than it could is from before the clock went back. */
function standingOf({ state, now }: Scope): Reservation | null {
  const last = state.reservations.at(-1);
  const stands = last !== undefined && last.until > now && last.until <= now + last.lengthMs;
  return stands ? last : null;
}

/** The last one of this scheduler, which it has not used. */
function lapsedOf({ state, identity, now }: Scope): Reservation | undefined {
  const mine = state.reservations.find(({ by }) => by === identity);
  return mine === undefined || mine.until > now + mine.lengthMs ? undefined : mine;
}

/** Of who may have been forgotten: as if the shortest had been its own. */
function shortestMs({ state: { reservations } }: Scope): number {
  if (reservations.length < MOST_REMEMBERED) return 0;
  return Math.min(...reservations.map(({ lengthMs }) => lengthMs));
}

/** Until when this scheduler is not chosen; now, or before: it may be. */
function restsUntil(scope: Scope): number {
  const lapsed = lapsedOf(scope);
  return lapsed === undefined ? scope.now : lapsed.until + LENGTHS_OF_REST * lapsed.lengthMs;
}
