/** Keeping and pruning: how long and how many ended jobs stay. */
import { describe, expect } from "vitest";
import type { KeepRules } from "../../../src/core/keep.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  DAY_MS,
  HOUR_MS,
  KEEP,
  KEEP_COMPLETED,
  KEEP_NOTHING,
  NO_SCHEDULES,
  names,
  newJob,
  TASK,
} from "../words.js";

const DEAD = { kind: "dead", reason: "failed", error: null } as const;

export function keepClaims(test: ContractTest): void {
  describe("keeping", () => {
    countBoundClaims(test);
    ageClaims(test);
    pruneClaims(test);
  });
}

function keepDead(count: number, ageMs = DAY_MS): KeepRules {
  return { ...KEEP, dead: { ageMs, count } };
}

async function dieNamed(scene: Scene, given: readonly string[], keep: KeepRules): Promise<void> {
  for (const name of given) {
    const held = await scene.running({ payload: JSON.stringify(name) });
    await scene.settle(held, DEAD, { keep });
    await scene.world.advance(10);
  }
}

async function deadNames(scene: Scene): Promise<unknown[]> {
  const page = { taskId: TASK, state: "dead", cursor: null, limit: 100 } as const;
  return names((await scene.store.list(page)).jobs);
}

async function pruneAll(scene: Scene, keep: KeepRules): Promise<void> {
  for (let rounds = 0; await scene.store.prune({ taskIds: [TASK], keep }); rounds += 1) {
    expect(rounds).toBeLessThan(1_000);
  }
}

function countBoundClaims(test: ContractTest): void {
  test("more than `count` ended jobs are never kept: the oldest go, and are counted", async ({
    scene,
  }) => {
    await dieNamed(scene, ["1", "2", "3", "4", "5"], keepDead(3));
    expect(await deadNames(scene)).toEqual(["5", "4", "3"]);
    const counts = await scene.store.counts({ taskId: TASK });
    expect(counts).toMatchObject({ dead: 3, total: { dead: 5, dropped: 2 } });
  });

  test("a count of zero keeps nothing, and that is no drop", async ({ scene }) => {
    const held = await scene.running();
    await scene.settle(held, DEAD, { keep: keepDead(0) });
    expect(await scene.store.get({ taskId: TASK, id: held.id })).toBeNull();
    expect(await scene.store.counts({ taskId: TASK })).toMatchObject({
      dead: 0,
      total: { dead: 1, dropped: 0 },
    });
  });

  test("an id that is not kept at all is no drop", async ({ scene }) => {
    const { id } = await scene.pushOne({ id: "a" });
    await scene.store.cancel({ taskId: TASK, id, keep: KEEP_NOTHING });
    expect((await scene.store.counts({ taskId: TASK })).total).toMatchObject({ dropped: 0 });
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: true });
  });

  test("many jobs that end in one step are bounded, too", async ({ scene }) => {
    await scene.push(Array.from({ length: 50 }, (_, n) => newJob({ payload: String(n) })));
    const held = await scene.claim(50);
    await scene.settleAll(
      held.map((job) => [job, DEAD]),
      { keep: keepDead(10) },
    );
    expect(await scene.store.counts({ taskId: TASK })).toMatchObject({
      dead: 10,
      total: { dead: 50, dropped: 40 },
    });
    expect((await deadNames(scene)).sort()).toEqual(
      Array.from({ length: 10 }, (_, n) => n + 40).sort(),
    );
  });

  test("jobs cancelled while they wait are bounded", async ({ scene }) => {
    const keep = { ...KEEP, cancelled: { ageMs: DAY_MS, count: 2 } };
    for (let n = 0; n < 4; n += 1) {
      const { id } = await scene.pushOne();
      await scene.store.cancel({ taskId: TASK, id, keep });
    }
    expect(await scene.store.counts({ taskId: TASK })).toMatchObject({
      cancelled: 2,
      total: { cancelled: 4, dropped: 2 },
    });
  });

  test("jobs that a reaper ends are bounded", async ({ scene }) => {
    await scene.push([newJob(), newJob(), newJob()]);
    await scene.claim(3);
    await scene.expire();
    const { expired } = await scene.store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 1_000 });
    await scene.store.reap({ leases: expired, random: 0.5, keep: keepDead(1) });
    expect(await scene.store.counts({ taskId: TASK })).toMatchObject({
      dead: 1,
      total: { dead: 3, dropped: 2 },
    });
  });

  test("completed jobs are bounded by their own rule", async ({ scene }) => {
    const keep = { ...KEEP_COMPLETED, completed: { ageMs: DAY_MS, count: 2 } };
    for (let n = 0; n < 3; n += 1) await scene.settle(await scene.running(), COMPLETED, { keep });
    await dieNamed(scene, ["1", "2", "3"], keep);
    expect(await scene.store.counts({ taskId: TASK })).toMatchObject({ completed: 2, dead: 3 });
  });

  test("a job that was dropped is gone in every respect", async ({ scene }) => {
    const held = await scene.running();
    await scene.settle(held, DEAD, { keep: keepDead(1) });
    await dieNamed(scene, ["next"], keepDead(1));
    expect(await scene.store.get({ taskId: TASK, id: held.id })).toBeNull();
    expect(await scene.store.redrive({ taskId: TASK, id: held.id })).toBeNull();
    expect(await scene.cancel(held.id)).toBeNull();
  });
}

