/**
 * The Redis store for those who want more than the server's word: its answers wait for the disk, or
 * for the disk and a replica, where a promise depends on it.
 *  - push, and what people do to single jobs and schedules: the answer is true only then
 *  - claims of what may run only once, and of occurrences: before the handler begins
 * Everything else may be undone by a power cut without a promise being broken: it is done again.
 */
import { type Clock, sleep } from "../../clock.js";
import type { Durability } from "../../core/durability.js";
import type * as contract from "../contract.js";
import { Barrier } from "./barrier.js";
import { Barriers } from "./barriers.js";
import { isClusterTarget, type RedisTarget } from "./client.js";
import { ShardKeys } from "./keys.js";
import type { Routes } from "./push.js";
import type { Home, Owner } from "./session.js";

/** How long the verbs without a time limit of their own wait for the disk. */
const WAIT_MS = 5_000;

/** Between two attempts to hand back what the disk has not confirmed. */
const AGAIN_MS = 200;

export interface DurableOptions {
  redis: RedisTarget;
  durability?: Durability;
  prefix: string;
  identity: string;
  clock: Clock;
}

/** The store as it is, or behind a barrier. */
export function durably(
  store: contract.Store & { session: Home },
  options: DurableOptions,
): contract.Store {
  const { redis, durability = "store", prefix, identity, clock } = options;
  if (durability === "store") return store;
  const { session } = store;
  const keyOf = (shard: number) => new ShardKeys({ prefix, shard, identity }).synced;
  const parts = { clock, durability };
  if (isClusterTarget(redis)) {
    const barrier = new Barriers({ ...parts, session, keyOf });
    return new DurableStore({ store, barrier, clock, owners: () => session.owners() });
  }
  const runId = () => session.runId;
  const { makeClient } = session;
  const key = keyOf(0);
  const one = new Barrier({ ...parts, makeClient, key: () => key, runId });
  const barrier: Surety = {
    check: () => one.check(),
    wait: (verb, timeoutMs) => one.wait(verb, timeoutMs),
    close: () => one.close(),
    get lastError() {
      return one.lastError;
    },
  };
  return new DurableStore({ store, barrier, clock, owners: () => [null] });
}

/** What the disks say. `by`: who has answered, as far as there are several. */
export type Surety = Pick<Barriers, "check" | "wait" | "close" | "lastError">;

type Verbs = Omit<contract.Store, "push"> & {
  push(args: contract.PushArgs & Pick<Routes, "answered">): Promise<contract.PushAnswer[]>;
};

export interface DurableParts {
  store: Verbs;
  barrier: Surety;
  clock: Clock;
  /** Who has each shard now. */
  owners: () => readonly (Owner | null)[];
}

export class DurableStore implements contract.Store {
  readonly #store: Verbs;
  readonly #barrier: Surety;
  readonly #clock: Clock;
  readonly #owners: DurableParts["owners"];
  #checked: Promise<void> | null = null;
  /** Rises with each close. */
  #life = 0;

  constructor({ store, barrier, clock, owners }: DurableParts) {
    this.#store = store;
    this.#owners = owners;
    this.#barrier = barrier;
    this.#clock = clock;
  }

  get shards(): number {
    return this.#store.shards;
  }

  get spreads(): contract.Store["spreads"] {
    return this.#store.spreads;
  }

  async open(): Promise<contract.StoreInfo> {
    const info = await this.#store.open();
    try {
      await this.#check();
    } catch (error) {
      await this.close();
      throw error;
    }
    return info;
  }

