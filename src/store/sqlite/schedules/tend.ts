/**
 * tend: walks all schedules, a piece at a time for the whole fleet: mends what the index says of
 * them, and names those that need a scheduler's judgement.
 */
import type { DueSchedule, TendArgs, Tended } from "../../contract.js";
import type { Scope } from "../scope.js";
import { Registrants } from "./registrants.js";
import {
  COLUMNS,
  dueScheduleOf,
  isPaused,
  noticeWake,
  pauseOf,
  registeredUntilOf,
  type ScheduleRow,
  saveState,
  wakeAtOf,
} from "./row.js";

const PIECE = 100;
const PIECE_EVERY_MS = 50_000;

/** Who has not registered for so long is missing. */
const MISSING_MS = 60_000;

export function tend(scope: Scope, { urgent }: TendArgs): Tended {
  const { tx, now } = scope;
  const space = tx.space(scope.space);
  const sinceMs = now - space.tended_at;
  const doubtful: DueSchedule[] = [];
  if (!urgent && sinceMs >= 0 && sinceMs < PIECE_EVERY_MS) return { doubtful, more: false, now };
  tx.needWrite();
  const place = urgent ? "mended_to" : "tended_to";
  const rows = tx.all<ScheduleRow>(
    `SELECT ${COLUMNS} FROM schedule WHERE space = ? AND id > ? ORDER BY id LIMIT ?`,
    ...[scope.space, space[place], PIECE],
  );
  const registrants = new Registrants(scope);
  for (const row of rows) {
    if (row.wake_at !== wakeAtOf(row)) {
      saveState(scope, row);
      noticeWake(scope, row);
    }
    if (isDoubtful(row, { registrants, now })) {
      doubtful.push(dueScheduleOf(scope, row, registrants));
    }
  }
  const last = rows.length < PIECE ? undefined : rows.at(-1);
  space[place] = last === undefined ? "" : last.id;
  if (!urgent) space.tended_at = now;
  tx.saveSpace(space);
  return { doubtful, more: urgent && last !== undefined, now };
}

function isDoubtful(
  row: ScheduleRow,
  { registrants, now }: { registrants: Registrants; now: number },
): boolean {
  if (row.code === 0) return false;
  const pause = pauseOf(row);
  if (pause?.orphaned === true && isPaused(pause, now)) return false;
  return registeredUntilOf(row, registrants) < now - MISSING_MS;
}
