/**
 * Jobs that killed their process three times in a row run alone. They are given only to a
 * scheduler that runs nothing; if none asks, one is chosen to empty itself (a reservation). Who
 * could not do so within one lease rests for ten, so that a long handler does not hold up the rest,
 * and has twice as long the next time, so that the job has its turn at last. Who has nothing to
 * empty is chosen at once, whoever rests or was chosen.
 * One of them runs at a time, and then other jobs have their turn for as long as it ran: else a
 * handful of killers would keep all schedulers to themselves.
 */
import type { WorkArgs } from "../contract.js";
import { STATE } from "./schema.js";
import type { Scope } from "./scope.js";

/** `take`: this job, and nothing beside it; `drain`: nothing until the caller is idle. */
export type Turn = { kind: "take"; number: number; task: number } | { kind: "drain" | "none" };

/** Who was chosen, and until when; of the last ones only the last can stand. */
interface Reservation {
  by: string;
  until: number;
  /** How long it was, ms. */
  lengthMs: number;
}

/** What is kept of it in the row of the space, as JSON. */
interface Notes {
  chosen: Reservation[];
  /** The last one that was given; `since`: epoch ms. */
  run: { fence: number; since: number } | null;
  /** Until then others have their turn, epoch ms. */
  restUntil: number;
}

/** So many are remembered. */
const MOST_REMEMBERED = 10;

/** A holder that did not come is not chosen again for so many times as long as it was. */
const LENGTHS_OF_REST = 10;

const LONGEST_IN_LEASES = 64;

/** As in a new row. */
const NOTHING = "[]";

const NOBODY: Notes = { chosen: [], run: null, restUntil: 0 };

/** What the jobs that must run alone mean for this caller. */
export function turnOf(scope: Scope, { claims, idle, free = false, leaseMs }: WorkArgs): Turn {
  const { now, identity } = scope;
  const noted = readNotes(scope);
  if (!isAnyAlone(scope)) {
    const { run } = endRun(scope, noted, leaseMs);
    saveNotes(scope, { ...NOBODY, run });
    return { kind: "none" };
  }
  const job = findAlone(scope, claims);
  if (job === null) return { kind: "none" };
  const notes = endRun(scope, noted, leaseMs);
  saveNotes(scope, notes);
  if (notes.run !== null) return { kind: "none" };
  const isResting = notes.restUntil > now && notes.restUntil <= now + leaseMs;
  if (isResting && !((idle || free) && !hasOtherWork(scope, claims))) return { kind: "none" };
  if (idle) return { kind: "take", ...job };
  const standing = standingOf(notes.chosen, now);
  if (standing?.by === identity) return { kind: "drain" };
  const mayNot = standing !== null || restsUntil(notes.chosen, scope) > now;
  if (mayNot && !free) return { kind: "none" };
  const others = notes.chosen.filter((one) => one.by !== identity && one !== standing);
  const lapsed = lapsedOf(notes.chosen, scope) ?? shortestOf(notes.chosen);
  const lengthMs = nextLength(lapsed, leaseMs);
  const mine = { by: identity, until: now + lengthMs, lengthMs };
  saveNotes(scope, { ...notes, chosen: [...others, mine].slice(-MOST_REMEMBERED) });
  return { kind: "drain" };
}

/** One has been given under this fence. */
export function noteRun(scope: Scope, fence: number): void {
  saveNotes(scope, { ...NOBODY, run: { fence, since: scope.now } });
}

/** These have ended: the turn of others begins with the end of a run, not when somebody asks. */
export function noteEnds(scope: Scope, { settles, leaseMs }: WorkArgs): void {
  const notes = readNotes(scope);
  const { run } = notes;
  if (run === null || !settles.some(({ fence }) => Number(fence) === run.fence)) return;
  saveNotes(scope, endRun(scope, notes, leaseMs));
}

/** From when on a job that must run alone concerns this scheduler, epoch ms. */
export function turnFrom(scope: Scope): number {
  const { now, identity } = scope;
  const { chosen, run, restUntil } = readNotes(scope);
  const runsUntil = run === null ? null : leaseEnd(scope, run.fence);
  // when it was due: whoever comes then sees whether it still runs
  if (runsUntil !== null) return Math.max(now + 1, runsUntil);
  const standing = standingOf(chosen, now);
  const isMine = standing?.by === identity;
  // who runs nothing may take it, whoever was chosen
  if (isMine || !holdsLease(scope)) return now;
  return Math.max(standing?.until ?? restsUntil(chosen, scope), restUntil);
}

