/** The embedded store: `Store` on a SQLite file or in memory; each verb is one atomic step. */
import type { Chance } from "../../chance.js";
import type { Clock } from "../../clock.js";
import type { Durability } from "../../core/durability.js";
import { type Finding, finding } from "../../core/finding.js";
import type * as contract from "../contract.js";
import { GIVE_UP_MS } from "./connect.js";
import type { Mode } from "./connection.js";
import type { Database, Member } from "./database.js";
import { examineCalmly, examineFile, examineOpen } from "./doctor.js";
import type { Driver } from "./driver.js";
import { cancel, redrive } from "./jobs.js";
import { getJob } from "./list.js";
import { look } from "./look.js";
import { mend } from "./mend.js";
import {
  listInPieces,
  pruneInPieces,
  type Run,
  recoverInPieces,
  renewInPieces,
  STEP_WEIGHT,
  schedulesInPieces,
} from "./pieces.js";
import { push } from "./push.js";
import { reap } from "./reap.js";
import { fire, trigger } from "./schedules/fire.js";
import { holdFor } from "./schedules/hold.js";
import { pause, remove } from "./schedules/manage.js";
import { register } from "./schedules/register.js";
import { schedule } from "./schedules/show.js";
import { tend } from "./schedules/tend.js";
import type { Scope } from "./scope.js";
import { acquireFile, MemoryDatabase, releaseFile } from "./shared.js";
import type { Sleeper } from "./sleepers.js";
import { publicCounts } from "./tasks.js";
import type { Transaction } from "./transaction.js";
import { MOST_JOBS, work } from "./work.js";

export { createMemoryDatabase, MemoryDatabase } from "./shared.js";

export interface SqliteStoreOptions {
  /** A file; a memory of its own; or a memory that other stores use, too. */
  target: { path: string } | "memory" | MemoryDatabase;
  /** Separates applications in one file. */
  prefix: string;
  /** `fsync`: what was answered survives a power cut; `store`: only the death of the process. */
  durability: Durability;
  /** This scheduler's own: random, never configured. */
  identity: string;
  clock: Clock;
  chance: Chance;
  /** For tests of other engines; else the best binding that is there. */
  driver?: Driver;
}

export function createSqliteStore(options: SqliteStoreOptions): contract.Store {
  return new SqliteStore(options);
}

class SqliteStore implements contract.Store {
  readonly shards = 1;
  readonly #options: SqliteStoreOptions;
  readonly #member: Member;
  readonly #sleeper: Sleeper = { note: null };
  readonly #memory: MemoryDatabase | null;
  readonly #wakeListeners: Set<(wake: contract.Wake) => void> = new Set();
  readonly #changeListeners: Set<(change: contract.ConnectionChange) => void> = new Set();
  /** null until the first verb, and after close. */
  #database: Database | null = null;
  /** A step of a series, as large as a step may be. */
  readonly #step: Run = (mode, step) => this.#run(mode, step, { weight: STEP_WEIGHT });
  /** The data that this store knows; null: it has seen none yet. */
  #dataKey: string | null = null;

