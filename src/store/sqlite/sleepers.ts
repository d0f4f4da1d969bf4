/**
 * Who sleeps until when, written in the database so that every process knows whom to wake.
 * A push wakes one; a due moment is waited for by two; all others look at every poll only.
 */
import type { Look, LookArgs, Wake } from "../contract.js";
import type { Scope } from "./scope.js";
import type { Notice, ScheduleNotice, Transaction } from "./transaction.js";

/** What stands in the database for a sleeper. */
interface Note {
  /** Row ids of its tasks: ",1,5,". */
  tasks: string;
  /** Row ids of tasks whose schedules it can fire. */
  fires: string;
  /** Local schedules that it can fire: `,"a","b",`. */
  firesLocal: string;
  /** Why it wakes before its poll; null: it does not. */
  cause: string | null;
  wakeAt: number | null;
  pollMs: number;
  validUntil: number;
}

/** The memory of one scheduler about its own note. */
export interface Sleeper {
  /** null: awake. */
  note: Note | null;
}

/** An instant at which something will be there to do. */
export interface Moment {
  cause: string;
  at: number;
  /** The task of which a job is due then. */
  taskId?: string;
}

/** Who wakes to note the time or to reap: for a lease, and not for the work of any task. */
export const LEASE_CAUSE = "lease";

/** So many wait for the same moment: one to act, one in case it dies. */
const WAITERS_PER_MOMENT = 2;

/** A note holds for some polls: an idle scheduler seldom writes, a dead one is believed as long. */
const POLLS_PER_NOTE = 5;

/** Notes that can be believed: not run out, nor from before the clock went back. */
const BELIEVED = "valid_until >= ? AND valid_until <= ? + 6 * poll_ms + 1000";

/** Remembers that this scheduler sleeps now; for how long and what for. */
export function fallAsleep(
  scope: Scope,
  { taskIds, fireable, sleepMs, moments }: LookArgs & { moments: Moment[] },
): Pick<Look, "waitMs" | "nextTaskId"> {
  const pollMs = Math.max(1, Math.floor(sleepMs));
  const moment = chooseMoment(scope, moments, scope.now + pollMs);
  const tasks = taskList(scope, taskIds);
  const fires = taskList(scope, fireable.taskIds);
  const firesLocal = nameList(fireable.scheduleIds);
  const wakeAt = moment?.at ?? null;
  const cause = moment?.cause ?? null;
  const old = scope.sleeper.note;
  const isKnown =
    old !== null &&
    old.tasks === tasks &&
    old.fires === fires &&
    old.firesLocal === firesLocal &&
    old.cause === cause &&
    old.wakeAt === wakeAt &&
    old.pollMs === pollMs &&
    old.validUntil - scope.now > 2 * pollMs &&
    old.validUntil - scope.now <= (POLLS_PER_NOTE + 1) * pollMs &&
    isUntouched(scope);
  if (!isKnown) {
    const validUntil = scope.now + POLLS_PER_NOTE * pollMs;
    writeNote(scope, { tasks, fires, firesLocal, cause, wakeAt, pollMs, validUntil });
  }
  const waitMs = wakeAt === null ? pollMs : Math.max(0, wakeAt - scope.now);
  return { waitMs, nextTaskId: moment?.taskId ?? null };
}

/** This scheduler is awake: nobody has to wake it. */
export function wakeUp(scope: Scope): void {
  if (scope.sleeper.note === null) return;
  forgetSleeper(scope.tx, scope.identity);
  scope.tx.afterCommit.push(() => {
    scope.sleeper.note = null;
  });
}

export function forgetSleeper(tx: Transaction, identity: string): void {
  tx.run("DELETE FROM sleeper WHERE identity = ?", identity);
}

/** How many others sleep who would hear of a job of this task; no more than `most` are counted. */
export function countSleepers(
  scope: Scope,
  { task, most }: { task: number; most: number },
): number {
  const found = scope.tx.get<{ n: number }>(
    `SELECT count(*) AS n FROM (SELECT 1 FROM sleeper
     WHERE space = ? AND ${BELIEVED} AND woken IS NULL AND identity <> ?
       AND instr(tasks, ?) > 0 LIMIT ?)`,
    ...[scope.space, scope.now, scope.now, scope.identity, `,${task},`, most],
  );
  return found?.n ?? 0;
}

/** Names those who have to be woken for what appeared in this transaction. */
export function chooseSleepers(tx: Transaction, process: string): void {
  const { now } = tx;
  for (const notice of tx.notices.values()) {
    if (notice.dueAt > now && isExpected(tx, notice, now)) continue;
    const chosen = tx.get<{ identity: string }>(
      `SELECT identity FROM sleeper
       WHERE space = ? AND ${BELIEVED} AND woken IS NULL AND instr(tasks, ?) > 0
       ORDER BY process = ? DESC, valid_until DESC LIMIT 1`,
      ...[notice.space, now, now, `,${notice.task.id},`, process],
    );
    if (chosen === undefined) continue;
    wake(tx, chosen.identity, { kind: "task", taskId: notice.task.name });
  }
  for (const notice of tx.scheduleNotices.values()) wakeFiring(tx, { notice, process });
}

