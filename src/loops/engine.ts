/**
 * All loops of a started scheduler, wired to each other, from start to stop:
 *  1. two lanes of the pump, the look, the renewals, the pruning
 *  2. wakes of the store go to the loop that they concern
 *  3. when the store is back, everything is tried at once and counts as doubtful
 *  4. stops as promised: no more claims, handlers end or are given up, leases renewed meanwhile
 */
import type { Chance } from "../chance.js";
import type { Clock } from "../clock.js";
import type { Emitter } from "../core/events.js";
import type { Logger } from "../core/logger.js";
import type { CheckedBind, CheckedSchedulerOptions } from "../core/options.js";
import type { ConnectionChange, HandedBatch, Store, Wake } from "../store/contract.js";
import { Attempt, type AttemptParts } from "./attempt.js";
import { Deputy, type LaunchDeputy } from "./deputy/deputy.js";
import { type FireParts, Firing } from "./fire.js";
import type { HandlerThreads } from "./handler-pool.js";
import { type HandlerPools, poolsOf } from "./handler-pools.js";
import { Leases } from "./leases.js";
import { type DelayMs, Loop, type LoopParts, type Step } from "./loop.js";
import { Mending } from "./mend.js";
import { pruneRestMs, pruneStep } from "./prune.js";
import { reapStep } from "./reap.js";
import type { Registrations } from "./registrations.js";
import { Renew } from "./renew.js";
import { Reporter } from "./reporter.js";
import { tellSettled } from "./settled.js";
import { Slots } from "./slots.js";
import { Tending } from "./tend.js";
import { Watch } from "./watch.js";
import { Pump } from "./work.js";

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
  launchDeputy?: LaunchDeputy | null;
  handlerThreads?: HandlerThreads;
}

export class Engine {
  readonly slots: Slots;
  readonly leases: Leases;
  readonly pump: Pump;
  readonly watch: Watch;
  readonly renew: Renew;
  readonly #parts: EngineParts;
  readonly #deputy: Deputy | null;
  readonly #pools: HandlerPools;
  readonly #reporter: Reporter;
  readonly #lanes: readonly Loop[];
  readonly #watchLoop: Loop;
  readonly #renewLoop: Loop;
  readonly #pruneLoop: Loop;
  readonly #tending: Tending;
  #subscriptions: (() => void)[] = [];

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#reporter = new Reporter(parts);
    this.#pools = poolsOf(parts);
    this.#deputy = deputyOf(parts);
    this.leases = new Leases(this.#deputy);
    this.slots = new Slots(parts.binds.values());
    this.pump = this.#makePump();
    this.watch = this.#makeWatch();
    this.renew = new Renew({ ...parts, leases: this.leases });
    const lane: Step = () => this.pump.step();
    this.#lanes = [this.#loop("work", lane), this.#loop("work", lane)];
    const isPrecise = (): boolean => this.watch.isKeeping;
    this.#watchLoop = this.#loop("look", () => this.watch.step(), { isPrecise });
    this.#renewLoop = this.#loop("renew", () => this.renew.step());
    this.#tending = new Tending({ ...parts, presence: parts.registrations.presence });
    this.#pruneLoop = this.#makePruneLoop();
  }

