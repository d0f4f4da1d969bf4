/**
 * One database as one process uses it: the connection (opened when needed, opened again after a
 * fault or when the file was replaced), the queue of steps, and the schedulers that share it.
 */
import type { Chance } from "../../chance.js";
import type { Clock } from "../../clock.js";
import { SchedulerError } from "../../core/errors.js";
import type { ConnectionChange, StoreHealth, Wake } from "../contract.js";
import { answerAll } from "./answers.js";
import { Bell } from "./bell.js";
import { connect, lockedError, type Opened, retryDelayMs } from "./connect.js";
import type { Mode } from "./connection.js";
import type { Driver } from "./driver.js";
import { closedError, schedulerErrorOf } from "./faults.js";
import { type Item, type Outcome, runGroup, shareOf, tryOnce } from "./group.js";
import { Hearing } from "./hearing.js";
import { ConnectionNews } from "./news.js";
import { fileMark } from "./paths.js";
import { forgetSleeper, type Sleeper } from "./sleepers.js";
import type { AddressedWake, Transaction } from "./transaction.js";

/** A scheduler's store that uses this database. */
export interface Member {
  identity: string;
  sleeper: Sleeper;
  wake(wake: Wake): void;
  change(change: ConnectionChange): void;
}

export interface Request<T> {
  owner: Member | null;
  mode: Mode;
  step: (tx: Transaction) => T;
  timeoutMs: number;
  /** How many jobs it may touch; 1 when not said. */
  weight?: number;
}

export interface DatabaseOptions {
  /** null: in memory. */
  path: string | null;
  clock: Clock;
  chance: Chance;
  driver?: Driver | undefined;
}

/** How often to look whether the file is still the one that was opened. */
const MARK_CHECK_MS = 1_000;

