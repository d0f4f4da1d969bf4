/** Schedules as they are shown: one with its ledger, or a page of them. */

import { ofNoPage } from "../../../core/errors.js";
import { decodeHead } from "../../../core/record.js";
import type { ScheduleDetail, SchedulePage, SchedulesArgs, ScheduleView } from "../../contract.js";
import type { Value } from "../driver.js";
import { publicId, type Scope } from "../scope.js";
import { fromStored } from "../text.js";
import { bufferedInstants } from "./buffer.js";
import { ledgerOf } from "./ledger.js";
import { Registrants } from "./registrants.js";
import { COLUMNS, dueScheduleOf, readSchedule, rulesOf, type ScheduleRow } from "./row.js";

/** So many open jobs are named; more than that only triggers can make. */
const MOST_OPEN = 1_000;

export function schedule(
  scope: Scope,
  { scheduleId }: { scheduleId: string },
): ScheduleDetail | null {
  const row = readSchedule(scope, scheduleId);
  if (row === null) return null;
  const view = viewOf(scope, row, new Registrants(scope));
  return { ...view, ledger: ledgerOf(scope, row.number), now: scope.now };
}

export function schedules(scope: Scope, { taskId, cursor, limit }: SchedulesArgs): SchedulePage {
  const { tx, space, now } = scope;
  const nothing = { schedules: [], cursor: null, now };
  const task = taskId === null ? null : tx.findTask(space, taskId);
  if (taskId !== null && task === null) return nothing;
  const values: Value[] = [task === null ? space : task.id];
  if (cursor !== null) values.push(parseCursor(cursor));
  const rows = tx.all<ScheduleRow>(
    `SELECT ${COLUMNS} FROM schedule WHERE ${task === null ? "space" : "task"} = ?
       ${cursor === null ? "" : "AND id > ?"} ORDER BY id LIMIT ?`,
    ...[...values, limit + 1],
  );
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const registrants = new Registrants(scope);
  return {
    schedules: page.map((row) => viewOf(scope, row, registrants)),
    cursor: rows.length > limit && last !== undefined ? JSON.stringify([last.id]) : null,
    now,
  };
}

function parseCursor(cursor: string): string {
  try {
    const decoded: unknown = JSON.parse(cursor);
    if (Array.isArray(decoded) && typeof decoded[0] === "string") return decoded[0];
  } catch {
    // refused below
  }
  throw ofNoPage(cursor);
}

function viewOf(scope: Scope, row: ScheduleRow, registrants: Registrants): ScheduleView {
  const { tx } = scope;
  const open = tx.all<{ number: number; head: string }>(
    `SELECT number, head FROM job INDEXED BY job_open WHERE schedule = ? ORDER BY number LIMIT ?`,
    ...[row.number, MOST_OPEN],
  );
  return {
    ...dueScheduleOf(scope, row, registrants),
    payload: fromStored(row.payload),
    rules: rulesOf(row),
    overlap: row.overlap,
    generation: row.generation,
    digest: row.digest,
    open: open.map(({ number, head }) => publicId(decodeHead(head).id, number)),
    buffered: bufferedInstants(scope, row.number),
  };
}
