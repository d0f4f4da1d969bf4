/**
 * All loops of a started scheduler, wired to each other, from start to stop:
 *  1. those of each shard, see `shard-engine.ts`, and the pruning
 *  2. wakes of the store go to the shard that they concern
 *  3. when the store is back, everything is tried at once and counts as doubtful
 *  4. stops as promised: no more claims, handlers end or are given up, leases renewed meanwhile
 */
import type { Chance } from "../chance.js";
import type { Clock, Timer } from "../clock.js";
import type { Emitter } from "../core/events.js";
import type { Logger } from "../core/logger.js";
import type { CheckedBind, CheckedSchedulerOptions } from "../core/options.js";
import { shardOfTask, shardsOfTask } from "../core/shard.js";
import type { ConnectionChange, Store, Wake } from "../store/contract.js";
import { Capacity } from "./capacity.js";
import type { Deputy } from "./deputy/deputy.js";
import type { HandlerThreads } from "./handler-pool.js";
import { type HandlerPools, poolsOf } from "./handler-pools.js";
import { Loop } from "./loop.js";
import { Mending } from "./mend.js";
import { pruneRestMs, pruneStep } from "./prune.js";
import { isAbsence, isBrokenOff } from "./refused.js";
import type { Registrations } from "./registrations.js";
import { Reporter } from "./reporter.js";
import { ShardEngine } from "./shard-engine.js";
import { Share } from "./share.js";
import { Solo } from "./solo.js";
import { fixSpreads } from "./spreading.js";
import { Tending } from "./tend.js";

/** What goes wrong does so more than once: mended this long after a first time, ms. */
const DOUBT_MS = 3_000;
/**
 * What is damaged stays so until somebody puts it right, and a round is a dozen calls then; but
 * health() has to notice soon that somebody did.
 */
const LONGEST_PRUNE_BACKOFF_MS = 3_000;

export interface EngineParts {
  store: Store;
  clock: Clock;
  chance: Chance;
  emitter: Emitter;
  logger: Logger;
  options: CheckedSchedulerOptions;
  binds: ReadonlyMap<string, CheckedBind>;
  registrations: Registrations;
  /** The store's clock when it was opened, epoch ms. */
  openedAt: number;
  /** null: leases are renewed from here alone. */
  deputy?: Deputy | null;
  handlerThreads?: HandlerThreads;
}

export class Engine {
  /** One for each shard of the store, which is open. */
  readonly shards: readonly ShardEngine[];
  readonly #parts: EngineParts;
  readonly #deputy: Deputy | null;
  readonly #pools: HandlerPools;
  readonly #reporter: Reporter;
  readonly #mending: Mending;
  readonly #pruneLoop: Loop;
  readonly #tending: Tending;
  /** Of tasks that live in several shards. */
  readonly #shares = new Map<string, Share>();
  #subscriptions: (() => void)[] = [];
  /** Until all bound tasks are mended; null: there is no doubt. */
  #doubt: Timer | null = null;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#reporter = new Reporter(parts);
    this.#pools = poolsOf(parts);
    this.#deputy = parts.deputy ?? null;
    this.#deputy?.opened(parts.store.shards);
    this.shards = this.#makeShards();
    for (const taskId of this.#pools.binds.keys()) this.#spread(taskId);
    this.#tending = new Tending({ ...parts, presence: parts.registrations.sights });
    this.#mending = new Mending({ store: parts.store, taskIds: [...parts.binds.keys()] });
    this.#pruneLoop = this.#makePruneLoop();
  }

