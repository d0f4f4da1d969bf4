/**
 * Random walks: verbs in any order, by two schedulers, with time passing and jumping. A model of a
 * few lines follows the answers; what must hold in every order is asked after each step.
 */
import { describe, expect } from "vitest";
import type { Store } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  HAND_BACK,
  type Held,
  HOUR_MS,
  heldOf,
  KEEP,
  LEASE_MS,
  newJob,
  retryIn,
  rules,
} from "../words.js";

const OPS = [
  "push",
  "pushOwn",
  "pushLater",
  "pushUrgent",
  "claim",
  "claim",
  "claimIdle",
  "claimIdle",
  "complete",
  "complete",
  "fail",
  "die",
  "handBack",
  "settleLate",
  "renew",
  "cancel",
  "redrive",
  "expire",
  "expire",
  "outage",
  "wait",
  "jumpBack",
  "prune",
] as const;

type Op = (typeof OPS)[number];
/** `pick`: which job, how many, on or off: whatever the step has to choose. */
type Step = { op: Op; pick: number; second: boolean };

/** `WALKS=1000` for a longer search; walk n is always the same. */
const WALKS = Number(process.env.WALKS ?? 10);
const STEPS = 80;

const HAPPENINGS = ["alone", "handed out", "reaped", "redriven", "refused"] as const;

export function walkClaims(test: ContractTest): void {
  describe("random walks", () => {
    test(
      "keep every job in one state, hand it to one holder, and lose none",
      async ({ scene }) => {
        const other = await scene.another();
        const seen = new Set<string>();
        for (let seed = 1; seed <= WALKS; seed += 1) {
          const walk = new Walk(scene, other, `walk-${seed}`);
          const draw = drawer(seed);
          for (let n = 0; n < STEPS; n += 1) {
            const op = OPS[draw(OPS.length)] ?? "push";
            await walk.take({ op, pick: draw(1_000), second: draw(2) === 1 });
          }
          for (const event of walk.seen) seen.add(event);
        }
        // A walk on which nothing happens proves nothing.
        expect([...seen].sort()).toEqual(HAPPENINGS);
      },
      WALKS * 2_000,
    );
  });
}

