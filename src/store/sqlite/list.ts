/** Jobs as they are shown: one by its public id, or a page of those in one state. */

import { ofNoPage } from "../../core/errors.js";
import type { DeadReason, JobState } from "../../core/job.js";
import { decodeHead } from "../../core/record.js";
import type { JobPage, JobRef, JobView, ListArgs } from "../contract.js";
import type { Value } from "./driver.js";
import { findJob } from "./ids.js";
import { STATE } from "./schema.js";
import {
  countsOf,
  digits,
  FACTS,
  type JobFacts,
  publicId,
  type Scope,
  stateName,
} from "./scope.js";
import { fromStored, fromStoredOrNull } from "./text.js";

type ShownJob = JobFacts & {
  pushed_at: number;
  ended_at: number | null;
  reason: DeadReason | null;
  error: string | null;
  result: string | null;
  progress: string | null;
  payload: string;
};

const SHOWN = `${FACTS}, pushed_at, ended_at, reason, error, result, progress, payload`;

export function getJob(scope: Scope, { taskId, id }: JobRef): JobView | null {
  const job = findJob(scope, taskId, id)?.job;
  if (job == null) return null;
  const sql = `SELECT ${SHOWN} FROM job WHERE number = ?`;
  return viewOf(scope, taskId, scope.tx.get<ShownJob>(sql, job.number) as ShownJob);
}

/** How a state is ordered: its index's columns, and where a page ends. */
interface Order {
  columns: string;
  direction: "ASC" | "DESC";
  keys: (job: ShownJob) => number[];
}

const ENDED: Order = {
  columns: "ended_at, number",
  direction: "DESC",
  keys: (job) => [job.ended_at ?? 0, job.number],
};

const ORDERS: Record<JobState, Order> = {
  ready: {
    columns: "lane, priority, place",
    direction: "ASC",
    keys: (job) => [job.lane, job.priority, job.place ?? 0],
  },
  scheduled: {
    columns: "due_at, number",
    direction: "ASC",
    keys: (job) => [job.due_at ?? 0, job.number],
  },
  running: {
    columns: "fence, number",
    direction: "ASC",
    keys: (job) => [job.fence ?? 0, job.number],
  },
  completed: ENDED,
  dead: ENDED,
  cancelled: ENDED,
};

export function listJobs(scope: Scope, { taskId, state, cursor, limit }: ListArgs): JobPage {
  const task = scope.tx.findTask(scope.space, taskId);
  if (task === null) return { jobs: [], cursor: null };
  const { columns, direction, keys } = ORDERS[state];
  const after = cursor === null ? null : parseCursor(cursor, columns);
  const code = STATE[state];
  // said twice for ended jobs, so that the partial index is seen to fit
  const where = code >= STATE.completed ? `state = ${code} AND state >= 5` : `state = ${code}`;
  const marks = columns.replaceAll(/\w+/g, "?");
  const beyond =
    after === null ? "" : ` AND (${columns}) ${direction === "ASC" ? ">" : "<"} (${marks})`;
  const order = columns.replaceAll(/\w+/g, (column) => `${column} ${direction}`);
  const values: Value[] = [task.id, ...(after ?? []), limit + 1];
  const rows = scope.tx.all<ShownJob>(
    `SELECT ${SHOWN} FROM job WHERE task = ? AND ${where}${beyond} ORDER BY ${order} LIMIT ?`,
    ...values,
  );
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    jobs: page.map((job) => viewOf(scope, taskId, job)),
    cursor: rows.length > limit && last !== undefined ? keys(last).join("_") : null,
  };
}

function parseCursor(cursor: string, columns: string): number[] {
  const values = cursor.split("_").map(Number);
  if (values.length === columns.split(",").length && values.every(Number.isSafeInteger)) {
    return values;
  }
  throw ofNoPage(cursor);
}

function viewOf({ tx }: Scope, taskId: string, job: ShownJob): JobView {
  const { id, rules, occurrence } = decodeHead(job.head);
  const isRunning = job.state === STATE.running;
  const lease = isRunning
    ? tx.get<{ ends_at: number }>("SELECT ends_at FROM lease WHERE fence = ?", job.fence)
    : undefined;
  return {
    id: publicId(id, job.number),
    taskId,
    number: digits(job.number),
    state: stateName(job.state),
    payload: fromStored(job.payload),
    rules,
    occurrence,
    counts: countsOf(job),
    pushedAt: job.pushed_at,
    dueAt: job.due_at,
    leaseEndsAt: lease?.ends_at ?? null,
    fence: isRunning && job.fence !== null ? digits(job.fence) : null,
    cancelling: job.cancelling === 1,
    progress: fromStoredOrNull(job.progress),
    endedAt: job.ended_at,
    reason: job.reason,
    error: fromStoredOrNull(job.error),
    result: fromStoredOrNull(job.result),
  };
}