  constructor(options: SqliteStoreOptions) {
    this.#options = options;
    const { target, clock, chance, driver } = options;
    if (target === "memory") this.#memory = new MemoryDatabase({ clock, chance, driver });
    else this.#memory = target instanceof MemoryDatabase ? target : null;
    this.#member = {
      identity: options.identity,
      sleeper: this.#sleeper,
      wake: (wake) => tellAll(this.#wakeListeners, wake),
      change: (change) => tellAll(this.#changeListeners, change),
    };
  }

  async open(): Promise<contract.StoreInfo> {
    const database = this.#acquire();
    const { engine, warnings } = await database.open();
    await this.#run("durable", ({ space }) => space);
    const { durability, clock } = this.#options;
    const where = database.path === null ? "in memory" : `file ${database.path}`;
    const survives =
      database.path === null
        ? "nothing survives this process"
        : durability === "fsync"
          ? "what was answered survives a power cut"
          : "what was answered survives the process; a power cut may undo the last moments";
    const description = `${engine}, ${where}: ${survives}`;
    const inForce = database.path === null ? "store" : durability;
    return { description, now: clock.now(), warnings, durability: inForce };
  }

  push({ jobs, timeoutMs }: contract.PushArgs): Promise<contract.PushAnswer[]> {
    return this.#run("durable", (scope) => push(scope, jobs), { timeoutMs, weight: jobs.length });
  }

  work(args: contract.WorkArgs): Promise<contract.WorkAnswer> {
    const claimed = args.claims.reduce((sum, { limit }) => sum + limit, 0);
    const weight = args.settles.length + Math.min(claimed, MOST_JOBS);
    return this.#runHearing("durable", (scope) => work(scope, args), { weight });
  }

  look(args: contract.LookArgs): Promise<contract.Look> {
    return this.#runHearing("read", (scope) => look(scope, args));
  }

  renew(args: contract.RenewArgs): Promise<contract.Renewed> {
    return renewInPieces(this.#step, args);
  }

  reap(args: contract.ReapArgs): Promise<contract.Reaped[]> {
    return this.#run("durable", (scope) => reap(scope, args), { weight: STEP_WEIGHT });
  }

  register(args: contract.RegisterArgs): Promise<contract.RegisterAnswer[]> {
    return this.#run("durable", (scope) => register(scope, args));
  }

  fire(args: contract.FireArgs): Promise<contract.FireAnswer[]> {
    return this.#run("durable", (scope) => fire(scope, args));
  }

  trigger(args: contract.TriggerArgs): Promise<contract.TriggerAnswer | null> {
    return this.#run("durable", (scope) => trigger(scope, args));
  }

  pause(args: contract.PauseArgs): Promise<{ revision: number } | null> {
    return this.#run("durable", (scope) => pause(scope, args));
  }

  remove(args: contract.RemoveArgs): Promise<contract.RemoveAnswer> {
    return this.#run("durable", (scope) => remove(scope, args));
  }

  schedule(args: { scheduleId: string }): Promise<contract.ScheduleDetail | null> {
    return this.#run("read", (scope) => schedule(scope, args));
  }

  schedules(args: contract.SchedulesArgs): Promise<contract.SchedulePage> {
    return schedulesInPieces(this.#step, args);
  }

  tend(args: contract.TendArgs): Promise<contract.Tended> {
    return this.#run("read", (scope) => tend(scope, args));
  }

  recover(args: { decided: readonly contract.Decided[] }): Promise<string[]> {
    return recoverInPieces(this.#step, args.decided);
  }

  get(args: contract.JobRef): Promise<contract.JobView | null> {
    return this.#run("read", (scope) => getJob(scope, args));
  }

  cancel(args: contract.JobRef): Promise<contract.CancelAnswer | null> {
    return this.#run("durable", (scope) => cancel(scope, args));
  }

  redrive(args: contract.JobRef): Promise<contract.RedriveAnswer | null> {
    return this.#run("durable", (scope) => redrive(scope, args));
  }

  list(args: contract.ListArgs): Promise<contract.JobPage> {
    return listInPieces(this.#step, args);
  }

  counts({ taskId }: { taskId: string }): Promise<contract.TaskCounts> {
    return this.#run("read", ({ tx, space }) => publicCounts(tx.findTask(space, taskId)));
  }

  prune(args: contract.PruneArgs): Promise<boolean> {
    return pruneInPieces(this.#step, args);
  }

  mend(args: contract.MendArgs): Promise<contract.Mended> {
    return this.#run("hint", (scope) => mend(scope, args));
  }

  onWake(listener: (wake: contract.Wake) => void): () => void {
    this.#wakeListeners.add(listener);
    return () => void this.#wakeListeners.delete(listener);
  }

  onConnection(listener: (change: contract.ConnectionChange) => void): () => void {
    this.#changeListeners.add(listener);
    return () => void this.#changeListeners.delete(listener);
  }

  async examine(args: contract.ExamineArgs): Promise<Finding[]> {
    const { target, durability, driver, clock } = this.#options;
    const path = this.#memory === null ? (target as { path: string }).path : null;
    const { findings, canOpen } =
      path === null ? { findings: [], canOpen: true } : await examineFile(path, driver);
    if (!canOpen) return findings;
    const ask = () => this.#run("read", (scope) => examineOpen(scope, { ...args, durability }));
    const open = await examineCalmly(ask, clock);
    const reached = finding("STORE_REACHABLE", "ok", "the store answers", {
      value: path ?? "memory",
    });
    return [reached, ...findings, ...open];
  }

  health(): contract.StoreHealth {
    const nothing = { connected: false, sinceAnswerMs: null, lastError: null };
    return this.#database?.health() ?? nothing;
  }

  async close(): Promise<void> {
    const database = this.#database;
    if (database === null) return;
    this.#database = null;
    database.leave(this.#member);
    await releaseFile(database);
  }

  #acquire(): Database {
    if (this.#database !== null) return this.#database;
    const { target, clock, chance, driver } = this.#options;
    const database =
      this.#memory?.database ??
      acquireFile((target as { path: string }).path, { clock, chance, driver });
    database.members.set(this.#member.identity, this.#member);
    this.#database = database;
    return database;
  }

  async #run<T>(
    mode: Mode,
    step: (scope: Scope) => T,
    { timeoutMs = GIVE_UP_MS, weight = 1 }: { timeoutMs?: number; weight?: number } = {},
  ): Promise<T> {
    const database = this.#acquire();
    return database.submit({
      owner: this.#member,
      mode: mode === "durable" && this.#options.durability === "store" ? "hint" : mode,
      step: (tx) => step(this.#scope(tx, database)),
      timeoutMs,
      weight,
    });
  }

  /** For who runs jobs: the bell is heard from here on. Who only pushes need not hear it. */
  async #runHearing<T>(
    mode: Mode,
    step: (scope: Scope) => T,
    bounds: { weight?: number } = {},
  ): Promise<T> {
    this.#acquire().listen();
    return this.#run(mode, step, bounds);
  }

  #scope(tx: Transaction, database: Database): Scope {
    const { prefix, identity, clock } = this.#options;
    const exactNow = clock.nowExact();
    const now = Math.floor(exactNow);
    tx.now = Math.max(tx.now, now);
    const { process } = database;
    const [space, sleeper] = [tx.spaceId(prefix), this.#sleeper];
    database.spaces.add(space);
    const scope: Scope = { tx, space, identity, process, sleeper, now, exactNow };
    this.#meet(scope);
    return scope;
  }

  /** Sees which data these are: others than it knew fire nothing for a moment. */
  #meet(scope: Scope): void {
    const { tx } = scope;
    const { dataKey } = tx.connection;
    if (this.#dataKey === dataKey) return;
    if (this.#dataKey !== null) holdFor(scope, dataKey);
    tx.afterCommit.push(() => {
      this.#dataKey = dataKey;
    });
  }
}

/** A listener that throws stops neither the store nor the other listeners. */
function tellAll<T>(listeners: ReadonlySet<(news: T) => void>, news: T): void {
  for (const listener of [...listeners]) {
    try {
      listener(news);
    } catch {
      // the listener's own affair
    }
  }
}
