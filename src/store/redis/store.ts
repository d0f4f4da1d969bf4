/** The Redis store: each verb of the contract, spread over shards. Nothing clever happens here. */
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
import * as jobs from "./jobs.js";
import { reapOnShard, renewOnShard } from "./leases.js";
import { leave } from "./leave.js";
import { lookAtAll, Seen } from "./look.js";
import { mendOnShard } from "./mend.js";
import { pushOverShards, pushToShard } from "./push.js";
import { ScheduleVerbs } from "./schedule-verbs.js";
import type { Script, Verb } from "./scripts.js";
import type { Home } from "./session.js";
import type { Shard } from "./shard.js";
import { ShardClocks } from "./shard-clocks.js";
import { at, groupByShard, shardOfTask } from "./shards.js";
import { Sleep } from "./sleep.js";
import { workOnShard } from "./work.js";
import { workOverShards } from "./work-shards.js";

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
}

export function createRedisStore(options: RedisStoreOptions): Store {
  return durably(new RedisStore(options), options);
}

class RedisStore implements Store {
  readonly #options: RedisStoreOptions;
  readonly #session: Home;
  readonly #waker: ReturnType<Home["waker"]>;
  readonly #wakeListeners = new Set<(wake: Wake) => void>();
  readonly #changeListeners = new Set<(change: ConnectionChange) => void>();
  readonly #schedules = new ScheduleVerbs(async () => this.#session.shards(WAIT_MS));
  readonly #sleep = new Sleep();
  readonly #watch = new Sleep();
  readonly #seen: Seen;
  readonly #clocks = new ShardClocks();
  /** The shard that asked last for an idle scheduler. */
  #drainedBy: number | null = null;
  #listening = false;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#seen = new Seen(options.testClock === true);
    const parts = {
      ...options,
      scripts: async () =>
        options.scripts ??
        (options.testClock
          ? (await import("./testing-scripts.js")).testScripts
          : (await import("./scripts.js")).scripts),
      onChange: (change: ConnectionChange) => {
        this.#sleep.endedAll();
        this.#watch.endedAll();
        for (const listener of this.#changeListeners) listener(change);
      },
    };
    this.#session = homeOf(parts);
    const isLate = (batch: HandedBatch) => this.#clocks.isLate(batch, options.clock.monotonic());
    this.#waker = this.#session.waker({ onWake: (wake) => this.#woken(wake), isLate });
  }

  get shards(): number {
    return this.#session.shardCount;
  }

  /** For a second connection to the same server. */
  get session(): Home {
    return this.#session;
  }