/** Whole numbers below a bound, the same ones for the same seed (a linear congruence). */
function drawer(seed: number): (below: number) => number {
  let state = seed * 7_919;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

class Walk {
  readonly seen = new Set<(typeof HAPPENINGS)[number]>();
  readonly #scene: Scene;
  readonly #other: Store;
  readonly #taskId: string;
  /** Public ids of all jobs. */
  readonly #ids: string[] = [];
  /** What is held under leases that were not reaped, by number. */
  readonly #held = new Map<string, Held>();
  readonly #lost: Held[] = [];
  /** Numbers of retry-off jobs that were handed out, and not given back since. */
  readonly #spent = new Set<string>();
  #redriven = 0;
  #lastFence = 0n;

  constructor(scene: Scene, other: Store, taskId: string) {
    this.#scene = scene;
    this.#other = other;
    this.#taskId = taskId;
    scene.knows(taskId);
  }

  async take({ op, pick, second }: Step): Promise<void> {
    const store = second ? this.#other : this.#scene.store;
    await this.#do(op, pick, store);
    await this.#ask(store, op);
  }

  async #do(op: Op, pick: number, store: Store): Promise<void> {
    if (op.startsWith("push")) return await this.#push(op, pick, store);
    if (op.startsWith("claim")) return await this.#claim(op === "claimIdle", 1 + (pick % 5), store);
    if (op === "settleLate") return await this.#settleLate(pick, store);
    if (op === "cancel") return await this.#cancel(pick, store);
    if (op === "redrive") return await this.#redrive(pick, store);
    if (op === "renew") return await this.#renew(store);
    if (op === "prune") return void (await store.prune({ taskIds: [this.#taskId], keep: KEEP }));
    if (OUTCOMES[op] !== undefined) return await this.#settle(op, pick, store);
    await this.#time(op, pick, store);
  }

  async #push(op: Op, pick: number, store: Store): Promise<void> {
    const retry =
      pick % 2 === 0 ? null : { attempts: pick % 7, waitMs: 0, backoff: "fixed" as const };
    const jobs = Array.from({ length: 1 + (pick % 4) }, (_, n) =>
      newJob({
        taskId: this.#taskId,
        id: op === "pushOwn" ? `own-${(pick + n) % 9}` : null,
        due: op === "pushLater" ? { in: 1 + (pick % 90_000) } : null,
        rules: rules({ retry, priority: op === "pushUrgent" ? (pick % 5) - 2 : 0 }),
      }),
    );
    for (const { id, created } of await this.#scene.push(jobs, store)) {
      expect(created).toBe(!this.#ids.includes(id));
      if (created) this.#ids.push(id);
    }
  }

  async #claim(idle: boolean, limit: number, store: Store): Promise<void> {
    const claims = [{ taskId: this.#taskId, limit }];
    const args = { settles: [], claims, idle, leaseMs: LEASE_MS, keep: KEEP };
    const { batches } = await store.work(args);
    const held = heldOf(batches);
    expect(held.length).toBeLessThanOrEqual(limit);
    for (const job of held) {
      expect(BigInt(job.fence)).toBeGreaterThanOrEqual(this.#lastFence);
      expect(this.#held.has(job.number)).toBe(false);
      expect(this.#spent.has(job.number)).toBe(false);
      if (job.alone) {
        expect({ held: held.length, idle }).toEqual({ held: 1, idle: true });
        this.seen.add("alone");
      }
      this.#lastFence = BigInt(job.fence);
      this.#held.set(job.number, job);
      this.seen.add("handed out");
      if (job.rules.retry === null) this.#spent.add(job.number);
    }
  }

  async #settle(op: Op, pick: number, store: Store): Promise<void> {
    const held = [...this.#held.values()][pick % Math.max(1, this.#held.size)];
    const outcome = OUTCOMES[op];
    if (held === undefined || outcome === undefined) return;
    const answer = await this.#scene.settle(held, outcome, { store });
    expect(answer).not.toBe("lost");
    this.#held.delete(held.number);
    this.#lost.push(held);
    if (op === "handBack" || op === "fail") this.#spent.delete(held.number);
  }

  async #settleLate(pick: number, store: Store): Promise<void> {
    const late = this.#lost[pick % Math.max(1, this.#lost.length)];
    if (late === undefined) return;
    expect(await this.#scene.settle(late, COMPLETED, { store })).toBe("lost");
    this.seen.add("refused");
  }

  async #cancel(pick: number, store: Store): Promise<void> {
    const id = this.#ids[pick % Math.max(1, this.#ids.length)];
    if (id === undefined) return;
    await store.cancel({ taskId: this.#taskId, id, keep: KEEP });
  }

  async #redrive(pick: number, store: Store): Promise<void> {
    const id = this.#ids[pick % Math.max(1, this.#ids.length)];
    if (id === undefined) return;
    const answer = await store.redrive({ taskId: this.#taskId, id });
    if (!answer?.redriven) return;
    this.#redriven += 1;
    this.seen.add("redriven");
  }

  async #renew(store: Store): Promise<void> {
    const held = [...this.#held.values()];
    expect((await this.#scene.renew(held, store)).lost).toEqual([]);
    const lost = this.#lost.slice(-3).filter(({ fence }) => held.every((h) => h.fence !== fence));
    const fences = new Set(lost.map(({ fence }) => fence));
    const renewed = await this.#scene.renew(lost, store);
    expect(new Set(renewed.lost.map(({ fence }) => fence))).toEqual(fences);
  }

  async #time(op: Op, pick: number, store: Store): Promise<void> {
    const { world } = this.#scene;
    if (op === "wait") await this.#scene.pass(pick * 20);
    else if (op === "jumpBack") await world.jump(-HOUR_MS);
    else if (op === "outage") await world.advance(3 * LEASE_MS);
    else await this.#scene.expire();
    for (const { number } of await this.#scene.reap(store, (pick % 100) / 100)) {
      const held = this.#held.get(number);
      if (held === undefined) continue;
      this.#lost.push(held);
      this.#held.delete(number);
      this.seen.add("reaped");
    }
  }

  /** What must hold after every step. */
  async #ask(store: Store, op: Op): Promise<void> {
    const taskId = this.#taskId;
    const { total, ...now } = await store.counts({ taskId });
    expect(now.running, `${taskId}: running after ${op}`).toBe(this.#held.size);
    expect(total.pushed, `pushed after ${op}`).toBe(this.#ids.length);
    const ended = total.completed + total.dead + total.cancelled - this.#redriven;
    expect(now.ready + now.scheduled + now.running + ended, `jobs after ${op}`).toBe(
      this.#ids.length,
    );
    expect(now.dead + now.cancelled, `kept after ${op}`).toBeLessThanOrEqual(this.#ids.length);
    for (const state of ["ready", "scheduled", "running", "dead", "cancelled"] as const) {
      const page = await store.list({ taskId, state, cursor: null, limit: 500 });
      expect(page.jobs.length, `${state} after ${op}`).toBe(now[state]);
    }
  }
}

const OUTCOMES: Partial<Record<Op, Parameters<Scene["settle"]>[1]>> = {
  complete: COMPLETED,
  fail: retryIn(0),
  die: { kind: "dead", reason: "failed", error: "x" },
  handBack: HAND_BACK,
};
