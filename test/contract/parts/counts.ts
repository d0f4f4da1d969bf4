/** counts: how many jobs are in each state, and how many there ever were. */
import { describe, expect } from "vitest";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  HAND_BACK,
  HOUR_MS,
  KEEP_COMPLETED,
  newJob,
  retryIn,
  stubborn,
  TASK,
} from "../words.js";

const NOTHING = {
  scheduled: 0,
  ready: 0,
  running: 0,
  completed: 0,
  dead: 0,
  cancelled: 0,
  total: {
    pushed: 0,
    completed: 0,
    dead: 0,
    cancelled: 0,
    failures: 0,
    crashes: 0,
    dropped: 0,
  },
};

export function countsClaims(test: ContractTest): void {
  describe("counts", () => {
    stateClaims(test);
    totalClaims(test);
  });
}

function stateClaims(test: ContractTest): void {
  test("are zero for a task that nobody has heard of", async ({ scene }) => {
    expect(await scene.store.counts({ taskId: TASK })).toEqual(NOTHING);
  });

  test("say how many jobs are in each state", async ({ scene }) => {
    await scene.dead();
    await scene.cancel((await scene.pushOne()).id);
    await scene.settle(await scene.running(), COMPLETED, { keep: KEEP_COMPLETED });
    await scene.settle(await scene.running(), COMPLETED);
    await scene.running();
    await scene.push([newJob(), newJob(), newJob({ due: { in: HOUR_MS } })]);
    expect(await scene.store.counts({ taskId: TASK })).toMatchObject({
      scheduled: 1,
      ready: 2,
      running: 1,
      completed: 1,
      dead: 1,
      cancelled: 1,
      total: { pushed: 8, completed: 2, dead: 1, cancelled: 1 },
    });
  });

  test("follow a job through its life", async ({ scene }) => {
    const seen: string[] = [];
    const note = async () => {
      const { total: _, ...states } = await scene.store.counts({ taskId: TASK });
      const there = Object.entries(states).filter(([, n]) => n > 0);
      seen.push(there.map(([state, n]) => `${state} ${n}`).join(", "));
    };
    await scene.pushOne({ due: { in: 1_000 } });
    await note();
    await scene.world.advance(2_000);
    const first = await scene.claimOne();
    await note();
    await scene.settle(first, retryIn(1_000));
    await note();
    await scene.world.advance(2_000);
    await scene.settle(await scene.claimOne(), HAND_BACK);
    await note();
    await scene.settle(await scene.claimOne(), COMPLETED);
    await note();
    expect(seen).toEqual(["scheduled 1", "running 1", "scheduled 1", "ready 1", ""]);
  });

  test("are of one task only", async ({ scene }) => {
    await scene.push([newJob({ taskId: "x" }), newJob({ taskId: "x" }), newJob({ taskId: "y" })]);
    expect((await scene.store.counts({ taskId: "x" })).ready).toBe(2);
    expect((await scene.store.counts({ taskId: "y" })).total.pushed).toBe(1);
  });
}

function totalClaims(test: ContractTest): void {
  test("count a push once, and one that found its job there not at all", async ({ scene }) => {
    await scene.pushOne({ id: "a" });
    await scene.pushOne({ id: "a" });
    expect((await scene.store.counts({ taskId: TASK })).total.pushed).toBe(1);
  });

  test("count every failure and every crash", async ({ scene }) => {
    await scene.push([stubborn(), stubborn()]);
    await scene.claim(2);
    await scene.expire();
    await scene.reap();
    for (const held of await scene.claim(2)) await scene.settle(held, retryIn(0));
    await scene.world.advance(1_000);
    await scene.settle(await scene.claimOne(), HAND_BACK);
    const { total } = await scene.store.counts({ taskId: TASK });
    expect(total).toMatchObject({ pushed: 2, failures: 2, crashes: 2, dead: 0, completed: 0 });
  });

  test("count ends by reaping and by cancelling", async ({ scene }) => {
    await scene.push([newJob(), newJob()]);
    const [, second] = await scene.claim(2);
    await scene.cancel(second!.id);
    await scene.expire();
    await scene.reap();
    const { total, running } = await scene.store.counts({ taskId: TASK });
    expect(total).toMatchObject({ dead: 1, cancelled: 1 });
    expect(running).toBe(0);
  });

  test("count nothing for a settle that was refused", async ({ scene }) => {
    const held = await scene.running();
    await scene.settle(held, COMPLETED);
    const before = await scene.store.counts({ taskId: TASK });
    await scene.settle(held, COMPLETED);
    await scene.settle(held, retryIn(0));
    expect(await scene.store.counts({ taskId: TASK })).toEqual(before);
  });
}