export class Database {
  readonly path: string | null;
  readonly clock: Clock;
  /** Marks the sleepers of this process. */
  readonly process: string;
  readonly members: Map<string, Member> = new Map();
  /** In which they are. */
  readonly spaces: Set<number> = new Set();
  readonly #options: DatabaseOptions;
  readonly #bell: Bell | null;
  readonly #hearing: Hearing;
  readonly #news: ConnectionNews;
  #opened: Opened | null = null;
  #opening: Promise<Opened> | null = null;
  #queue: Item[] = [];
  /** True while a turn's end, a retry or an opening will empty the queue. */
  #isDue = false;
  #isClosed = false;
  #mark = "";
  #markCheckedAt = 0;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.path = options.path;
    this.clock = options.clock;
    this.process = options.chance.identity();
    this.#news = new ConnectionNews(
      () => this.clock.monotonic(),
      (change) => {
        for (const member of [...this.members.values()]) member.change(change);
      },
    );
    const { clock, process, members, spaces } = this;
    this.#hearing = new Hearing({
      ...{ clock, process, members, spaces },
      run: (mode, step) => this.submit({ owner: null, mode, step, timeoutMs: MARK_CHECK_MS }),
      wake: (wakes) => this.#wake(wakes),
    });
    this.#bell =
      options.path === null ? null : new Bell(`${options.path}-bell`, () => this.#hear());
  }

  /** How many writing transactions this process has committed on the connection in use. */
  get commits(): number {
    return this.#opened?.connection.commits ?? 0;
  }

  get #name(): string {
    return this.path ?? "in memory";
  }

  /** The open connection, with what is to be said about it. */
  open(): Promise<Opened> {
    if (this.#opened !== null) return Promise.resolve(this.#opened);
    const onBusy = (error: unknown) => this.#refuseOverdue(error);
    this.#opening ??= connect({ ...this.#options, onBusy }).then(
      (opened) => this.#keep(opened),
      (error: unknown) => {
        this.#opening = null;
        this.#news.lost(error);
        throw error;
      },
    );
    return this.#opening;
  }

  /** Runs a step at the end of this turn of the event loop, in one transaction with its others. */
  submit<T>({ owner, mode, step, timeoutMs, weight = 1 }: Request<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const deadline = this.clock.monotonic() + timeoutMs;
      this.#queue.push({ owner, mode, step, resolve, reject, deadline, weight });
      this.#schedule();
    });
  }

  /** Begins to hear other processes; false: not possible here. */
  listen(): boolean {
    return this.#bell?.listen() ?? true;
  }

  /** Takes a scheduler out: its steps that wait are refused, its note as a sleeper goes. */
  leave(member: Member): void {
    this.members.delete(member.identity);
    const own = this.#queue.filter(({ owner }) => owner === member);
    this.#queue = this.#queue.filter(({ owner }) => owner !== member);
    for (const item of own) item.reject(closedError());
    if (this.#opened === null || member.sleeper.note === null) return;
    member.sleeper.note = null;
    const { connection } = this.#opened;
    tryOnce(connection, (tx) => forgetSleeper(tx, member.identity), this.process);
  }

  /** Resolves when its files are closed and its thread is gone, as far as it has them. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#rejectAll(closedError());
    return this.#drop();
  }

  health(): StoreHealth {
    return this.#news.health(this.#opened !== null);
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.clock.endOfTurn(() => this.#pump());
  }

  #pump(): void {
    this.#isDue = false;
    if (this.#queue.length === 0) return;
    this.#checkMark();
    const opened = this.#opened;
    if (opened === null) {
      this.#isDue = true;
      this.open().then(
        () => this.#pump(),
        (error: unknown) => {
          this.#isDue = false;
          this.#rejectAll(error);
        },
      );
      return;
    }
    const items = this.#queue.splice(0, shareOf(this.#queue));
    this.#deliver(opened, runGroup(opened.connection, items, this.process));
  }

  #deliver(opened: Opened, outcome: Outcome): void {
    for (const { item, error } of outcome.refused) {
      item.reject(schedulerErrorOf(error, this.#name));
    }
    if (outcome.kind === "busy") {
      this.#retry(outcome.items, outcome.error);
      return;
    }
    if (outcome.kind === "fault") {
      const error = schedulerErrorOf(outcome.error, this.#name, outcome.isCommitting);
      this.#news.lost(error);
      for (const item of outcome.items) item.reject(error);
      // memory has nothing to open again; a file may be sound or back at the next try
      if (this.path !== null) void this.#drop();
    } else {
      this.#news.answered();
      const onUnsynced = (error: unknown) => this.#refuseUnsynced(opened, error);
      answerAll(outcome.answers, { sync: opened.connection.sync, name: this.#name, onUnsynced });
      this.#wake(outcome.wakes);
      if (outcome.again.length > 0) {
        for (const item of outcome.again) item.mode = "hint";
        this.#queue.unshift(...outcome.again);
        this.#pump();
      }
    }
    if (this.#queue.length > 0) this.#schedule();
  }

  #refuseUnsynced(opened: Opened, error: unknown): void {
    this.#news.lost(error);
    if (this.#opened === opened) void this.#drop();
  }

  /** Waits for the lock outside SQLite, so that the event loop goes on. */
  #retry(items: Item[], cause: unknown): void {
    this.#queue.unshift(...items);
    this.#refuseOverdue(cause);
    if (this.#queue.length === 0) return;
    this.#isDue = true;
    this.clock.after(retryDelayMs(this.#options.chance), () => this.#pump());
  }

  /** Nobody waits for the lock longer than they wanted to. */
  #refuseOverdue(cause: unknown): void {
    const now = this.clock.monotonic();
    const overdue = this.#queue.filter(({ deadline }) => deadline <= now);
    if (overdue.length === 0) return;
    this.#queue = this.#queue.filter(({ deadline }) => deadline > now);
    const error = lockedError(this.path, cause);
    this.#news.lost(error);
    for (const item of overdue) item.reject(error);
  }

  #wake(wakes: AddressedWake[]): void {
    let isRinging = false;
    for (const { identity, wake } of wakes) {
      const member = this.members.get(identity);
      if (member === undefined) {
        isRinging = true;
        continue;
      }
      if (wake.kind === "cancelled") this.#hearing.noteCancelled(wake);
      else member.sleeper.note = null;
      member.wake(wake);
    }
    if (isRinging) this.#bell?.ring();
  }

  #hear(): void {
    if (!this.#isClosed && this.#opened !== null) this.#hearing.hear();
  }

  #keep(opened: Opened): Opened {
    this.#opening = null;
    if (this.#isClosed) {
      void opened.connection.close();
      throw closedError();
    }
    this.#opened = opened;
    const mark = this.path === null ? "" : fileMark(this.path);
    const isOther = this.#mark !== "" && mark !== this.#mark;
    this.#mark = mark;
    opened.connection.dataKey = `${opened.connection.birth},${mark}`;
    this.#markCheckedAt = this.clock.monotonic();
    this.#news.back(opened.isNew || isOther);
    return opened;
  }

  /** A file that was deleted or replaced under us is used by nobody else: open the new one. */
  #checkMark(): void {
    if (this.path === null || this.#opened === null) return;
    const now = this.clock.monotonic();
    if (now - this.#markCheckedAt < MARK_CHECK_MS) return;
    this.#markCheckedAt = now;
    if (fileMark(this.path) === this.#mark) return;
    this.#news.lost(
      new SchedulerError("STORE_UNREACHABLE", `the file of the store ${this.path} was replaced`, {
        value: this.path,
        fix: "stop all schedulers before the files of the store are moved or deleted",
      }),
    );
    void this.#drop();
  }

  #drop(): Promise<void> {
    const closed = this.#opened?.connection.close();
    this.#opened = null;
    this.#bell?.close();
    this.#hearing.forget();
    this.spaces.clear();
    for (const member of this.members.values()) member.sleeper.note = null;
    return closed ?? Promise.resolve();
  }

  #rejectAll(error: unknown): void {
    const items = this.#queue;
    this.#queue = [];
    for (const item of items) item.reject(error);
  }
}
