/** What a process reads when the bell rang: which of its schedulers were woken, and for what. */
import type { Wake } from "../contract.js";
import { STATE } from "./schema.js";
import { digits } from "./scope.js";
import type { Sleeper } from "./sleepers.js";
import type { AddressedWake, Transaction } from "./transaction.js";

/**
 * Sleepers of this process that somebody woke, and running jobs of its schedulers that were
 * cancelled. `told` holds the latter until they have ended, so that each is told once.
 */
export function readSignals(
  tx: Transaction,
  process: string,
  members: ReadonlyMap<string, { sleeper: Sleeper }>,
  told: Set<string>,
): AddressedWake[] {
  const wakes: AddressedWake[] = [];
  for (const identity of members.keys()) {
    const row = tx.get<{ woken: string | null }>(
      "SELECT woken FROM sleeper WHERE identity = ? AND process = ?",
      ...[identity, process],
    );
    if (members.get(identity)?.sleeper.note === null) continue;
    // One who was overtaken because it did not stir: nobody wakes it any more.
    if (row === undefined) wakes.push({ identity, wake: { kind: "look" } });
    else if (row.woken !== null) wakes.push({ identity, wake: JSON.parse(row.woken) as Wake });
  }
  const marked = tx.all<{ owner: string; fence: number; task: number; number: number }>(
    `SELECT lease.owner, job.fence, job.task, job.number
     FROM job INDEXED BY job_cancelling JOIN lease ON lease.fence = job.fence
     WHERE job.state = ${STATE.running} AND job.cancelling = 1`,
  );
  const still = new Set<string>();
  for (const { owner, fence, task, number } of marked) {
    if (!members.has(owner)) continue;
    const running = { fence: digits(fence), number: digits(number) };
    const key = cancelledKey(running);
    still.add(key);
    if (told.has(key)) continue;
    const taskId = tx.taskById(task).name;
    wakes.push({ identity: owner, wake: { kind: "cancelled", taskId, ...running } });
  }
  // what has ended need not be remembered
  for (const key of told) if (!still.has(key)) told.delete(key);
  return wakes;
}

/** Names one cancelled attempt. */
export function cancelledKey({ fence, number }: { fence: string; number: string }): string {
  return `${fence},${number}`;
}
