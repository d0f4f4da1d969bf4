/**
 * What a step sees of its transaction: rows, the counters of the file, the rows of tasks and
 * spaces (read once, written back once), and who has to be woken after the commit.
 */
import type { Wake } from "../contract.js";
import { Arrivals, type NewRow } from "./arrivals.js";
import type { Connection, KnownRows } from "./connection.js";
import type { Value } from "./driver.js";
import { countersOf, type TaskCounters, type TaskRow, taskSaving } from "./tasks.js";
import { fromStored, toStored } from "./text.js";

/** Thrown by a step that was tried in a reading transaction and found that it must write. */
export const NEEDS_WRITE: unique symbol = Symbol("needs a writing transaction");

export interface SpaceRow {
  id: number;
  /** When somebody last noted the time while leases stood, epoch ms. */
  noted_at: number;
  /** From when on every lease has its whole length again, epoch ms; 0: nobody was away. */
  grace_from: number;
  /** Who was chosen for a job that runs alone, now and lately: JSON. */
  reservations: string;
  /** Rises when the registration of some set of definitions lapses or comes back. */
  registrations: number;
  /** When somebody who has registered schedules last looked, epoch ms; 0: nobody yet. */
  registrant_noted_at: number;
  /** Until then no registration counts as lapsed, epoch ms. */
  registrant_grace_until: number;
  /** Registrations that ended up to here have been judged, epoch ms. */
  judged_at: number;
  /** Until then no schedule fires, epoch ms. */
  hold_until: number;
  /** The data for which the last hold was set. */
  hold_key: string;
  /** When a piece of the schedules was last tended, epoch ms, and up to which id. */
  tended_at: number;
  tended_to: string;
  /** The same of an urgent walk. */
  mended_to: string;
}

/** In the order of their columns in `saveSpace`. */
const SPACE_STATE = [
  "noted_at",
  "grace_from",
  "reservations",
  "registrations",
  "registrant_noted_at",
  "registrant_grace_until",
  "judged_at",
  "hold_until",
  "hold_key",
  "tended_at",
  "tended_to",
  "mended_to",
] as const satisfies readonly (keyof SpaceRow)[];

const SAVE_SPACE = `UPDATE space SET ${SPACE_STATE.map((name) => `${name} = ?`).join(", ")}
  WHERE id = ?`;

export interface AddressedWake {
  identity: string;
  wake: Wake;
}

/** Work that appeared in this transaction: `dueAt` 0 is ready now. */
export interface Notice {
  space: number;
  task: TaskRow;
  dueAt: number;
}

/** A schedule has to be decided from `wakeAt` on. */
export interface ScheduleNotice {
  space: number;
  task: number;
  /** Local ones: who has registered them can fire them; null: who can fire its task's. */
  scheduleId: string | null;
  wakeAt: number;
}

interface TaskKey {
  id: number;
  space: number;
  name: string;
}

export interface TransactionRules {
  isWriting: boolean;
  isGathering: boolean;
}

const CONCERNS_JOBS = new Map<string, boolean>();

function concernsJobs(sql: string): boolean {
  let answer = CONCERNS_JOBS.get(sql);
  if (answer === undefined) {
    answer = /\bjob\b/.test(sql);
    CONCERNS_JOBS.set(sql, answer);
  }
  return answer;
}

export class Transaction {
  readonly isWriting: boolean;
  readonly connection: Connection;
  readonly notices: Map<number, Notice> = new Map();
  /** The nearest moment of schedules that was written, by who can fire them. */
  readonly scheduleNotices: Map<string, ScheduleNotice> = new Map();
  readonly wakes: AddressedWake[] = [];
  /** Done after the commit, before the callers are answered. */
  readonly afterCommit: (() => void)[] = [];
  /** The latest clock reading of its steps, epoch ms. */
  now = 0;
  /** How many jobs have joined the line because they are due. */
  promoted = 0;
  readonly arrivals: Arrivals = new Arrivals();
  /** Those of the known rows that this transaction has met. */
  readonly #tasks: Map<number, TaskRow> = new Map();
  readonly #spaces: Map<number, SpaceRow> = new Map();
  #knownRows: KnownRows | undefined;
  readonly #isGathering: boolean;
  #file: { last_number: number; last_fence: number } | undefined;

  /** `isGathering`: new jobs may be written later than their step ran, with those of others. */
  constructor(connection: Connection, { isWriting, isGathering }: TransactionRules) {
    this.connection = connection;
    this.isWriting = isWriting;
    this.#isGathering = isGathering;
  }

  run(sql: string, ...values: Value[]): number {
    this.needWrite();
    this.#writeArrivals(sql);
    return this.connection.run(sql, ...values);
  }

  get<T>(sql: string, ...values: Value[]): T | undefined {
    this.#writeArrivals(sql);
    return this.connection.get<T>(sql, ...values);
  }

  all<T>(sql: string, ...values: Value[]): T[] {
    this.#writeArrivals(sql);
    return this.connection.all<T>(sql, ...values);
  }