function ageClaims(test: ContractTest): void {
  test("an ended job is kept until its age, and then pruned", async ({ scene }) => {
    const { id } = await scene.dead();
    await scene.world.advance(7 * DAY_MS - HOUR_MS);
    await pruneAll(scene, KEEP);
    expect(await scene.stateOf(id)).toBe("dead");
    await scene.world.advance(HOUR_MS + 1_000);
    await pruneAll(scene, KEEP);
    expect(await scene.stateOf(id)).toBeNull();
    expect(await scene.store.counts({ taskId: TASK })).toMatchObject({
      dead: 0,
      total: { dead: 1, dropped: 0 },
    });
  });

  test("the age counts from the job's end, not from its push", async ({ scene }) => {
    await scene.pushOne({ id: "a", due: { in: 30 * DAY_MS } });
    await scene.world.advance(30 * DAY_MS + 1);
    await scene.settle(await scene.claimOne(), DEAD);
    await pruneAll(scene, KEEP);
    expect(await scene.stateOf("a")).toBe("dead");
  });

  test("each state has an age of its own", async ({ scene }) => {
    const keep = { ...KEEP_COMPLETED, cancelled: { ageMs: HOUR_MS, count: 10 } };
    await scene.settle(await scene.running({ id: "completed" }), COMPLETED, { keep });
    await scene.dead({ id: "dead" });
    await scene.pushOne({ id: "cancelled" });
    await scene.cancel("cancelled");
    const left = async () => {
      await pruneAll(scene, keep);
      const ids = ["completed", "dead", "cancelled"];
      const states = await Promise.all(ids.map((id) => scene.stateOf(id)));
      return states.filter((state) => state !== null);
    };
    await scene.world.advance(2 * HOUR_MS);
    expect(await left()).toEqual(["completed", "dead"]);
    await scene.world.advance(DAY_MS);
    expect(await left()).toEqual(["dead"]);
    await scene.world.advance(7 * DAY_MS);
    expect(await left()).toEqual([]);
  });

  test("jobs that have not ended are never pruned", async ({ scene }) => {
    await scene.push([newJob({ id: "ready" }), newJob({ id: "late", due: { in: 90 * DAY_MS } })]);
    await scene.world.advance(60 * DAY_MS);
    await pruneAll(scene, KEEP_NOTHING);
    expect(await scene.stateOf("ready")).toBe("ready");
    expect(await scene.stateOf("late")).toBe("scheduled");
  });
}

function pruneClaims(test: ContractTest): void {
  test("prune has nothing to do in an empty store", async ({ scene }) => {
    expect(await scene.store.prune({ taskIds: [TASK], keep: KEEP })).toBe(false);
    expect(await scene.store.prune({ taskIds: [], keep: KEEP })).toBe(false);
  });

  test("prune enforces a count that has become smaller", async ({ scene }) => {
    await dieNamed(scene, ["1", "2", "3", "4"], keepDead(100));
    await pruneAll(scene, keepDead(2));
    expect(await deadNames(scene)).toEqual(["4", "3"]);
    expect((await scene.store.counts({ taskId: TASK })).total.dropped).toBe(2);
  });

  test("prune keeps to the tasks that it is given", async ({ scene }) => {
    await scene.dead({ taskId: "x" });
    await scene.dead({ taskId: "y" });
    await scene.world.advance(8 * DAY_MS);
    while (await scene.store.prune({ taskIds: ["x"], keep: KEEP }));
    expect((await scene.store.counts({ taskId: "x" })).dead).toBe(0);
    expect((await scene.store.counts({ taskId: "y" })).dead).toBe(1);
  });

  test("prune takes thousands in bounded pieces, and says when it is done", async ({ scene }) => {
    for (let n = 0; n < 3; n += 1) {
      await scene.push(Array.from({ length: 1_000 }, () => newJob()));
      const held = await scene.claim(1_000);
      await scene.settleAll(held.map((job) => [job, DEAD]));
    }
    await scene.world.advance(8 * DAY_MS);
    let pieces = 0;
    while (await scene.store.prune({ taskIds: [TASK], keep: KEEP })) pieces += 1;
    expect(pieces).toBeGreaterThanOrEqual(1);
    expect(pieces).toBeLessThan(100);
    expect((await scene.store.counts({ taskId: TASK })).dead).toBe(0);
  });
}
