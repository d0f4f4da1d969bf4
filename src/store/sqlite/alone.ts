/**
 * Jobs that killed their process three times in a row run alone. They are given only to a
 * scheduler that runs nothing; if none asks, one is chosen to empty itself (a reservation). Who
 * could not do so within one lease rests for ten, so that a long handler does not hold up the rest.
 */
import type { WorkArgs } from "../contract.js";
import { STATE } from "./schema.js";
import type { Scope } from "./scope.js";

/** `take`: this job, and nothing beside it; `drain`: nothing until the caller is idle. */
export type Turn = { kind: "take"; number: number; task: number } | { kind: "drain" | "none" };

/** Who was chosen, until when, and by which length; of the last ones only the last can stand. */
interface Reservation {
  by: string;
  until: number;
  leaseMs: number;
}

/** So many are remembered. */
const MOST_REMEMBERED = 10;

/** A holder that did not come is not chosen again before so many of its leases have passed. */
const LEASES_OF_REST = 10;

const NOBODY = "[]";

/** What the jobs that must run alone mean for this caller. */
export function turnOf(scope: Scope, { claims, idle, leaseMs }: WorkArgs): Turn {
  if (!isAnyAlone(scope)) {
    saveReservations(scope, []);
    return { kind: "none" };
  }
  const job = findAlone(scope, claims);
  if (job === null) return { kind: "none" };
  if (idle) {
    saveReservations(scope, []);
    return { kind: "take", ...job };
  }
  const { now, identity } = scope;
  const reservations = readReservations(scope);
  const standing = standingOf(reservations, now);
  if (standing !== null) return { kind: standing.by === identity ? "drain" : "none" };
  if (restsUntil(reservations, scope) > now) return { kind: "none" };
  const others = reservations.filter(({ by }) => by !== identity);
  const mine = { by: identity, until: now + leaseMs, leaseMs };
  saveReservations(scope, [...others, mine].slice(-MOST_REMEMBERED));
  return { kind: "drain" };
}

/** From when on a job that must run alone concerns this scheduler, epoch ms. */
export function turnFrom(scope: Scope): number {
  const { now, identity } = scope;
  const reservations = readReservations(scope);
  const standing = standingOf(reservations, now);
  const isMine = standing?.by === identity;
  // who runs nothing may take it, whoever was chosen
  if (isMine || !holdsLease(scope)) return now;
  return standing?.until ?? restsUntil(reservations, scope);
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
  const stands = last !== undefined && last.until > now && last.until <= now + last.leaseMs;
  return stands ? last : null;
}

/** Until when this scheduler is not chosen, epoch ms; now, or before: it may be. */
function restsUntil(reservations: readonly Reservation[], { now, identity }: Scope): number {
  const mine = reservations.find(({ by }) => by === identity);
  if (mine === undefined || mine.until > now + mine.leaseMs) return now;
  return mine.until + LEASES_OF_REST * mine.leaseMs;
}

function readReservations({ tx, space }: Scope): Reservation[] {
  return JSON.parse(tx.space(space).reservations) as Reservation[];
}

function saveReservations({ tx, space: id }: Scope, reservations: readonly Reservation[]): void {
  const space = tx.space(id);
  const text = reservations.length === 0 ? NOBODY : JSON.stringify(reservations);
  if (text === space.reservations) return;
  tx.needWrite();
  space.reservations = text;
  tx.saveSpace(space);
}