/** The same notes, with the run gone whose lease is: then others have their turn. */
function endRun(scope: Scope, notes: Notes, leaseMs: number): Notes {
  const { run } = notes;
  if (run === null || leaseEnd(scope, run.fence) !== null) return notes;
  const ranMs = Math.max(0, Math.min(scope.now - run.since, leaseMs));
  return { ...notes, run: null, restUntil: scope.now + ranMs };
}

function leaseEnd({ tx, space }: Scope, fence: number): number | null {
  const sql = "SELECT ends_at FROM lease WHERE fence = ? AND space = ?";
  return tx.get<{ ends_at: number }>(sql, fence, space)?.ends_at ?? null;
}

/** Whether anything else is ready that the caller asks for. */
function hasOtherWork({ tx, space }: Scope, claims: WorkArgs["claims"]): boolean {
  return claims.some(({ taskId, limit }) => {
    const task = limit >= 1 ? tx.findTask(space, taskId) : null;
    if (task === null) return false;
    const found = tx.get(
      `SELECT 1 FROM job INDEXED BY job_ready
       WHERE task = ? AND state = ${STATE.ready} AND lane = 0 LIMIT 1`,
      task.id,
    );
    return found !== undefined;
  });
}

/** Of this space's tasks; nothing is read but the jobs in question. */
function isAnyAlone({ tx, space }: Scope): boolean {
  const found = tx.get(
    `SELECT 1 FROM job INDEXED BY job_alone CROSS JOIN task ON task.id = job.task
     WHERE state = ${STATE.ready} AND lane = 1 AND task.space = ? LIMIT 1`,
    space,
  );
  return found !== undefined;
}

function findAlone(
  { tx, space }: Scope,
  claims: WorkArgs["claims"],
): { number: number; task: number } | null {
  for (const { taskId, limit } of claims) {
    const task = limit >= 1 ? tx.findTask(space, taskId) : null;
    if (task === null) continue;
    const job = tx.get<{ number: number; task: number }>(
      `SELECT number, task FROM job INDEXED BY job_ready
       WHERE task = ? AND state = ${STATE.ready} AND lane = 1 ORDER BY priority, place LIMIT 1`,
      task.id,
    );
    if (job !== undefined) return job;
  }
  return null;
}

function holdsLease({ tx, space, identity }: Scope): boolean {
  const sql = "SELECT 1 FROM lease WHERE space = ? AND owner = ? LIMIT 1";
  return tx.get(sql, space, identity) !== undefined;
}

/** One that lies further ahead than it could is from before the clock went back. */
function standingOf(reservations: readonly Reservation[], now: number): Reservation | null {
  const last = reservations.at(-1);
  const stands = last !== undefined && last.until > now && last.until <= now + last.lengthMs;
  return stands ? last : null;
}

/** The last one of this scheduler, which it has not used. */
function lapsedOf(
  reservations: readonly Reservation[],
  { now, identity }: Scope,
): Reservation | null {
  const mine = reservations.find(({ by }) => by === identity);
  return mine === undefined || mine.until > now + mine.lengthMs ? null : mine;
}

/** Of who may have been forgotten, since as many are remembered as can be: as if it were theirs. */
function shortestOf(reservations: readonly Reservation[]): Reservation | null {
  if (reservations.length < MOST_REMEMBERED) return null;
  return reservations.reduce((a, b) => (b.lengthMs < a.lengthMs ? b : a));
}

/** Until when this scheduler is not chosen, epoch ms; now, or before: it may be. */
function restsUntil(reservations: readonly Reservation[], scope: Scope): number {
  const lapsed = lapsedOf(reservations, scope);
  return lapsed === null ? scope.now : lapsed.until + LENGTHS_OF_REST * lapsed.lengthMs;
}

/** Twice the one that was too short for what its holder had to end. */
function nextLength(lapsed: Reservation | null, leaseMs: number): number {
  if (lapsed === null) return leaseMs;
  return Math.max(leaseMs, Math.min(2 * lapsed.lengthMs, LONGEST_IN_LEASES * leaseMs));
}

function readNotes({ tx, space }: Scope): Notes {
  const text = tx.space(space).reservations;
  return text === NOTHING ? NOBODY : (JSON.parse(text) as Notes);
}

function saveNotes({ tx, space: id }: Scope, notes: Notes): void {
  const space = tx.space(id);
  const isNothing = notes.chosen.length === 0 && notes.run === null && notes.restUntil === 0;
  const text = isNothing ? NOTHING : JSON.stringify(notes);
  if (text === space.reservations) return;
  tx.needWrite();
  space.reservations = text;
  tx.saveSpace(space);
}
