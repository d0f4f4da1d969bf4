/**
 * The loops that work with one shard: two lanes of the pump, the look, the renewals. Each shard has
 * its own, so that what waits for a shard that is away keeps nothing else waiting.
 */
import type { CheckedBind } from "../core/options.js";
import type { ConnectionChange, HandedBatch, Wake } from "../store/contract.js";
import { Attempt, type AttemptParts } from "./attempt.js";
import type { Capacity } from "./capacity.js";
import type { Deputy } from "./deputy/deputy.js";
import type { EngineParts } from "./engine.js";
import { type FireParts, Firing } from "./fire.js";
import { Leases } from "./leases.js";
import { type DelayMs, Loop, type LoopParts, type Step } from "./loop.js";
import { reapStep } from "./reap.js";
import { Renew } from "./renew.js";
import type { Share } from "./share.js";
import { Slots } from "./slots.js";
import type { Solo } from "./solo.js";
import { Watch } from "./watch.js";
import { Pump } from "./work.js";

export interface ShardEngineParts extends EngineParts {
  shard: number;
  /** True: there is no other. */
  isOnly: boolean;
  /** All bound tasks, as they can be called. */
  binds: ReadonlyMap<string, CheckedBind>;
  /** Those that have their home there. */
  tasks: readonly CheckedBind[];
  deputy: Deputy | null;
  solo: Solo;
  /** Of the process. */
  capacity: Capacity;
  /** The index of schedules is incomplete. */
  repair: () => void;
  onError: LoopParts["onError"];
}

export class ShardEngine {
  readonly slots: Slots;
  readonly leases: Leases;
  readonly pump: Pump;
  readonly watch: Watch;
  readonly renew: Renew;
  readonly #parts: ShardEngineParts;
  readonly #lanes: readonly Loop[];
  readonly #watchLoop: Loop;
  readonly #renewLoop: Loop;

  constructor(parts: ShardEngineParts) {
    this.#parts = parts;
    this.leases = new Leases(parts.deputy);
    this.slots = new Slots(parts.tasks, {
      clock: parts.clock,
      capacity: parts.capacity,
      onRoom: () => this.pump.stir(),
    });
    this.pump = this.#makePump();
    this.watch = this.#makeWatch();
    this.renew = new Renew({ ...parts, leases: this.leases });
    const lane: Step = () => this.pump.step();
    this.#lanes = [this.#loop("work", lane), this.#loop("work", lane)];
    const isPrecise = (): boolean => this.watch.isKeeping;
    this.#watchLoop = this.#loop("look", () => this.watch.step(), { isPrecise });
    this.#renewLoop = this.#loop("renew", () => this.renew.step());
  }

  start(): void {
    for (const lane of this.#lanes) lane.start();
    this.#renewLoop.start();
    this.#watchLoop.start();
  }

  /** Claims no more; resolves when nothing runs and all is settled. */
  async windDown(): Promise<void> {
    this.pump.stopClaiming();
    void this.#watchLoop.stop();
    await this.pump.becomesQuiet();
  }

  loops(): Loop[] {
    return [...this.#lanes, this.#watchLoop, this.#renewLoop];
  }

  /** This task has jobs there, too, and one concurrency in all of its shards. */
  share(task: CheckedBind, share: Share): void {
    this.slots.share(task, share);
    this.pump.offer(task.taskId);
  }

  /** Looks at once. */
  look(): void {
    this.#watchLoop.wake();
  }

  woken(wake: Wake): void {
    if (wake.kind === "cancelled") this.leases.find(wake)?.cancel();
    else if (wake.kind === "handed") this.#handed(wake);
    else if (!this.watch.woken(wake.kind === "task" ? wake.taskId : null)) this.#watchLoop.wake();
  }

  /** What was handed over goes back. */
  refuse(batch: HandedBatch): void {
    const { binds, store, options } = this.#parts;
    if (!binds.has(batch.taskId)) return;
    const { leaseMs, keep } = options;
    const settles = this.#attemptsOf(batch);
    const { isOnly, shard } = this.#parts;
    const where = isOnly ? {} : { shard };
    // If that fails its lease ends soon.
    store.work({ settles, claims: [], idle: false, leaseMs, keep, ...where }).catch(() => {});
  }

  /** The store is back: everything is tried at once, and counts as doubtful. */
  connection(change: ConnectionChange): void {
    if (change.kind === "lost") return;
    this.watch.doubt();
    for (const loop of this.loops()) loop.recover();
  }

  #makePump(): Pump {
    const { options, shard, isOnly } = this.#parts;
    const attempts: AttemptParts = {
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
      shard: isOnly ? null : shard,
      leaseMs: options.leaseMs,
      keep: options.keep,
      attemptsOf: (batch) => this.#attemptsOf(batch),
      attempts,
      onWorked: (answer) => this.#worked(answer),
      wake: () => this.#wakeLanes(),
    });
  }

  #makeWatch(): Watch {
    const { chance, options, registrations, shard, isOnly } = this.#parts;
    const offer = (taskId: string): void => void this.pump.offer(taskId);
    const { keep } = options;
    const { known, presence } = registrations.sights.of(shard);
    const excludesOf: FireParts["excludesOf"] = (due, rule) => registrations.excludesOf(due, rule);
    const firing = new Firing({ ...this.#parts, keep, known, presence, excludesOf, offer });
    const reapParts = { ...this.#parts, chance, keep: options.keep, offer };
    return new Watch({
      ...this.#parts,
      shard: isOnly ? null : shard,
      slots: this.slots,
      pollIntervalMs: options.pollIntervalMs,
      leaseMs: options.leaseMs,
      offer: (taskId) => this.pump.offer(taskId),
      offerAll: () => this.pump.offerAll(),
      firing,
      reap: (look) => reapStep(reapParts, look.expired),
    });
  }

  #loop(name: string, step: Step, more: Pick<LoopParts, "isPrecise"> = {}): Loop {
    const { clock, chance, onError } = this.#parts;
    return new Loop({ name, step, clock, chance, onError, ...more });
  }

  #attemptsOf(batch: HandedBatch): Attempt[] {
    const task = this.#parts.binds.get(batch.taskId);
    if (task === undefined)
      throw new Error(`claimed jobs of "${batch.taskId}", which is not bound`);
    return batch.jobs.map((job) => new Attempt({ fence: batch.fence, job, task }));
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

  #handed({ batch, isLate }: Extract<Wake, { kind: "handed" }>): void {
    // Heard twice, as on a connection that was replaced.
    if (this.leases.has(batch)) return;
    if (this.slots.has(batch.taskId)) {
      this.pump.handed(batch, isLate);
      // On its way before the job begins: what begins is known to have begun, as after a claim.
      if (this.leases.hasUnconfirmed) this.#renewLoop.wake();
    } else {
      // Meant for a scheduler that is no more: its lease is short, and its end counts for nothing.
      this.#watchLoop.wake();
    }
  }
}
