/** mend: finds rows of one task that do not fit each other, a bounded number, and mends them. */
import type { MendArgs, Mended, MendKind } from "../contract.js";
import { noteLease } from "./grace.js";
import { STATE } from "./schema.js";
import { joinEnd, type Scope } from "./scope.js";
import { type Counter, count, type TaskRow } from "./tasks.js";

/** Rows of one kind in a piece. */
const PIECE = 500;
/** Ids are walked through; the other questions have an index each. */
const IDS = 1_000;
/** More rows than these are not counted. */
const MOST_COUNTED = 10_000;
const LEASE_MS = 10_000;
/** A place: all but the ids once more. */
const AGAIN = "again";
/** Before an id that is a place. */
const AFTER = "after ";
const NOBODY = "nobody";

export function mend(scope: Scope, { taskId, place }: MendArgs): Mended {
  const task = scope.tx.findTask(scope.space, taskId);
  if (task === null) return { seen: 0, place: "", mended: {} };
  scope.tx.needWrite();
  const ids = mendIds(scope, task, place);
  const found: [MendKind, number][] = [
    ["running", mendRunning(scope, task)],
    ["ready", mendReady(scope, task)],
    ["scheduled", mendScheduled(scope, task)],
    ["ids", ids.mended],
    ["ended", mendEnded(scope, task)],
    ["counts", place === "" ? mendCounts(scope, task) : 0],
  ];
  const mended = Object.fromEntries(found.filter(([, n]) => n > 0));
  const isMore = found.some(([kind, n]) => kind !== "ids" && n >= PIECE);
  return { seen: 0, place: ids.place === "" && isMore ? AGAIN : ids.place, mended };
}

/** One probe for each fence under which jobs run, however many they are. */
const RUNNING = `job INDEXED BY job_running WHERE task = ?1 AND state = ${STATE.running}`;
const HOMELESS = `WITH RECURSIVE held (fence) AS (
    SELECT min(fence) FROM ${RUNNING}
    UNION ALL
    SELECT (SELECT min(fence) FROM ${RUNNING} AND fence > held.fence) FROM held
    WHERE held.fence IS NOT NULL),
  lost (fence) AS (
    SELECT fence FROM held WHERE fence IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM lease WHERE lease.fence = held.fence AND space = ?2 AND lease.task = ?1))
  SELECT number FROM lost CROSS JOIN job INDEXED BY job_running
    ON job.task = ?1 AND job.state = ${STATE.running} AND job.fence = lost.fence
  UNION ALL
  SELECT number FROM ${RUNNING} AND fence IS NULL
  LIMIT ?3`;

/** What runs under no lease gets one that nobody renews, and is reaped as any other. */
function mendRunning(scope: Scope, task: TaskRow): number {
  const { tx, now, space } = scope;
  const homeless = tx.all<{ number: number }>(HOMELESS, task.id, space, PIECE);
  if (homeless.length === 0) return 0;
  noteLease(scope, LEASE_MS);
  const fence = tx.nextFence(now);
  tx.run(
    "INSERT INTO lease (fence, space, task, owner, ends_at, length_ms) VALUES (?, ?, ?, ?, ?, ?)",
    ...[fence, space, task.id, NOBODY, now + LEASE_MS, LEASE_MS],
  );
  for (const { number } of homeless) {
    tx.run("UPDATE job SET fence = ? WHERE number = ?", fence, number);
  }
  return homeless.length;
}

/** Ready jobs that stand in neither line are claimed by nobody. */
function mendReady(scope: Scope, task: TaskRow): number {
  const { tx } = scope;
  const lost = tx.all<{ number: number }>(
    `SELECT number FROM job INDEXED BY job_ready WHERE task = ? AND state = ${STATE.ready}
     AND lane > 1 LIMIT ?`,
    ...[task.id, PIECE],
  );
  for (const { number } of lost) {
    tx.run("UPDATE job SET place = ?, lane = 0 WHERE number = ?", joinEnd(scope, task), number);
  }
  return lost.length;
}

