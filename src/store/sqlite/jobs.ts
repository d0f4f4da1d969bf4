/** One job by its public id: cancel it, or issue it again. */

import type { EndState } from "../../core/job.js";
import { DEFAULT_KEEP, type KeepRules } from "../../core/keep.js";
import { decodeHead, encodeHead } from "../../core/record.js";
import type { CancelAnswer, JobRef, RedriveAnswer } from "../contract.js";
import { CANCELLED, endJob } from "./ending.js";
import { bindId, findId, findJob } from "./ids.js";
import { renumber } from "./push.js";
import { trackingSchedule } from "./schedules/release.js";
import { STATE } from "./schema.js";
import { digits, isEnded, type JobFacts, publicId, type Scope, stateName } from "./scope.js";
import { countMove, type TaskRow } from "./tasks.js";

export function cancel(scope: Scope, { taskId, id, keep }: JobRef): CancelAnswer | null {
  const found = findJob(scope, taskId, id);
  if (found === null) return null;
  const { task, job, state } = found;
  if (job === null || isEnded(state))
    return { state: stateName(state) as EndState, changed: false };
  return cancelJob(scope, { task, job, keep: keep ?? DEFAULT_KEEP });
}

/** A job that has not ended: it ends, or whoever runs it is told. */
export function cancelJob(
  scope: Scope,
  { task, job, keep }: { task: TaskRow; job: JobFacts; keep: KeepRules },
): CancelAnswer {
  if (job.state !== STATE.running) {
    endJob(scope, { task, job, end: CANCELLED, keep });
    return { state: "cancelled", changed: true };
  }
  if (job.cancelling === 1) return { state: "cancelling", changed: false };
  const { tx } = scope;
  tx.run("UPDATE job SET cancelling = 1 WHERE number = ?", job.number);
  const fence = job.fence ?? 0;
  const lease = tx.get<{ owner: string }>("SELECT owner FROM lease WHERE fence = ?", fence);
  if (lease !== undefined) {
    const running = { fence: digits(fence), taskId: task.name, number: digits(job.number) };
    tx.wakes.push({ identity: lease.owner, wake: { kind: "cancelled", ...running } });
  }
  return { state: "cancelling", changed: true };
}

export function redrive(scope: Scope, { taskId, id }: JobRef): RedriveAnswer | null {
  const found = findJob(scope, taskId, id);
  if (found === null) return null;
  const { task, job, state } = found;
  const name = stateName(state);
  if (state !== STATE.dead && state !== STATE.cancelled)
    return { id, redriven: false, state: name };
  // how it ended is known still, but what it was is not
  if (job === null) return null;
  const old = decodeHead(job.head);
  const ownId = publicId(old.id, job.number);
  const known = findId(scope, task, ownId);
  // its id was forgotten early and names another job since: two would answer to it
  if (known !== null && known.number !== job.number) return { id, redriven: false, state: name };
  // an assigned id becomes the id of the new record, whose number is another
  const head = encodeHead({ ...old, id: ownId });
  const { occurrence } = old;
  const schedule =
    occurrence?.isTracked === true
      ? trackingSchedule(scope, { task: task.id, scheduleId: occurrence.scheduleId })
      : null;
  const number = renumber(scope, task, { from: job.number, head, schedule });
  bindId(scope, task, ownId, Number(number));
  countMove(task, name, "ready");
  return { id: ownId, redriven: true, state: "ready" };
}
