/**
 * One test's stage: a world, the store of a first scheduler, and short ways for what tests do all
 * the time. Everything goes through the verbs of the contract.
 */
import { expect } from "vitest";
import type { KeepRules } from "../../src/core/keep.js";
import type {
  CancelAnswer,
  JobView,
  NewJob,
  PushAnswer,
  Reaped,
  Renewed,
  Settle,
  SettleAnswer,
  SettleOutcome,
  Store,
  WorkAnswer,
} from "../../src/store/contract.js";
import { drain } from "./drain.js";
import { Timetable } from "./timetable.js";
import {
  type Held,
  heldOf,
  KEEP,
  LEASE_MS,
  NO_SCHEDULES,
  newJob,
  only,
  settleOf,
  TASK,
} from "./words.js";
import type { World } from "./world.js";

export interface ClaimOptions {
  taskId?: string;
  limit?: number;
  leaseMs?: number;
  idle?: boolean;
  free?: boolean;
  store?: Store;
}

export class Scene {
  readonly world: World;
  /** The first scheduler's store. */
  readonly store: Store;
  /** Short ways for schedules. */
  readonly table: Timetable;
  /** Every store that was opened, and every task that was named: to drain and to close. */
  readonly #stores: Store[];
  readonly #taskIds = new Set<string>([TASK]);

  private constructor(world: World, store: Store) {
    this.world = world;
    this.store = store;
    this.#stores = [store];
    this.table = new Timetable(this);
  }

  static async begin(world: World): Promise<Scene> {
    return new Scene(world, await world.open());
  }

  /** Another scheduler on the same data. */
  async another(): Promise<Store> {
    const store = await this.world.open();
    this.#stores.push(store);
    return store;
  }

  // --- pushing -------------------------------------------------------------------------

  async push(jobs: readonly NewJob[], store: Store = this.store): Promise<PushAnswer[]> {
    for (const job of jobs) this.#taskIds.add(job.taskId);
    return await store.push({ jobs, timeoutMs: 5_000 });
  }

  async pushOne(change: Partial<NewJob> = {}, store: Store = this.store): Promise<PushAnswer> {
    return only(await this.push([newJob(change)], store));
  }

  /** Pushes jobs whose payloads are these texts as JSON, to be told apart later. */
  async pushNamed(names: readonly string[], change: Partial<NewJob> = {}): Promise<string[]> {
    const jobs = names.map((name) => newJob({ payload: JSON.stringify(name), ...change }));
    return (await this.push(jobs)).map((answer) => answer.id);
  }

  /** Remembers a task that only a schedule or a claim names. */
  knows(...taskIds: string[]): void {
    for (const taskId of taskIds) this.#taskIds.add(taskId);
  }

  // --- claiming and settling -----------------------------------------------------------

  async work(options: ClaimOptions = {}, settles: readonly Settle[] = []): Promise<WorkAnswer> {
    const { taskId = TASK, limit = 1, leaseMs = LEASE_MS, idle = false } = options;
    const claims = [{ taskId, limit }];
    const store = options.store ?? this.store;
    const free = options.free ?? false;
    return await store.work({ settles, claims, idle, free, leaseMs, keep: KEEP });
  }

  async claim(limit = 1, options: ClaimOptions = {}): Promise<Held[]> {
    return heldOf((await this.work({ ...options, limit })).batches);
  }

  async claimOne(options: ClaimOptions = {}): Promise<Held> {
    return only(await this.claim(1, options));
  }

  /** Pushes one job and claims it. */
  async running(change: Partial<NewJob> = {}, options: ClaimOptions = {}): Promise<Held> {
    const { id } = await this.pushOne(change);
    const held = await this.claimOne({ taskId: change.taskId ?? TASK, ...options });
    expect(held.id).toBe(id);
    return held;
  }

  /** Pushes one job and ends it as dead. */
  async dead(change: Partial<NewJob> = {}): Promise<Held> {
    const held = await this.running(change);
    await this.settle(held, { kind: "dead", reason: "failed", error: "no luck" });
    return held;
  }

  async settle(
    held: Held,
    outcome: SettleOutcome,
    options: { store?: Store; keep?: KeepRules } = {},
  ): Promise<SettleAnswer> {
    const answers = await this.settleAll([[held, outcome]], options);
    return only(answers);
  }

  async settleAll(
    ends: readonly (readonly [Held, SettleOutcome])[],
    options: { store?: Store; keep?: KeepRules } = {},
  ): Promise<SettleAnswer[]> {
    const { store = this.store, keep = KEEP } = options;
    const settles = ends.map(([held, outcome]) => settleOf(held, outcome));
    const args = { settles, claims: [], idle: false, leaseMs: LEASE_MS, keep };
    return (await store.work(args)).settled;
  }

  /** The public id by the number of a job of the task. */
  numbered(number: string): string {
    return `${this.world.shardOf?.(TASK) ?? 0}-${number}`;
  }

  async renew(held: readonly Held[], store: Store = this.store): Promise<Renewed> {
    const leases = held.map(({ fence, taskId }) => ({ fence, taskId }));
    return await store.renew({ leases, progress: [] });
  }

  cancel(id: string, store: Store = this.store): Promise<CancelAnswer | null> {
    return store.cancel({ taskId: TASK, id, keep: KEEP });
  }

  // --- time ----------------------------------------------------------------------------

  /** Time passes while somebody looks so often that the store knows there is no outage. */
  async pass(ms: number, leaseMs: number = LEASE_MS): Promise<void> {
    const step = leaseMs / 4;
    for (let left = ms; left > 0; left -= step) {
      await this.glance();
      await this.world.advance(Math.min(step, left));
    }
    await this.glance();
  }

  /** A look that is after nothing. */
  async glance(store: Store = this.store): Promise<void> {
    await store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 1_000 });
  }

  /** All leases that stand now and are not renewed expire. */
  async expire(leaseMs: number = LEASE_MS): Promise<void> {
    await this.pass(leaseMs + 1_000, leaseMs);
  }

  /** Takes back everything that has expired. */
  async reap(store: Store = this.store, random = 0.5): Promise<Reaped[]> {
    const reaped: Reaped[] = [];
    for (;;) {
      const { expired } = await store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 1_000 });
      if (expired.length === 0) return reaped;
      reaped.push(...(await store.reap({ leases: expired, random, keep: KEEP })));
    }
  }

  /** One job is claimed and its process dies; the answer is what the reaper made of it. */
  async crash(options: ClaimOptions = {}): Promise<Reaped> {
    await this.claimOne({ idle: true, ...options });
    await this.expire(options.leaseMs);
    return only(await this.reap());
  }

  // --- looking -------------------------------------------------------------------------

  async view(id: string, taskId: string = TASK): Promise<JobView> {
    const view = await this.store.get({ taskId, id });
    if (view === null) throw new Error(`no job ${JSON.stringify(id)} in ${taskId}`);
    return view;
  }

  async stateOf(id: string, taskId: string = TASK): Promise<string | null> {
    return (await this.store.get({ taskId, id }))?.state ?? null;
  }

  // --- the end -------------------------------------------------------------------------

  /** Ends every job by the verbs of the contract, lets years pass, and looks at what is left. */
  async end(): Promise<void> {
    try {
      await this.world.inspect();
      await drain(this.world, await this.another(), [...this.#taskIds]);
      await this.world.inspectDrained();
    } finally {
      await Promise.allSettled(this.#stores.map((store) => store.close()));
      await this.world.close();
    }
  }
}
