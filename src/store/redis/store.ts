/** The Redis store: each verb of the contract, over shards. Nothing clever happens here. */
import type { Chance } from "../../chance.js";
import { type Clock, sleep } from "../../clock.js";
import type { Durability } from "../../core/durability.js";
import type {
  ConnectionChange,
  HandedBatch,
  Look,
  LookArgs,
  PushAnswer,
  PushArgs,
  ReapArgs,
  Reaped,
  RenewArgs,
  Renewed,
  Store,
  StoreHealth,
  StoreInfo,
  Wake,
  WorkAnswer,
  WorkArgs,
} from "../contract.js";
import type { RedisTarget } from "./client.js";
import { examine } from "./doctor.js";
import { durably } from "./durable.js";
import { homeOf } from "./home.js";
import { infoOf } from "./info.js";
import { JobVerbs } from "./job-verbs.js";
import { reapOnShard, renewOnShard } from "./leases.js";
import { leave } from "./leave.js";
import { lookInShard } from "./look.js";
import { pushOverShards, pushToShard, type Routes } from "./push.js";
import { ScheduleVerbs } from "./schedule-verbs.js";
import type { Script, Verb } from "./scripts.js";
import type { Home } from "./session.js";
import { ShardClocks } from "./shard-clocks.js";
import { at, groupByShard, shardOfLease } from "./shards.js";
import { Sleep } from "./sleep.js";
import { SpreadTasks } from "./spreads.js";
import { workOnShard } from "./work.js";

/** How long a verb without a time limit of its own waits for a connection. */
const WAIT_MS = 5_000;

/** How long after a good-bye what was sent before it may come. */
const HEARD_MS = 10;

export interface RedisStoreOptions {
  /** As the user gave it: a URL, options, or a client to be duplicated. */
  redis: RedisTarget;
  prefix: string;
  identity: string;
  clock: Clock;
  chance: Chance;
  /** What an answer means; `store` unless given. */
  durability?: Durability;
  /** Only for tests: scripts whose clock is moved by a key. */
  testClock?: boolean;
  /** Only for tests: these scripts instead. */
  scripts?: Readonly<Record<Verb, Script>>;
  /** Only for tests: the number of shards of a new data set. */
  shards?: number;
  /** Only for tests: how many jobs that are pushed together become a bundle. */
  leastBundled?: number;
}

export function createRedisStore(options: RedisStoreOptions): Store {
  return durably(new RedisStore(options), options);
}

class RedisStore implements Store {
  readonly #options: RedisStoreOptions;
  readonly session: Home;
  readonly #waker: ReturnType<Home["waker"]>;
  readonly #wakeListeners = new Set<(wake: Wake) => void>();
  readonly #changeListeners = new Set<(change: ConnectionChange) => void>();
  readonly #schedules = new ScheduleVerbs(async () => this.session.shards(WAIT_MS));
  readonly #jobs: JobVerbs;
  /** Of each shard. */
  readonly #sleeps = new Map<number, Sleep>();
  readonly #watch = new Sleep();
  readonly #clocks = new ShardClocks();
  readonly spreads: SpreadTasks;
  #listening = false;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    const shards = async () => this.session.shards(WAIT_MS);
    this.spreads = new SpreadTasks({
      ...{ shards, surely: (shard) => this.session.surely(shard), clock: options.clock },
      onSpread: (taskId) => this.#woken({ kind: "spread", taskId }),
    });
    const parts = {
      ...{ ...options, knowledge: this.spreads },
      scripts: async () =>
        options.scripts ??
        (options.testClock
          ? (await import("./testing-scripts.js")).testScripts
          : (await import("./scripts.js")).scripts),
      onChange: (change: ConnectionChange) => {
        this.#nothingIsSure();
        if (change.kind === "back" && change.emptied) this.spreads.forget();
        for (const listener of this.#changeListeners) listener(change);
      },
    };
    this.session = homeOf(parts);
    const isLate = (batch: HandedBatch) => this.#clocks.isLate(batch, options.clock.monotonic());
    this.#waker = this.session.waker({ onWake: (wake) => this.#woken(wake), isLate });
    this.#jobs = new JobVerbs(shards, this.spreads);
  }

