/** Schedules: a definition and a cursor; registering never touches an occurrence that is due. */
import type {
  DueSchedule,
  FireArgs,
  PushAnswer,
  RegisterAnswer,
  RegisterArgs,
} from "../contract.js";
import { push } from "./push.js";
import type { Scope } from "./scope.js";
import type { Moment } from "./sleepers.js";
import { fromStored, toStored } from "./text.js";

/** More due schedules than this are not handed to one scheduler at once. */
const MOST_DUE = 100;

interface ScheduleRow {
  id: string;
  task: number;
  definition: string;
  revision: number;
  next_at: number | null;
  last_fired_at: number | null;
}

type Definition = RegisterArgs["schedules"][number];

export function register(scope: Scope, { schedules }: RegisterArgs): RegisterAnswer[] {
  return schedules.map((definition) => registerOne(scope, definition));
}

function registerOne(scope: Scope, wanted: Definition): RegisterAnswer {
  const { tx, space } = scope;
  const { scheduleId, definition, firstAt } = wanted;
  const old = readSchedule(scope, scheduleId);
  if (old === undefined) {
    const task = tx.task(space, wanted.taskId);
    tx.run(
      `INSERT INTO schedule (space, id, task, definition, revision, next_at)
       VALUES (?, ?, ?, ?, 1, ?)`,
      ...[space, toStored(scheduleId), task.id, toStored(definition), firstAt],
    );
    if (firstAt !== null) tx.noticeSchedule(space, firstAt);
    return { scheduleId, outcome: "added", revision: 1, nextAt: firstAt };
  }
  const { revision, next_at: nextAt } = old;
  if (tx.taskById(old.task).name !== wanted.taskId) {
    return { scheduleId, outcome: "conflict", revision, nextAt };
  }
  if (fromStored(old.definition) === definition)
    return { scheduleId, outcome: "unchanged", revision, nextAt };
  const cursor = cursorAfterChange(scope, old, firstAt);
  tx.run(
    "UPDATE schedule SET definition = ?, revision = ?, next_at = ? WHERE space = ? AND id = ?",
    ...[toStored(definition), revision + 1, cursor, space, toStored(scheduleId)],
  );
  if (cursor !== null) tx.noticeSchedule(space, cursor);
  return { scheduleId, outcome: "changed", revision: revision + 1, nextAt: cursor };
}

/** What is due stays and is fired; what was fired never comes again. */
function cursorAfterChange(
  { now }: Scope,
  old: ScheduleRow,
  firstAt: number | null,
): number | null {
  if (old.next_at !== null && old.next_at <= now) return old.next_at;
  const isFired = firstAt !== null && old.last_fired_at !== null && firstAt <= old.last_fired_at;
  return isFired ? old.next_at : firstAt;
}

export function fire(scope: Scope, args: FireArgs): PushAnswer[] | null {
  const { tx, space, now } = scope;
  const row = readSchedule(scope, args.scheduleId);
  if (row === undefined || tx.taskById(row.task).name !== args.taskId) return null;
  const isSeen = row.revision === args.revision && row.next_at === args.seenAt;
  const isFired = row.last_fired_at !== null && args.seenAt <= row.last_fired_at;
  if (!isSeen || isFired || args.seenAt > now) return null;
  const firedAt = args.jobs.map(({ occurrence }) => occurrence?.scheduledFor ?? args.seenAt);
  const lastFiredAt = Math.max(args.seenAt, ...firedAt);
  tx.run(
    "UPDATE schedule SET next_at = ?, last_fired_at = ? WHERE space = ? AND id = ?",
    ...[args.nextAt, lastFiredAt, space, toStored(args.scheduleId)],
  );
  return push(scope, args.jobs);
}

/** Due schedules among `mine`, by cursor. Walks only what is due. */
export function dueSchedules(scope: Scope, mine: ReadonlySet<string>): DueSchedule[] {
  const due: DueSchedule[] = [];
  for (const row of schedulesBetween(scope, 0, scope.now)) {
    const scheduleId = fromStored(row.id);
    if (!mine.has(scheduleId)) continue;
    due.push({
      scheduleId,
      taskId: scope.tx.taskById(row.task).name,
      revision: row.revision,
      definition: fromStored(row.definition),
      nextAt: row.next_at as number,
    });
    if (due.length === MOST_DUE) break;
  }
  return due;
}

/** The next occurrence of one of `mine` after now and before `latest`. */
export function nextOccurrence(
  scope: Scope,
  mine: ReadonlySet<string>,
  latest: number,
): Moment | null {
  for (const row of schedulesBetween(scope, scope.now + 1, latest)) {
    if (mine.has(fromStored(row.id)))
      return { cause: `schedule ${row.id}`, at: row.next_at as number };
  }
  return null;
}

/** Schedules with cursors in a span of time, page by page: nobody reads more than is needed. */
function* schedulesBetween(
  { tx, space }: Scope,
  from: number,
  to: number,
): Generator<ScheduleRow, void> {
  let at = from;
  let id = "";
  for (;;) {
    const page = tx.all<ScheduleRow>(
      `SELECT id, task, definition, revision, next_at, last_fired_at FROM schedule
       INDEXED BY schedule_next
       WHERE space = ? AND next_at IS NOT NULL AND next_at <= ? AND (next_at, id) > (?, ?)
       ORDER BY next_at, id LIMIT ?`,
      ...[space, to, at, id, MOST_DUE],
    );
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < MOST_DUE) return;
    at = last.next_at as number;
    id = last.id;
  }
}

function readSchedule({ tx, space }: Scope, id: string): ScheduleRow | undefined {
  return tx.get<ScheduleRow>(
    `SELECT id, task, definition, revision, next_at, last_fired_at
     FROM schedule WHERE space = ? AND id = ?`,
    ...[space, toStored(id)],
  );
}