  start(): void {
    const { store, chance } = this.#parts;
    this.#subscriptions = [
      store.onWake((wake) => this.#woken(wake)),
      store.onConnection((change) => this.#connection(change)),
    ];
    for (const shard of this.shards) shard.start();
    this.#pruneLoop.start(pruneRestMs(chance));
  }

  /** Handlers that run now. */
  get running(): number {
    return this.shards.reduce((sum, { pump }) => sum + pump.running, 0);
  }

  /** The longest that a loop is behind its plan, ms. */
  overdueMs(): number {
    return Math.max(...this.#loops().map((loop) => loop.overdueMs));
  }

  /** What a loop fails with again and again though the store is there; null: none does. */
  failsWith(): unknown {
    const all = this.#loops().map(({ failsWith }) => failsWith);
    return all.find((error) => error !== null && !isAbsence(error)) ?? null;
  }

  /** Claims no more; resolves when nothing runs and all is settled. */
  async windDown(): Promise<void> {
    this.#doubt?.cancel();
    void this.#pruneLoop.stop();
    await Promise.all(this.shards.map((shard) => shard.windDown()));
  }

  /** Ends what still runs. */
  giveUp(): void {
    for (const { pump } of this.shards) pump.giveUpAll();
  }

  /** No step begins after this call; resolves when the running ones have ended. */
  async end(): Promise<void> {
    this.forget();
    // The store takes it for a sleeper until it is closed.
    this.#subscriptions = [this.#parts.store.onWake((wake) => this.#refuse(wake))];
    await Promise.all([...this.#loops().map((loop) => loop.stop()), this.#deputy?.close()]);
    await this.#pools.end();
  }

  /** The store is closed. */
  forget(): void {
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
  }

  /** A schedule was changed by this scheduler: looks at once. */
  look(): void {
    for (const shard of this.shards) shard.look();
  }

  #loops(): Loop[] {
    return [...this.shards.flatMap((shard) => shard.loops()), this.#pruneLoop];
  }

  #makeShards(): ShardEngine[] {
    const { store, clock } = this.#parts;
    const solo = new Solo(clock);
    const capacity = new Capacity(clock);
    const count = store.shards;
    return Array.from({ length: count }, (_, shard) => {
      const { binds } = this.#pools;
      const tasks = [...binds.values()].filter((it) => shardOfTask(it.taskId, count) === shard);
      return new ShardEngine({
        ...this.#parts,
        ...{ shard, isOnly: count === 1, binds, tasks, deputy: this.#deputy, solo, capacity },
        repair: () => this.#repair(),
        onError: (error, loopName) => this.#failed(loopName, error),
      });
    });
  }

  #makePruneLoop(): Loop {
    const { clock, chance, binds, options } = this.#parts;
    const taskIds = [...binds.keys()];
    const [tending, mending] = [this.#tending, this.#mending];
    const pruneParts = { ...this.#parts, keep: options.keep, taskIds, tending, mending };
    const onError = (error: unknown): void => this.#reporter.loopFailed("prune", error);
    const step = () => pruneStep(pruneParts);
    const longestBackoffMs = LONGEST_PRUNE_BACKOFF_MS;
    return new Loop({ name: "prune", step, clock, chance, onError, longestBackoffMs });
  }

  #failed(loopName: string, error: unknown): void {
    this.#reporter.loopFailed(loopName, error);
    if (!isBrokenOff(error)) return;
    this.#mending.doubt();
    if (this.#doubt !== null) return;
    const mend = (): void => {
      this.#doubt = null;
      this.#pruneLoop.insist();
    };
    this.#doubt = this.#parts.clock.after(DOUBT_MS, mend, { keepAlive: false });
  }

  /** Something is missing from the index of schedules: walks through all of them at once. */
  #repair(): void {
    this.#tending.hurry();
    this.#pruneLoop.insist();
  }

  #woken(wake: Wake): void {
    if (wake.kind === "look" && wake.shard === undefined) {
      for (const shard of this.shards) shard.woken(wake);
    } else if (wake.kind === "spread") this.#spread(wake.taskId);
    else this.shards[this.#shardOf(wake)]?.woken(wake);
  }

  /** Gives a bound task its places in all of its shards. */
  #spread(taskId: string): void {
    const { store, clock } = this.#parts;
    const task = this.#pools.binds.get(taskId);
    const over = store.spreads?.over(taskId) ?? 1;
    if (task === undefined || over === 1) return;
    const share = this.#shares.get(taskId) ?? new Share(task.concurrency, clock);
    this.#shares.set(taskId, share);
    for (const shard of shardsOfTask(taskId, { shards: store.shards, over })) {
      this.shards[shard]?.share(task, share);
    }
  }

  /** What is handed over now goes back at once: nobody is there any more who would run it. */
  #refuse(wake: Wake): void {
    if (wake.kind === "handed") this.shards[this.#shardOf(wake)]?.refuse(wake.batch);
  }

  #shardOf(wake: Wake): number {
    if (wake.kind === "look") return wake.shard ?? 0;
    if (wake.kind === "spread") return 0;
    const { taskId, shard } = wake.kind === "handed" ? wake.batch : wake;
    return shard ?? shardOfTask(taskId, this.shards.length);
  }

  #connection(change: ConnectionChange): void {
    if (change.kind === "lost") return;
    const { registrations, store, binds } = this.#parts;
    registrations.forgotten(change.emptied ? "all" : "some");
    // What was fixed just before may be lost.
    fixSpreads(store, binds.values()).catch((error) => this.#reporter.loopFailed("spread", error));
    for (const shard of this.shards) shard.connection(change);
  }
}
