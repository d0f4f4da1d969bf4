/** Leases: one per claimed batch; its number is the fence of all its jobs. */
import type { LeaseRef, RenewArgs, Renewed } from "../contract.js";
import { noteLease, noteTime } from "./grace.js";
import { STATE } from "./schema.js";
import { digits, numberOf, type Scope } from "./scope.js";
import { toStored } from "./text.js";

/** More expired leases than this are not handed to one scheduler at once. */
const MOST_EXPIRED = 20;

/** A new lease of this scheduler; its fence. */
export function createLease(scope: Scope, task: number, lengthMs: number): number {
  const { tx, now } = scope;
  noteLease(scope, lengthMs);
  const fence = tx.nextFence(now);
  tx.run(
    "INSERT INTO lease (fence, space, task, owner, ends_at, length_ms) VALUES (?, ?, ?, ?, ?, ?)",
    ...[fence, scope.space, task, scope.identity, now + lengthMs, lengthMs],
  );
  return fence;
}

/** A lease without jobs has nothing left to protect. */
export function dropEmptyLease({ tx, space }: Scope, fence: number): void {
  tx.run(
    `DELETE FROM lease WHERE fence = ? AND space = ? AND NOT EXISTS (
       SELECT 1 FROM job INDEXED BY job_running
       WHERE job.task = lease.task AND job.state = ${STATE.running} AND job.fence = lease.fence)`,
    ...[fence, space],
  );
}

export function renew(scope: Scope, { leases, progress }: RenewArgs): Renewed {
  const { tx, now, space } = scope;
  noteTime(scope);
  const fences = JSON.stringify(leases.map(({ fence }) => numberOf(fence)));
  const renewed = tx.all<{ fence: number }>(
    `UPDATE lease SET ends_at = ? + length_ms
     WHERE fence IN (SELECT value FROM json_each(?)) AND space = ? RETURNING fence`,
    ...[now, fences, space],
  );
  const held = new Set(renewed.map(({ fence }) => fence));
  const taskOf = new Map(leases.map(({ fence, taskId }) => [numberOf(fence), taskId]));
  const lost = leases
    .filter(({ fence }) => !held.has(numberOf(fence)))
    .map(({ fence, taskId }) => ({ fence, taskId }));
  const marked = tx.all<{ fence: number; number: number }>(
    `SELECT fence, number FROM json_each(?) AS wanted CROSS JOIN job INDEXED BY job_cancelling
     ON state = ${STATE.running} AND cancelling = 1 AND fence = wanted.value`,
    JSON.stringify([...held]),
  );
  const cancelled = marked.map(({ fence, number }) => ({
    ...{ fence: digits(fence), taskId: taskOf.get(fence) ?? "", number: digits(number) },
  }));
  for (const { number, value } of progress) saveProgress(scope, { number, value, held });
  return { lost, cancelled };
}

function saveProgress(
  { tx }: Scope,
  { number, value, held }: { number: string; value: string; held: ReadonlySet<number> },
): void {
  const row = tx.get<{ fence: number }>(
    `SELECT fence FROM job WHERE number = ? AND state = ${STATE.running}`,
    numberOf(number),
  );
  if (row === undefined || !held.has(row.fence)) return;
  tx.run("UPDATE job SET progress = ? WHERE number = ?", toStored(value), numberOf(number));
}

/** Leases that may be reaped now, of any task. */
export function expiredLeases({ tx, space, now }: Scope, graceFrom: number): LeaseRef[] {
  const rows = tx.all<{ fence: number; task: number }>(
    `SELECT fence, task FROM lease INDEXED BY lease_end
     WHERE space = ? AND ends_at <= ? AND length_ms <= ? ORDER BY ends_at LIMIT ?`,
    ...[space, now, now - graceFrom, MOST_EXPIRED],
  );
  return rows.map(({ fence, task }) => ({
    fence: digits(fence),
    taskId: tx.taskById(task).name,
  }));
}

/** When the next lease can be reaped, if before `latest`, epoch ms; else `latest`. */
export function nextExpiry(
  { tx, space }: Scope,
  { graceFrom, latest }: { graceFrom: number; latest: number },
): number {
  const row = tx.get<{ at: number | null }>(
    `SELECT min(max(ends_at, ? + length_ms)) AS at FROM lease INDEXED BY lease_end
     WHERE space = ? AND ends_at < ? AND length_ms < ?`,
    ...[graceFrom, space, latest, latest - graceFrom],
  );
  return row?.at ?? latest;
}