/** A schedule has a nearer moment than those who can fire it know: one of them looks. */
function wakeFiring(
  tx: Transaction,
  { notice, process }: { notice: ScheduleNotice; process: string },
): void {
  const { now } = tx;
  const { space, task, scheduleId, wakeAt } = notice;
  const list = scheduleId === null ? "fires" : "fires_local";
  const entry = scheduleId === null ? `,${task},` : nameList([scheduleId]);
  const expected = tx.get(
    `SELECT 1 FROM sleeper
     WHERE space = ? AND ${BELIEVED} AND woken IS NULL AND instr(${list}, ?) > 0
       AND (poll_ms <= ? OR (wake_at >= ? AND wake_at <= ? AND cause <> ?)) LIMIT 1`,
    ...[space, now, now, entry, wakeAt - now, now, wakeAt, LEASE_CAUSE],
  );
  if (wakeAt > now && expected !== undefined) return;
  const chosen = tx.get<{ identity: string }>(
    `SELECT identity FROM sleeper
     WHERE space = ? AND ${BELIEVED} AND woken IS NULL AND instr(${list}, ?) > 0
     ORDER BY process = ? DESC, valid_until DESC LIMIT 1`,
    ...[space, now, now, entry, process],
  );
  if (chosen !== undefined) wake(tx, chosen.identity, { kind: "look" });
}

function wake(tx: Transaction, identity: string, message: Wake): void {
  const sql = "UPDATE sleeper SET woken = ? WHERE identity = ?";
  tx.run(sql, JSON.stringify(message), identity);
  tx.wakes.push({ identity, wake: message });
}

/** One of another process who was woken, and what it was told. */
export interface Silent {
  identity: string;
  woken: string;
}

/** Those who were woken and have not stirred so far. */
export function readSilent(
  tx: Transaction,
  spaces: Iterable<number>,
  members: ReadonlyMap<string, unknown>,
): Silent[] {
  const silent: Silent[] = [];
  for (const space of spaces) {
    const sql = "SELECT identity, woken FROM sleeper WHERE space = ? AND woken IS NOT NULL";
    silent.push(...tx.all<Silent>(sql, space));
  }
  return silent.filter(({ identity }) => !members.has(identity));
}

/** Forgets those who have not stirred since; somebody else is woken in their place. */
export function replaceSilent(
  tx: Transaction,
  { silent, process }: { silent: readonly Silent[]; process: string },
): void {
  for (const { identity, woken } of silent) {
    const row = tx.get<{ space: number; fires: string; fires_local: string }>(
      "SELECT space, fires, fires_local FROM sleeper WHERE identity = ? AND woken = ?",
      ...[identity, woken],
    );
    if (row === undefined) continue;
    forgetSleeper(tx, identity);
    const message = JSON.parse(woken) as Wake;
    const task = message.kind === "task" ? tx.findTask(row.space, message.taskId) : null;
    if (task !== null) tx.notice(task, 0);
    else wakeLike(tx, { ...row, process });
  }
}

/** One looks who can fire the same. */
function wakeLike(
  tx: Transaction,
  at: { space: number; fires: string; fires_local: string; process: string },
): void {
  const chosen = tx.get<{ identity: string }>(
    `SELECT identity FROM sleeper
     WHERE space = ? AND ${BELIEVED} AND woken IS NULL AND fires = ? AND fires_local = ?
     ORDER BY process = ? DESC, valid_until DESC LIMIT 1`,
    ...[at.space, tx.now, tx.now, at.fires, at.fires_local, at.process],
  );
  if (chosen !== undefined) wake(tx, chosen.identity, { kind: "look" });
}

/** Somebody will look in time without being woken. */
function isExpected(tx: Transaction, { space, task, dueAt }: Notice, now: number): boolean {
  const found = tx.get(
    `SELECT 1 FROM sleeper
     WHERE space = ? AND ${BELIEVED} AND woken IS NULL AND instr(tasks, ?) > 0
       AND (poll_ms <= ? OR (wake_at >= ? AND wake_at <= ? AND cause <> ?)) LIMIT 1`,
    ...[space, now, now, `,${task.id},`, dueAt - now, now, dueAt, LEASE_CAUSE],
  );
  return found !== undefined;
}

/** The first moment for which not enough others wait already. */
function chooseMoment(scope: Scope, moments: Moment[], latest: number): Moment | null {
  const inTime = moments.filter(({ at }) => at < latest).sort((a, b) => a.at - b.at);
  for (const moment of inTime) {
    const others = scope.tx.get<{ n: number }>(
      `SELECT count(*) AS n FROM sleeper
       WHERE space = ? AND ${BELIEVED} AND woken IS NULL AND identity <> ?
         AND cause = ? AND wake_at >= ? AND wake_at <= ?`,
      ...[scope.space, scope.now, scope.now, scope.identity, moment.cause, scope.now, moment.at],
    );
    if ((others?.n ?? 0) < WAITERS_PER_MOMENT) return moment;
  }
  return null;
}

function taskList(scope: Scope, taskIds: readonly string[]): string {
  if (taskIds.length === 0) return "";
  const ids = taskIds.map((name) => {
    const known = scope.tx.connection.taskIds.get(`${scope.space},${name}`);
    return known ?? scope.tx.task(scope.space, name).id;
  });
  return `,${ids.join(",")},`;
}

/** Names as a list in which each can be found: in JSON no quote stands behind a comma unescaped. */
function nameList(names: readonly string[]): string {
  if (names.length === 0) return "";
  return `,${names.map((name) => JSON.stringify(name)).join(",")},`;
}

function isUntouched({ tx, identity }: Scope): boolean {
  const row = tx.get<{ woken: string | null }>(
    "SELECT woken FROM sleeper WHERE identity = ?",
    identity,
  );
  return row !== undefined && row.woken === null;
}

function writeNote(scope: Scope, note: Note): void {
  scope.tx.run(
    `REPLACE INTO sleeper
       (identity, space, process, tasks, fires, fires_local, cause, wake_at, poll_ms, valid_until)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[scope.identity, scope.space, scope.process, note.tasks, note.fires, note.firesLocal],
    ...[note.cause, note.wakeAt, note.pollMs, note.validUntil],
  );
  scope.tx.afterCommit.push(() => {
    scope.sleeper.note = note;
  });
}