  /** Of the server that is there now. */
  async guarantee(): Promise<contract.StoreInfo | null> {
    await this.#barrier.check();
    return (await this.#store.guarantee?.()) ?? null;
  }

  async push(args: contract.PushArgs): Promise<contract.PushAnswer[]> {
    const beganAt = this.#clock.monotonic();
    const left = () => Math.max(1, args.timeoutMs - (this.#clock.monotonic() - beganAt));
    await this.#check();
    const by: (Owner | null)[] = [];
    const answered = (shard: number) => void by.push(this.#owners()[shard] ?? null);
    const answers = await this.#store.push({ ...args, timeoutMs: left(), answered });
    await this.#barrier.wait("push", left(), by);
    return answers;
  }

  async work(args: contract.WorkArgs): Promise<contract.WorkAnswer> {
    const life = this.#life;
    const answer = await this.#store.work(args);
    const by = this.#owners()[args.shard ?? 0] ?? null;
    if (!answer.batches.some(({ jobs }) => jobs.some(needsDisk))) return answer;
    try {
      await this.#barrier.wait("work", args.leaseMs / 2, [by]);
      return answer;
    } catch {
      return await this.#handBack(answer, args, life);
    }
  }

  look: contract.Store["look"] = (args) => this.#store.look(args);
  renew: contract.Store["renew"] = (args) => this.#store.renew(args);
  reap: contract.Store["reap"] = (args) => this.#store.reap(args);
  fire: contract.Store["fire"] = (args) => this.#store.fire(args);
  schedule: contract.Store["schedule"] = (args) => this.#store.schedule(args);
  schedules: contract.Store["schedules"] = (args) => this.#store.schedules(args);
  tend: contract.Store["tend"] = (args) => this.#store.tend(args);
  recover: contract.Store["recover"] = (args) => this.#store.recover(args);
  get: contract.Store["get"] = (args) => this.#store.get(args);
  list: contract.Store["list"] = (args) => this.#store.list(args);
  counts: contract.Store["counts"] = (args) => this.#store.counts(args);
  prune: contract.Store["prune"] = (args) => this.#store.prune(args);

  /** What is registered by code is registered again by whoever lives; the rest is told once. */
  register: contract.Store["register"] = async (args) => {
    const answers = await this.#store.register(args);
    if (args.registration === null) await this.#byAll("register");
    return answers;
  };

  trigger: contract.Store["trigger"] = (args) => this.#safe("trigger", this.#store.trigger(args));
  pause: contract.Store["pause"] = (args) => this.#safe("pause", this.#store.pause(args));
  remove: contract.Store["remove"] = (args) => this.#safe("remove", this.#store.remove(args));
  cancel: contract.Store["cancel"] = (args) => this.#safe("cancel", this.#store.cancel(args));
  redrive: contract.Store["redrive"] = (args) => this.#safe("redrive", this.#store.redrive(args));

  mend: contract.Store["mend"] = (args) => this.#store.mend(args);
  examine: contract.Store["examine"] = (args) => this.#store.examine(args);
  onWake: contract.Store["onWake"] = (listener) => this.#store.onWake(listener);
  onConnection: contract.Store["onConnection"] = (listener) => this.#store.onConnection(listener);

  health(): contract.StoreHealth {
    const health = this.#store.health();
    return { ...health, lastError: health.lastError ?? this.#barrier.lastError };
  }

  async close(): Promise<void> {
    this.#life += 1;
    this.#checked = null;
    this.#barrier.close();
    await this.#store.close();
  }

  /** Once for each time it is opened: a server that loses its replica is not a wrong setting. */
  #check(): Promise<void> {
    this.#checked ??= this.#barrier.check().catch((error: unknown) => {
      this.#checked = null;
      throw error;
    });
    return this.#checked;
  }

  async #safe<Answer>(verb: string, call: Promise<Answer>): Promise<Answer> {
    const answer = await call;
    if (answer !== null) await this.#byAll(verb);
    return answer;
  }

  /** By whoever is there: most of these verbs look for what they are to change. */
  #byAll(verb: string): Promise<void> {
    const there = this.#owners().filter((owner) => owner !== null);
    return this.#barrier.wait(verb, WAIT_MS, there);
  }

  /**
   * Never rejects: what was settled is settled, and what need not wait for the disk begins,
   * whatever becomes of this. It is tried until the store has answered, whatever it answers: the
   * lease would not end by itself while others of its jobs run, and are renewed. Once only where
   * it is closing this store that has ended the wait: `life` is that of the claim.
   */
  async #settleBack(args: contract.WorkArgs, life: number): Promise<void> {
    const again = async (): Promise<void> => {
      while (life === this.#life) {
        await sleep(this.#clock, AGAIN_MS);
        if (life !== this.#life || (await this.#isDone(args))) return;
      }
    };
    if (!(await this.#isDone(args))) void again();
  }

  #isDone(args: contract.WorkArgs): Promise<boolean> {
    const said = (isDone: boolean) => () => isDone;
    return this.#store.work(args).then(said(true), said(false));
  }

  /** What must not begin goes back to the front of the line; the rest begins. */
  async #handBack(
    answer: contract.WorkAnswer,
    args: contract.WorkArgs,
    life: number,
  ): Promise<contract.WorkAnswer> {
    const settles = answer.batches.flatMap(({ fence, taskId, jobs }) =>
      jobs.filter(needsDisk).map(({ number, id, ownId, occurrence }) => ({
        ...{ fence, taskId, number, id: ownId ? id : null },
        scheduleId: occurrence?.isTracked ? occurrence.scheduleId : null,
        outcome: { kind: "handBack" } as const,
      })),
    );
    await this.#settleBack({ ...args, settles, claims: [], idle: false }, life);
    const batches = answer.batches
      .map((batch) => ({ ...batch, jobs: batch.jobs.filter((job) => !needsDisk(job)) }))
      .filter(({ jobs }) => jobs.length > 0);
    return { ...answer, batches };
  }
}

/** Lost with the claim, it would run twice, or its occurrence would fire twice. */
function needsDisk({ rules, occurrence }: contract.ClaimedJob): boolean {
  return rules.retry === null || occurrence !== null;
}
