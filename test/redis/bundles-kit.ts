/** What the tests of bundles share: claims of one task, and a book of what the store has to say. */
import fc from "fast-check";
import type { Redis } from "ioredis";
import { expect } from "vitest";
import type { NewJob, Settle, SettleOutcome, Store } from "../../src/store/contract.js";
import { job, KEEP, LEASE_MS } from "./store-kit.js";

export const PREFIX = "_bundles:";
export const SHARD = `${PREFIX}{0}:`;
export const TASK = `${SHARD}t:a:`;

const AGAIN = { attempts: 0, waitMs: 0, backoff: "fixed" } as const;
export const RULES = { retry: AGAIN, priority: 0, timeoutMs: null };
export const COMPLETED = { kind: "completed", result: null } as const;
const FAILED = { kind: "retry", cause: "failed", waitMs: 0, error: null } as const;
const HAND_BACK = { kind: "handBack" } as const;

export const many = (count: number, more: Partial<NewJob> = {}): NewJob[] =>
  Array.from({ length: count }, (_, k) => job("a", { payload: `${k}`, rules: RULES, ...more }));

export interface Held {
  id: string;
  number: string;
  fence: string;
  payload: string;
}

export async function claim(store: Store, limit: number, settles: readonly Settle[] = []) {
  const claims = limit === 0 ? [] : [{ taskId: "a", limit }];
  const answer = await store.work({ settles, claims, idle: false, leaseMs: LEASE_MS, keep: KEEP });
  const held = answer.batches.flatMap(({ fence, jobs }) =>
    jobs.map(({ id, number, payload }): Held => ({ id, number, fence, payload })),
  );
  return { held, settled: answer.settled };
}

export const settle = ({ fence, number }: Held, outcome: SettleOutcome = COMPLETED): Settle => ({
  ...{ fence, number, outcome, taskId: "a" },
  ...{ id: null, scheduleId: null },
});

export const step = fc.oneof(
  fc.record({ op: fc.constant("push" as const), count: fc.integer({ min: 1, max: 130 }) }),
  fc.record({ op: fc.constant("claim" as const), limit: fc.integer({ min: 1, max: 60 }) }),
  fc.record({
    op: fc.constant("settle" as const),
    picks: fc.oneof(
      fc.array(fc.nat(200), { minLength: 1, maxLength: 50, size: "max" }),
      fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }),
    ),
    how: fc.constantFrom("own", "own", "own", "foreign"),
    what: fc.constantFrom(COMPLETED, COMPLETED, COMPLETED, FAILED, HAND_BACK),
    limit: fc.constantFrom(0, 0, 20),
  }),
  fc.record({ op: fc.constant("cancel" as const), pick: fc.nat(200) }),
  fc.record({ op: fc.constant("reap" as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What the store has to say after each step. */
export class Book {
  readonly line = new Set<string>();
  readonly payloads = new Map<string, string>();
  held: Held[] = [];
  pushed = 0;
  #reaps = 0;
  readonly #store: Store;
  readonly #admin: Redis;

  constructor(store: Store, admin: Redis) {
    this.#store = store;
    this.#admin = admin;
  }

  async do(one: Step): Promise<void> {
    if (one.op === "push") await this.#push(one.count);
    else if (one.op === "claim") this.#took((await claim(this.#store, one.limit)).held);
    else if (one.op === "settle") await this.#settle(one);
    else if (one.op === "cancel") await this.#cancel(one.pick);
    else await this.#reap();
    const { ready, running, scheduled } = await this.#store.counts({ taskId: "a" });
    const { size } = this.line;
    expect({ ready, running, scheduled }).toEqual({
      ready: size,
      running: this.held.length,
      scheduled: 0,
    });
  }

  async #push(count: number): Promise<void> {
    const jobs = many(count, {}).map((one) => ({ ...one, payload: String(this.pushed++) }));
    for (const [k, { id }] of (await this.#store.push({ jobs, timeoutMs: 5_000 })).entries()) {
      expect(this.payloads.has(id)).toBe(false);
      this.line.add(id);
      this.payloads.set(id, jobs[k]?.payload ?? "");
    }
  }

  #took(held: readonly Held[]): void {
    for (const one of held) {
      expect(this.line.delete(one.id)).toBe(true);
      expect(one.payload).toBe(this.payloads.get(one.id));
    }
    this.held.push(...held);
  }

  async #settle({ picks, how, what, limit }: Extract<Step, { op: "settle" }>): Promise<void> {
    const places = new Set(picks.filter((k) => k < this.held.length));
    const chosen = this.held.filter((_, k) => places.has(k));
    // Of another part of the same bundle, if there is one.
    const others = ({ fence, number }: Held) =>
      this.held.find((one) => one.fence !== fence && one.number.startsWith(number.slice(0, 14)))
        ?.fence ?? "1";
    const isOwn = how === "own";
    const settles = chosen.map((one) => settle(isOwn ? one : { ...one, fence: others(one) }, what));
    const { held, settled } = await claim(this.#store, limit, settles);
    expect(settled.map((answer) => answer === "lost")).toEqual(chosen.map(() => !isOwn));
    if (isOwn) {
      this.held = this.held.filter((_, k) => !places.has(k));
      if (what !== COMPLETED) for (const { id } of chosen) this.line.add(id);
    }
    this.#took(held);
  }

  async #cancel(pick: number): Promise<void> {
    const id = [...this.line][pick];
    if (id === undefined) return;
    const answer = await this.#store.cancel({ taskId: "a", id, keep: KEEP });
    expect(answer).toEqual({ state: "cancelled", changed: true });
    this.line.delete(id);
    expect((await this.#store.get({ taskId: "a", id }))?.state).toBe("cancelled");
  }

  /**
   * All leases are taken for expired; each job is issued again, as one that has crashed. Not more
   * often than twice: after three crashes it would run alone.
   */
  async #reap(): Promise<void> {
    this.#reaps += 1;
    if (this.#reaps > 2) return;
    const fences = [...new Set(this.held.map(({ fence }) => fence))];
    for (const fence of fences) await this.#admin.zadd(`${SHARD}leases`, "1", fence);
    await this.#admin.hset(`${SHARD}meta`, "noted", Date.now(), "graceFrom", 0);
    const leases = fences.map((fence) => ({ fence, taskId: "a" }));
    let reaped = 0;
    while (reaped < this.held.length) {
      const some = await this.#store.reap({ leases, random: 0.5, keep: KEEP });
      expect(some.length).toBeGreaterThan(0);
      reaped += some.length;
    }
    expect(reaped).toBe(this.held.length);
    for (const { id } of this.held) this.line.add(id);
    this.held = [];
  }

  /** Nothing is left of all that, and all that was pushed has ended once. */
  async drain(): Promise<void> {
    for (let rounds = 0; this.line.size + this.held.length > 0; rounds += 1) {
      expect(rounds).toBeLessThan(2_000);
      const settles = this.held.map((one) => settle(one));
      this.held = [];
      const { held, settled } = await claim(this.#store, 100, settles);
      expect(settled.every((answer) => answer !== "lost")).toBe(true);
      this.#took(held);
    }
    const left = await this.#admin.exists(
      ...["bundles", "jobs", "claimed", "ready"].map((name) => TASK + name),
      ...["lease", "leases"].map((name) => SHARD + name),
    );
    expect(left).toBe(0);
  }
}