  get shards(): number {
    return this.session.shardCount;
  }

  async open(): Promise<StoreInfo> {
    await this.session.connectNow();
    // Looks know a session from its first call on: this one makes it.
    for (const shard of await this.session.shards(WAIT_MS)) shard.works.reopen();
    const info = await this.guarantee();
    this.#listen();
    return info;
  }

  guarantee(): Promise<StoreInfo> {
    return infoOf(this.session, this.#options);
  }

  async push(args: PushArgs & Pick<Routes, "answered">): Promise<PushAnswer[]> {
    const { clock, leastBundled } = this.#options;
    const beganAt = clock.monotonic();
    const found = this.session.shards(args.timeoutMs);
    const shards = found instanceof Promise ? await found : found;
    const leftMs = () => Math.max(1, args.timeoutMs - (clock.monotonic() - beganAt));
    const { jobs, shard: wish, answered } = args;
    const call = { answered, leastBundled };
    if (shards.length === 1) {
      return await pushToShard(at(shards, 0), { jobs, timeoutMs: leftMs(), ...call });
    }
    return await pushOverShards(jobs, { shards, spreads: this.spreads, wish, leftMs, ...call });
  }

  async work(args: WorkArgs): Promise<WorkAnswer> {
    const found = this.session.shards(WAIT_MS);
    const shards = found instanceof Promise ? await found : found;
    const { identity } = this.#options;
    const index = named(args, shards.length);
    const answer = await workOnShard(at(shards, index), { ...args, identity });
    this.#sleepOf(index).worked(args, answer);
    if (shards.length > 1) for (const batch of answer.batches) batch.shard = index;
    return answer;
  }

  async look(args: LookArgs): Promise<Look> {
    this.#waker.looksEvery(args.sleepMs);
    const shards = await this.session.shards(WAIT_MS);
    const { sessionKnown, ...look } = await lookInShard(at(shards, named(args, shards.length)), {
      ...args,
      ...this.#options,
      sleepOf: (shard) => this.#sleepOf(shard),
      watch: this.#watch,
      clocks: this.#clocks,
      shardCount: shards.length,
      shardOfSchedule: (id) => this.#schedules.shardOf(id, shards.length),
      onSpreads: (shard, spreads) => {
        // If it fails the next look tells it again.
        this.spreads.heard(shard, spreads, args.fireable.taskIds).catch(() => {});
      },
    });
    this.#schedules.note(look.schedules);
    if (!sessionKnown) {
      this.#nothingIsSure();
      void this.session.verify();
    }
    return look;
  }

  async renew(args: RenewArgs): Promise<Renewed> {
    const shards = await this.session.shards(WAIT_MS);
    const groups = groupByShard(args.leases, (lease) => shardOfLease(lease, shards.length));
    const parts = await Promise.all(
      [...groups].map(([index, leases]) =>
        renewOnShard(at(shards, index), {
          leases: leases.map((entry) => entry.item),
          progress: args.progress.filter((said) => shardOfLease(said, shards.length) === index),
        }),
      ),
    );
    return {
      lost: parts.flatMap((part) => part.lost),
      cancelled: parts.flatMap((part) => part.cancelled),
    };
  }

  async reap(args: ReapArgs): Promise<Reaped[]> {
    const shards = await this.session.shards(WAIT_MS);
    const groups = groupByShard(args.leases, (lease) => shardOfLease(lease, shards.length));
    const parts = [...groups].map(([index, leases]) =>
      reapOnShard(at(shards, index), { ...args, leases: leases.map(({ item }) => item) }),
    );
    return (await Promise.all(parts)).flat();
  }

  register: Store["register"] = (args) => this.#schedules.register(args);
  fire: Store["fire"] = (args) => this.#schedules.fire(args);
  trigger: Store["trigger"] = (args) => this.#schedules.trigger(args);
  pause: Store["pause"] = (args) => this.#schedules.pause(args);
  remove: Store["remove"] = (args) => this.#schedules.remove(args);
  schedule: Store["schedule"] = (args) => this.#schedules.schedule(args);
  schedules: Store["schedules"] = (args) => this.#schedules.schedules(args);
  tend: Store["tend"] = (args) => this.#schedules.tend(args);
  recover: Store["recover"] = (args) => this.#schedules.recover(args);

  get: Store["get"] = (args) => this.#jobs.get(args);
  cancel: Store["cancel"] = (args) => this.#jobs.cancel(args);
  redrive: Store["redrive"] = (args) => this.#jobs.redrive(args);
  list: Store["list"] = (args) => this.#jobs.list(args);
  counts: Store["counts"] = (args) => this.#jobs.counts(args);
  prune: Store["prune"] = (args) => this.#jobs.prune(args);
  mend: Store["mend"] = (args) => this.#jobs.mend(args);

  onWake(listener: (wake: Wake) => void): () => void {
    this.#wakeListeners.add(listener);
    if (this.session.connected) this.#listen();
    return () => void this.#wakeListeners.delete(listener);
  }

  onConnection(listener: (change: ConnectionChange) => void): () => void {
    this.#changeListeners.add(listener);
    return () => void this.#changeListeners.delete(listener);
  }

  examine: Store["examine"] = (args) => {
    const patients = () => this.session.patients();
    return examine({ durability: "store", ...this.#options, patients }, args);
  };

  health(): StoreHealth {
    const session = this.session;
    const { away } = session;
    return {
      connected: session.connected,
      ...(away.length === 0 ? {} : { away }),
      sinceAnswerMs: session.sinceAnswerMs(),
      lastError: session.lastError?.message ?? null,
    };
  }

  async close(): Promise<void> {
    const hasSlept = [...this.#sleeps.values()].some((sleep) => sleep.hasRegistered);
    if (this.#listening && hasSlept) await this.#leave(false);
    this.#waker.stop();
    this.#listening = false;
    await this.#leave(true);
    this.#nothingIsSure();
    this.session.close();
  }

  async #leave(isOver: boolean): Promise<void> {
    if (!this.session.connected) return;
    const shards = await this.session.shards(WAIT_MS);
    const taskIdsOf = (shard: number) => [...this.#sleepOf(shard).everRegistered()];
    await leave(shards, { ...this.#options, taskIdsOf, isOver });
    // What it was handed until then is on its way.
    if (!isOver) await sleep(this.#options.clock, HEARD_MS);
  }

  #woken(wake: Wake): void {
    if (wake.kind === "task") this.#sleepOf(wake.shard ?? 0).ended(wake.taskId);
    else if (wake.kind === "handed") this.#sleepOf(wake.batch.shard ?? 0).ended(wake.batch.taskId);
    for (const listener of this.#wakeListeners) listener(wake);
  }

  #sleepOf(shard: number): Sleep {
    let sleep = this.#sleeps.get(shard);
    if (sleep === undefined) {
      sleep = new Sleep();
      this.#sleeps.set(shard, sleep);
    }
    return sleep;
  }

  #nothingIsSure(): void {
    for (const sleep of this.#sleeps.values()) sleep.endedAll();
    this.#watch.endedAll();
  }

  #listen(): void {
    if (this.#listening || this.#wakeListeners.size === 0) return;
    this.#listening = true;
    this.#waker.start();
  }
}

/** Each call of a scheduler's loops is for one shard: what waits for one holds up no other. */
function named({ shard }: { shard?: number }, shards: number): number {
  if (shards === 1) return 0;
  if (shard === undefined) throw new RangeError(`which of the ${shards} shards is meant?`);
  return shard;
}
