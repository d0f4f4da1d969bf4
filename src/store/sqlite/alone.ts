/**
 * Jobs that killed their process three times in a row run alone. They are given only to a
 * scheduler that runs nothing; if none asks, one is chosen to empty itself (a reservation).
 */
import type { WorkArgs } from "../contract.js";
import { STATE } from "./schema.js";
import type { Scope } from "./scope.js";

/** `take`: this job, and nothing beside it; `drain`: nothing until the caller is idle. */
export type Turn = { kind: "take"; number: number; task: number } | { kind: "drain" | "none" };

/** What the jobs that must run alone mean for this caller. */
export function turnOf(scope: Scope, { claims, idle, leaseMs }: WorkArgs): Turn {
  const job = findAlone(scope, claims);
  const space = scope.tx.space(scope.space);
  const isMine = space.reserved_by === scope.identity;
  if (job === null || idle) {
    if (isMine) reserve(scope, null, 0);
    return job === null ? { kind: "none" } : { kind: "take", ...job };
  }
  const isStanding = space.reserved_by !== null && space.reserved_until > scope.now;
  if (isStanding) return { kind: isMine ? "drain" : "none" };
  reserve(scope, scope.identity, scope.now + leaseMs);
  return { kind: "drain" };
}

/** Whether a job that must run alone concerns this scheduler: nobody else was chosen for it. */
export function mayDrain({ tx, space: id, identity, now }: Scope): boolean {
  const space = tx.space(id);
  const isFree = space.reserved_by === null || space.reserved_until <= now;
  return isFree || space.reserved_by === identity;
}

function findAlone(
  { tx, space }: Scope,
  claims: WorkArgs["claims"],
): { number: number; task: number } | null {
  const isEmpty =
    tx.get(
      `SELECT 1 FROM job INDEXED BY job_alone WHERE state = ${STATE.ready} AND lane = 1 LIMIT 1`,
    ) === undefined;
  if (isEmpty) return null;
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

function reserve({ tx, space: id }: Scope, identity: string | null, until: number): void {
  const space = tx.space(id);
  space.reserved_by = identity;
  space.reserved_until = until;
  tx.saveSpace(space);
}