  /** Adds a job; every later statement about jobs finds it. */
  insertJob(row: NewRow): void {
    this.needWrite();
    this.arrivals.add(row);
    if (!this.#isGathering) this.arrivals.write(this.connection);
  }

  /** Ends this try when it only reads; the step is then run again in a writing transaction. */
  needWrite(): void {
    if (!this.isWriting) throw NEEDS_WRITE;
  }

  /** The next number of a job, or of a place in the line: never lower, never again. */
  nextNumber(now: number): number {
    const file = this.#counters();
    file.last_number = Math.max(file.last_number + 1, now * 1_000);
    return file.last_number;
  }

  nextFence(now: number): number {
    const file = this.#counters();
    file.last_fence = Math.max(file.last_fence + 1, now * 1_000);
    return file.last_fence;
  }

  /** The row id of a prefix; made when it is new. */
  spaceId(prefix: string): number {
    const known = this.connection.spaceIds.get(prefix);
    if (known !== undefined) return known;
    let row = this.get<{ id: number }>("SELECT id FROM space WHERE prefix = ?", toStored(prefix));
    if (row === undefined) {
      this.run("INSERT INTO space (prefix) VALUES (?)", toStored(prefix));
      row = this.get<{ id: number }>("SELECT id FROM space WHERE prefix = ?", toStored(prefix));
    }
    const id = row?.id ?? 0;
    this.connection.spaceIds.set(prefix, id);
    return id;
  }

  space(id: number): SpaceRow {
    let row = this.#spaces.get(id);
    if (row === undefined) {
      row = this.get<SpaceRow>("SELECT * FROM space WHERE id = ?", id) as SpaceRow;
      this.#spaces.set(id, row);
    }
    return row;
  }

  saveSpace(row: SpaceRow): void {
    this.run(SAVE_SPACE, ...SPACE_STATE.map((name) => row[name]), row.id);
  }

  /** The task of that name; null when nothing was ever stored for it. */
  findTask(space: number, name: string): TaskRow | null {
    const id = this.connection.taskIds.get(`${space},${name}`);
    return id === undefined ? this.#readTaskByName(space, name) : this.taskById(id);
  }

  /** The task of that name; made when it is new. */
  task(space: number, name: string): TaskRow {
    const found = this.findTask(space, name);
    if (found !== null) return found;
    this.run("INSERT INTO task (space, name) VALUES (?, ?)", space, toStored(name));
    return this.#readTaskByName(space, name) as TaskRow;
  }

  taskById(id: number): TaskRow {
    const task = this.#tasks.get(id);
    if (task !== undefined) return task;
    const known = this.#known.tasks.get(id);
    if (known === undefined) return this.#remember(this.get("SELECT * FROM task WHERE id = ?", id));
    known.promotedAt = null;
    this.#tasks.set(id, known);
    return known;
  }

  /** Says that there is work to do, so that somebody is woken for it. */
  notice(task: TaskRow, dueAt: number): void {
    const known = this.notices.get(task.id);
    if (known === undefined) this.notices.set(task.id, { space: task.space, task, dueAt });
    else known.dueAt = Math.min(known.dueAt, dueAt);
  }

  /** Says that a schedule has to be decided at another moment. */
  noticeSchedule(notice: ScheduleNotice): void {
    const { space, task, scheduleId } = notice;
    const key = scheduleId === null ? `${task}` : `${space},${scheduleId}`;
    const known = this.scheduleNotices.get(key);
    if (known === undefined) this.scheduleNotices.set(key, notice);
    else known.wakeAt = Math.min(known.wakeAt, notice.wakeAt);
  }

  /** Writes back what was counted. The last step before the commit. */
  save(): void {
    this.arrivals.write(this.connection);
    for (const task of this.#tasks.values()) {
      if (!task.isChanged) continue;
      this.run(taskSaving.sql, ...taskSaving.values(task));
      task.isChanged = false;
    }
    if (this.#file === undefined) return;
    const { last_number, last_fence } = this.#file;
    this.run("UPDATE file SET last_number = ?, last_fence = ?", last_number, last_fence);
  }

  #writeArrivals(sql: string): void {
    if (!this.arrivals.isEmpty && concernsJobs(sql)) this.arrivals.write(this.connection);
  }

  /** Asked for when first needed: a look needs none. */
  get #known(): KnownRows {
    this.#knownRows ??= this.connection.knownRows();
    return this.#knownRows;
  }

  #counters(): { last_number: number; last_fence: number } {
    this.needWrite();
    this.#known.file ??= this.get("SELECT last_number, last_fence FROM file") ?? {
      last_number: 0,
      last_fence: 0,
    };
    this.#file = this.#known.file;
    return this.#file;
  }

  #readTaskByName(space: number, name: string): TaskRow | null {
    const row = this.get("SELECT * FROM task WHERE space = ? AND name = ?", space, toStored(name));
    return row === undefined ? null : this.#remember(row);
  }

  #remember(row: unknown): TaskRow {
    const { id, space, name: stored, ...rest } = row as TaskKey;
    const name = fromStored(stored);
    const task: TaskRow = {
      ...{ id, space, name },
      counters: countersOf(rest as TaskCounters),
      isChanged: false,
      promotedAt: null,
    };
    this.#tasks.set(id, task);
    this.#known.tasks.set(id, task);
    this.connection.taskIds.set(`${space},${name}`, id);
    return task;
  }
}