  start(): void {
    const { store, chance } = this.#parts;
    this.#subscriptions = [
      store.onWake((wake) => this.#woken(wake)),
      store.onConnection((change) => this.#connection(change)),
    ];
    for (const lane of this.#lanes) lane.start();
    this.#renewLoop.start();
    this.#watchLoop.start();
    this.#pruneLoop.start(pruneRestMs(chance));
  }

  /** The longest that a loop is behind its plan, ms. */
  overdueMs(): number {
    return Math.max(...this.#loops().map((loop) => loop.overdueMs));
  }

  /** Claims no more; resolves when nothing runs and all is settled. */
  async windDown(): Promise<void> {
    this.pump.stopClaiming();
    void this.#watchLoop.stop();
    void this.#pruneLoop.stop();
    await this.pump.becomesQuiet();
  }

  /** Ends what still runs. */
  giveUp(): void {
    this.pump.giveUpAll();
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

  #loops(): Loop[] {
    return [...this.#lanes, this.#watchLoop, this.#renewLoop, this.#pruneLoop];
  }

  #makePump(): Pump {
    const { options, emitter } = this.#parts;
    const attemptParts: AttemptParts = {
      ...this.#parts,
      validators: options.tasks,
      keepResults: options.keep.completed.count > 0,
      payloadLimitBytes: options.payloadLimitBytes,
      onProgress: (attempt, text) => this.#progress(attempt, text),
    };
    return new Pump({
      ...this.#parts,
      slots: this.slots,
      leases: this.leases,
      leaseMs: options.leaseMs,
      keep: options.keep,
      attemptsOf: (batch) => this.#attemptsOf(batch),
      begin: (attempt, onEnd) => attempt.begin(attemptParts, onEnd),
      onSettled: (attempt, outcome, answer) => tellSettled(emitter, { attempt, outcome, answer }),
      onWorked: (answer) => this.#worked(answer),
      wake: () => this.#wakeLanes(),
    });
  }

  #makeWatch(): Watch {
    const { chance, options, registrations } = this.#parts;
    const offer = (taskId: string): void => void this.pump.offer(taskId);
    const { keep } = options;
    const { known, presence } = registrations;
    const excludesOf: FireParts["excludesOf"] = (due, rule) => registrations.excludesOf(due, rule);
    const firing = new Firing({ ...this.#parts, keep, known, presence, excludesOf, offer });
    const reapParts = { ...this.#parts, chance, keep: options.keep, offer };
    return new Watch({
      ...this.#parts,
      slots: this.slots,
      pollIntervalMs: options.pollIntervalMs,
      leaseMs: options.leaseMs,
      offer: (taskId) => this.pump.offer(taskId),
      offerAll: () => this.pump.offerAll(),
      firing,
      repair: () => this.#repair(),
      reap: (look) => reapStep(reapParts, look.expired),
    });
  }

  #makePruneLoop(): Loop {
    const { binds, options } = this.#parts;
    const taskIds = [...binds.keys()];
    const tending = this.#tending;
    const mending = new Mending({ store: this.#parts.store, taskIds });
    const pruneParts = { ...this.#parts, keep: options.keep, taskIds, tending, mending };
    return this.#loop("prune", () => pruneStep(pruneParts));
  }

  #loop(name: string, step: Step, more: Pick<LoopParts, "isPrecise"> = {}): Loop {
    const { clock, chance } = this.#parts;
    const onError = (error: unknown): void => this.#reporter.loopFailed(name, error);
    return new Loop({ name, step, clock, chance, onError, ...more });
  }

  #attemptsOf(batch: HandedBatch): Attempt[] {
    const task = this.#pools.binds.get(batch.taskId);
    if (task === undefined)
      throw new Error(`claimed jobs of "${batch.taskId}", which is not bound`);
    return batch.jobs.map((job) => new Attempt({ fence: batch.fence, job, task }));
  }

  /** Something is missing from the index of schedules: walks through all of them at once. */
  #repair(): void {
    this.#tending.hurry();
    this.#pruneLoop.wake();
  }

  /** A schedule was changed by this scheduler: looks at once. */
  look(): void {
    this.#watchLoop.wake();
  }

  #wakeLanes(): void {
    for (const lane of this.#lanes) lane.wake();
  }

  #worked(answer: { jobs: number; ageMs: number; quiet: boolean }): void {
    // A lease begins when it is written, not when its owner hears of it.
    if (answer.jobs > 0) this.#renewLoop.wakeWithin(this.renew.delayMs() - answer.ageMs);
    const delayMs: DelayMs | null = this.watch.worked(answer);
    if (delayMs !== null) this.#watchLoop.wakeWithin(delayMs);
  }

  #progress(attempt: Attempt, text: string): void {
    this.leases.noteProgress(attempt, text);
    this.#renewLoop.wakeWithin(this.renew.delayMs());
  }

  #woken(wake: Wake): void {
    if (wake.kind === "cancelled") this.leases.find(wake)?.cancel();
    else if (wake.kind === "handed") this.#handed(wake);
    else if (!this.watch.woken(wake.kind === "task" ? wake.taskId : null)) this.#watchLoop.wake();
  }

  #handed({ batch, isLate }: Extract<Wake, { kind: "handed" }>): void {
    // Heard twice, as on a connection that was replaced.
    if (this.leases.has(batch)) return;
    if (this.#parts.binds.has(batch.taskId)) {
      this.pump.handed(batch, isLate);
      // On its way before the job begins: what begins is known to have begun, as after a claim.
      if (this.leases.hasUnconfirmed) this.#renewLoop.wake();
    } else {
      // Meant for a scheduler that is no more: its lease is short, and its end counts for nothing.
      this.#watchLoop.wake();
    }
  }

  /** What is handed over now goes back at once: nobody is there any more who would run it. */
  #refuse(wake: Wake): void {
    if (wake.kind !== "handed" || !this.#parts.binds.has(wake.batch.taskId)) return;
    const { store, options } = this.#parts;
    const { leaseMs, keep } = options;
    const settles = this.#attemptsOf(wake.batch);
    // If that fails its lease ends soon.
    store.work({ settles, claims: [], idle: false, leaseMs, keep }).catch(() => {});
  }

  #connection(change: ConnectionChange): void {
    if (change.kind === "lost") return;
    this.#parts.registrations.forgotten(change.emptied ? "all" : "some");
    this.watch.doubt();
    for (const loop of [...this.#lanes, this.#watchLoop, this.#renewLoop]) loop.recover();
  }
}

function deputyOf({ binds, options, launchDeputy, ...parts }: EngineParts): Deputy | null {
  if (!launchDeputy) return null;
  const taskIds = [...binds.keys()];
  return new Deputy({ ...parts, taskIds, leaseMs: options.leaseMs, launch: launchDeputy });
}
