/** What this scheduler knows of each shard from its looks: each has its own clock and gaps. */
import { shardOfTask } from "../core/shard.js";
import type { Decided, Look } from "../store/contract.js";
import { Known } from "./known.js";
import { Presence } from "./presence.js";

export class Sight {
  /** What is known to be decided. */
  readonly known: Known = new Known();
  readonly presence: Presence;
  /** The store's count of registrations at the last look; null: none yet. */
  #counter: number | null = null;

  constructor(registrationLeaseMs: number) {
    this.presence = new Presence(registrationLeaseMs);
  }

  /** `sleepMs`: the longest until the next look. False: another definition may be in force now. */
  noteLook(look: Look, sleepMs: number): boolean {
    this.known.noteLook(look);
    this.presence.noteLook(look.now, sleepMs);
    const isSame = this.#counter === null || this.#counter === look.registrations;
    this.#counter = look.registrations;
    return isSame;
  }
}

export class Sights {
  readonly #leaseMs: number;
  readonly #shards: () => number;
  readonly #sights: Sight[] = [];

  /** `shards`: how many the store has, as far as is known. */
  constructor(registrationLeaseMs: number, shards: () => number) {
    this.#leaseMs = registrationLeaseMs;
    this.#shards = shards;
  }

  of(shard: number): Sight {
    while (this.#sights.length <= shard) this.#sights.push(new Sight(this.#leaseMs));
    return this.#sights[shard]!;
  }

  shardOf(taskId: string): number {
    return shardOfTask(taskId, this.#shards());
  }

  /** The latest that a store's clock said, epoch ms; null: nothing was looked at. */
  get now(): number | null {
    let latest: number | null = null;
    for (const { known } of this.#sights) {
      if (known.now !== null) latest = Math.max(latest ?? known.now, known.now);
    }
    return latest;
  }

  /** Up to where a schedule of that task is decided; null: not known. */
  decidedAt(schedule: { scheduleId: string; taskId: string; jitterMs: number }): number | null {
    const { known } = this.of(this.shardOf(schedule.taskId));
    return known.decidedAt(schedule.scheduleId, schedule.jitterMs);
  }

  decided(): Decided[] {
    return this.#sights.flatMap(({ known }) => known.decided());
  }

  /** Whoever lives had the time to be back by now, in every shard. */
  canJudge(now: number): boolean {
    return this.#sights.length > 0 && this.#sights.every(({ presence }) => presence.canJudge(now));
  }
}