  async open(): Promise<StoreInfo> {
    await this.#session.connectNow();
    // Looks know a session from its first call on: this one makes it.
    for (const shard of await this.#session.shards(WAIT_MS)) shard.works.reopen();
    const info = await this.guarantee();
    this.#listen();
    return info;
  }

  guarantee(): Promise<StoreInfo> {
    return infoOf(this.#session, this.#options);
  }

  async push(args: PushArgs): Promise<PushAnswer[]> {
    const { clock } = this.#options;
    const beganAt = clock.monotonic();
    const found = this.#session.shards(args.timeoutMs);
    const shards = found instanceof Promise ? await found : found;
    const timeoutMs = Math.max(1, args.timeoutMs - (clock.monotonic() - beganAt));
    if (shards.length === 1)
      return await pushToShard(at(shards, 0), { jobs: args.jobs, timeoutMs });
    return await pushOverShards(shards, { jobs: args.jobs, timeoutMs });
  }

  async work(args: WorkArgs): Promise<WorkAnswer> {
    const found = this.#session.shards(WAIT_MS);
    const shards = found instanceof Promise ? await found : found;
    const { identity } = this.#options;
    if (shards.length === 1) {
      const only = await workOnShard(at(shards, 0), { ...args, identity });
      for (const batch of only.batches) this.#sleep.ended(batch.taskId);
      return only;
    }
    const { drainedBy, ...answer } = await workOverShards(shards, {
      ...args,
      ...this.#options,
      drainedBy: this.#drainedBy,
    });
    this.#drainedBy = drainedBy;
    for (const batch of answer.batches) this.#sleep.ended(batch.taskId);
    return answer;
  }

  async look(args: LookArgs): Promise<Look> {
    this.#waker.looksEvery(args.sleepMs);
    const shards = await this.#session.shards(WAIT_MS);
    const { look, sessionKnown } = await lookAtAll(shards, {
      ...args,
      ...this.#options,
      sleep: this.#sleep,
      watch: this.#watch,
      seen: this.#seen,
      clocks: this.#clocks,
      shardCount: shards.length,
      shardOfSchedule: (id) => this.#schedules.shardOf(id, shards.length),
    });
    this.#schedules.note(look.schedules);
    if (!sessionKnown) {
      this.#sleep.endedAll();
      this.#watch.endedAll();
      void this.#session.verify();
    }
    return look;
  }

  async renew(args: RenewArgs): Promise<Renewed> {
    const shards = await this.#session.shards(WAIT_MS);
    const groups = groupByShard(args.leases, (lease) => shardOfTask(lease.taskId, shards.length));
    const parts = await Promise.all(
      [...groups].map(([index, leases]) =>
        renewOnShard(at(shards, index), {
          leases: leases.map((entry) => entry.item),
          progress: args.progress.filter((p) => shardOfTask(p.taskId, shards.length) === index),
        }),
      ),
    );
    return {
      lost: parts.flatMap((part) => part.lost),
      cancelled: parts.flatMap((part) => part.cancelled),
    };
  }

  async reap(args: ReapArgs): Promise<Reaped[]> {
    const shards = await this.#session.shards(WAIT_MS);
    const groups = groupByShard(args.leases, (lease) => shardOfTask(lease.taskId, shards.length));
    const parts = await Promise.all(
      [...groups].map(([index, leases]) =>
        reapOnShard(at(shards, index), { ...args, leases: leases.map((entry) => entry.item) }),
      ),
    );
    return parts.flat();
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

  get: Store["get"] = async (args) => jobs.getFromShard(await this.#shardOf(args.taskId), args);
  cancel: Store["cancel"] = async (args) =>
    jobs.cancelOnShard(await this.#shardOf(args.taskId), args);
  redrive: Store["redrive"] = async (args) =>
    jobs.redriveOnShard(await this.#shardOf(args.taskId), args);
  list: Store["list"] = async (args) => jobs.listOnShard(await this.#shardOf(args.taskId), args);
  counts: Store["counts"] = async ({ taskId }) =>
    jobs.countsOnShard(await this.#shardOf(taskId), taskId);

  prune: Store["prune"] = async (args) =>
    jobs.pruneOnShards(await this.#session.shards(WAIT_MS), args);

  mend: Store["mend"] = async (args) => mendOnShard(await this.#shardOf(args.taskId), args);

  onWake(listener: (wake: Wake) => void): () => void {
    this.#wakeListeners.add(listener);
    if (this.#session.connected) this.#listen();
    return () => void this.#wakeListeners.delete(listener);
  }

  onConnection(listener: (change: ConnectionChange) => void): () => void {
    this.#changeListeners.add(listener);
    return () => void this.#changeListeners.delete(listener);
  }

  examine: Store["examine"] = (args) => {
    const patients = () => this.#session.patients();
    return examine({ durability: "store", ...this.#options, patients }, args);
  };

  health(): StoreHealth {
    const session = this.#session;
    const { away } = session;
    return {
      connected: session.connected,
      ...(away.length === 0 ? {} : { away }),
      sinceAnswerMs: session.sinceAnswerMs(),
      lastError: session.lastError?.message ?? null,
    };
  }

  async close(): Promise<void> {
    const taskIds = [...this.#sleep.everRegistered()];
    if (this.#listening && taskIds.length > 0) await this.#leave(taskIds, false);
    this.#waker.stop();
    this.#listening = false;
    await this.#leave(taskIds, true);
    this.#sleep.endedAll();
    this.#watch.endedAll();
    this.#session.close();
  }

  async #leave(taskIds: readonly string[], isOver: boolean): Promise<void> {
    if (!this.#session.connected) return;
    const shards = await this.#session.shards(WAIT_MS);
    await leave(shards, { ...this.#options, taskIds, isOver });
    // What it was handed until then is on its way.
    if (!isOver) await sleep(this.#options.clock, HEARD_MS);
  }

  #woken(wake: Wake): void {
    if (wake.kind === "task") this.#sleep.ended(wake.taskId);
    else if (wake.kind === "handed") this.#sleep.ended(wake.batch.taskId);
    for (const listener of this.#wakeListeners) listener(wake);
  }

  #listen(): void {
    if (this.#listening || this.#wakeListeners.size === 0) return;
    this.#listening = true;
    this.#waker.start();
  }

  async #shardOf(taskId: string): Promise<Shard> {
    const shards = await this.#session.shards(WAIT_MS);
    return at(shards, shardOfTask(taskId, shards.length));
  }
}