/** When it was due is lost: now. */
function mendScheduled({ tx, now }: Scope, task: TaskRow): number {
  const lost = tx.all<{ number: number }>(
    `SELECT number FROM job INDEXED BY job_due WHERE task = ? AND state = ${STATE.scheduled}
     AND due_at IS NULL LIMIT ?`,
    ...[task.id, PIECE],
  );
  for (const { number } of lost) {
    tx.run("UPDATE job SET due_at = ? WHERE number = ?", now, number);
  }
  if (lost.length > 0) tx.notice(task, now);
  return lost.length;
}

/** A live id that names no live job would keep its next push out for ever. */
function mendIds({ tx }: Scope, task: TaskRow, place: string) {
  if (place === AGAIN) return { mended: 0, place: "" };
  const rows = tx.all<{ id: string; number: number; isOpen: number; isForgotten: number }>(
    `SELECT id, number, state IS NULL AS isForgotten, EXISTS (
       SELECT 1 FROM job WHERE job.number = known_id.number AND job.task = known_id.task
         AND job.state < ${STATE.completed}) AS isOpen
     FROM known_id WHERE task = ? AND id > ? ORDER BY id LIMIT ?`,
    ...[task.id, place.slice(AFTER.length), IDS],
  );
  const lost = rows.filter(({ isOpen, isForgotten }) => isForgotten === 1 && isOpen === 0);
  for (const { id } of lost) tx.run("DELETE FROM known_id WHERE task = ? AND id = ?", task.id, id);
  const last = rows.length < IDS ? undefined : rows.at(-1);
  return { mended: lost.length, place: last === undefined ? "" : AFTER + last.id };
}

/** Ended jobs without an end would never be forgotten. */
function mendEnded({ tx, now }: Scope, task: TaskRow): number {
  let mended = 0;
  for (const state of [STATE.completed, STATE.dead, STATE.cancelled]) {
    mended += tx.run(
      `UPDATE job SET ended_at = ? WHERE number IN (
         SELECT number FROM job INDEXED BY job_ended
         WHERE task = ? AND state = ? AND state >= ${STATE.completed} AND ended_at IS NULL
         LIMIT ?)`,
      ...[now, task.id, state, PIECE],
    );
  }
  return mended;
}

/** A task that counts no jobs is not looked at. */
function mendCounts({ tx }: Scope, task: TaskRow): number {
  const states = ["ready", "scheduled", "running", "completed", "dead", "cancelled"] as const;
  let mended = 0;
  const setTo = (counter: Counter, n: number) => {
    const by = n - task.counters[counter];
    if (by === 0) return;
    count(task, counter, by);
    mended += 1;
  };
  for (const state of states) {
    // The condition of the index that holds them.
    const indexed = STATE[state] >= STATE.completed ? `AND state >= ${STATE.completed}` : "";
    const rows = `job WHERE task = ? AND state = ${STATE[state]} ${indexed}`;
    setTo(state, countedRows(tx, { task, counter: state, rows }));
  }
  const rows = "known_id WHERE task = ? AND state IS NOT NULL";
  setTo("ended_ids", countedRows(tx, { task, counter: "ended_ids", rows }));
  return mended;
}

/** What the counter has to be; where that is many, it is only counted if the counter says few. */
function countedRows(
  tx: Scope["tx"],
  { task, counter, rows }: { task: TaskRow; counter: Counter; rows: string },
): number {
  const few = `SELECT count(*) AS n FROM (SELECT 1 FROM ${rows} LIMIT ${MOST_COUNTED})`;
  const n = tx.get<{ n: number }>(few, task.id)?.n ?? 0;
  if (n < MOST_COUNTED) return n;
  const counted = task.counters[counter];
  if (counted >= MOST_COUNTED) return counted;
  return tx.get<{ n: number }>(`SELECT count(*) AS n FROM ${rows}`, task.id)?.n ?? counted;
}
