/** work, the claiming half: who gets which jobs, under which lease. */
import { describe, expect } from "vitest";
import { NO_COUNTS } from "../../../src/core/job.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  AGAIN,
  COMPLETED,
  HOUR_MS,
  heldOf,
  KEEP,
  LEASE_MS,
  newJob,
  only,
  PLAIN_RULES,
  rules,
  TASK,
} from "../words.js";

export function claimClaims(test: ContractTest): void {
  describe("claim", () => {
    batchClaims(test);
    exclusionClaims(test);
    manyTaskClaims(test);
    boundClaims(test);
  });
}

function batchClaims(test: ContractTest): void {
  test("nothing is there, nothing is claimed", async ({ scene }) => {
    expect(await scene.work({ limit: 10 })).toEqual({
      settled: [],
      batches: [],
      more: [],
      left: [],
      drain: false,
    });
  });

  test("a claimed job comes with all that a handler needs", async ({ scene }) => {
    const { id } = await scene.pushOne({ payload: '{"to":"you"}' });
    const { number } = await scene.view(id);
    const batch = only((await scene.work()).batches);
    const job = {
      number,
      id,
      ownId: false,
      payload: '{"to":"you"}',
      rules: PLAIN_RULES,
      occurrence: null,
      counts: NO_COUNTS,
    };
    expect({ ...batch, shard: undefined }).toEqual({
      fence: expect.stringMatching(/^\d+$/),
      taskId: TASK,
      leaseMs: LEASE_MS,
      alone: false,
      jobs: [job],
    });
  });

  test("jobs claimed together are in one lease, in push order", async ({ scene }) => {
    await scene.pushNamed(["a", "b", "c"]);
    const batch = only((await scene.work({ limit: 10 })).batches);
    expect(batch.jobs.map(({ payload }) => payload)).toEqual(['"a"', '"b"', '"c"']);
  });

  test("the limit is kept, and `more` says that there is more", async ({ scene }) => {
    await scene.pushNamed(["a", "b", "c"]);
    const first = await scene.work({ limit: 2 });
    expect(heldOf(first.batches)).toHaveLength(2);
    expect(first.more).toEqual([TASK]);
    const second = await scene.work({ limit: 2 });
    expect(heldOf(second.batches)).toHaveLength(1);
    expect(second.more).toEqual([]);
  });

  test("a claim that took all there was does not say that there is more", async ({ scene }) => {
    await scene.pushNamed(["a", "b"]);
    expect((await scene.work({ limit: 2 })).more).toEqual([]);
  });

  test("a lease lasts its length from the claim by the store's clock", async ({ scene }) => {
    const before = await scene.world.now();
    const held = await scene.running({}, { leaseMs: 45_000 });
    const after = await scene.world.now();
    const { leaseEndsAt, fence, state } = await scene.view(held.id);
    expect({ state, fence }).toEqual({ state: "running", fence: held.fence });
    expect(leaseEndsAt).toBeGreaterThanOrEqual(before + 45_000);
    expect(leaseEndsAt).toBeLessThanOrEqual(after + 45_001);
  });

  test("fences only rise, over tasks, schedulers and jumps of the clock", async ({ scene }) => {
    const second = await scene.another();
    const fences: string[] = [];
    // Of one shard, where the store has several.
    const shardOf = (taskId: string) => scene.world.shardOf?.(taskId) ?? 0;
    const names = Array.from({ length: 100 }, (_, n) => `y${n}`);
    const y = names.find((name) => shardOf(name) === shardOf("x")) ?? "y";
    for (const [taskId, store] of [
      ["x", scene.store],
      [y, second],
      ["x", second],
      [y, scene.store],
    ] as const) {
      fences.push((await scene.running({ taskId }, { store })).fence);
      await scene.world.jump(-HOUR_MS);
    }
    expect(fences.map(BigInt)).toEqual([...new Set(fences.map(BigInt))].sort(ascending));
  });
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

function exclusionClaims(test: ContractTest): void {
  test("a claimed job is not claimed again while its lease lasts", async ({ scene }) => {
    await scene.running();
    await scene.pass(LEASE_MS / 2);
    expect(await scene.claim(10)).toEqual([]);
    expect(await scene.claim(10, { store: await scene.another() })).toEqual([]);
  });

  test("an expired lease keeps its jobs until somebody reaps it", async ({ scene }) => {
    await scene.running({ rules: rules({ retry: AGAIN }) });
    await scene.expire();
    expect(await scene.claim(10)).toEqual([]);
  });

  test("claims at the same time get each job once", async ({ scene }) => {
    const stores = [scene.store, await scene.another(), await scene.another()];
    await scene.push(Array.from({ length: 60 }, (_, n) => newJob({ payload: String(n) })));
    const claims = Array.from({ length: 24 }, (_, n) =>
      scene.claim(3, { store: stores[n % 3] ?? scene.store }),
    );
    const numbers = (await Promise.all(claims)).flat().map(({ number }) => number);
    expect(numbers).toHaveLength(60);
    expect(new Set(numbers).size).toBe(60);
  });

  test("a completed job is never claimed again", async ({ scene }) => {
    await scene.settle(await scene.running(), COMPLETED);
    await scene.expire();
    await scene.reap();
    expect(await scene.claim(10)).toEqual([]);
  });
}

function manyTaskClaims(test: ContractTest): void {
  test("a claim takes of the tasks it names, and no others", async ({ scene }) => {
    await scene.push(["x", "y", "z"].map((taskId) => newJob({ taskId })));
    const answer = await claimOf(scene, [
      ["z", 5],
      ["x", 5],
    ]);
    expect(answer.batches.map(({ taskId }) => taskId)).toEqual(["z", "x"]);
    expect((await scene.store.counts({ taskId: "y" })).ready).toBe(1);
  });

  test("each task of a claim has a lease and a limit of its own", async ({ scene }) => {
    await scene.push(["x", "x", "x", "y", "y"].map((taskId) => newJob({ taskId })));
    const { batches, more } = await claimOf(scene, [
      ["x", 2],
      ["y", 1],
    ]);
    expect(batches.map(({ taskId, jobs }) => [taskId, jobs.length])).toEqual([
      ["x", 2],
      ["y", 1],
    ]);
    expect(new Set(batches.map(({ fence }) => fence)).size).toBe(2);
    expect([...more].sort()).toEqual(["x", "y"]);
  });

  test("a limit of none takes none", async ({ scene }) => {
    await scene.pushOne();
    expect((await scene.work({ limit: 0 })).batches).toEqual([]);
    expect(await scene.claim(1)).toHaveLength(1);
  });

  test("fifty tasks are claimed of in one call", async ({ scene }) => {
    const taskIds = Array.from({ length: 50 }, (_, n) => `task-${n}`);
    await scene.push(taskIds.map((taskId) => newJob({ taskId })));
    const answer = await claimOf(
      scene,
      taskIds.map((taskId) => [taskId, 3]),
    );
    expect(answer.batches.map(({ taskId }) => taskId)).toEqual(taskIds);
  });
}

function boundClaims(test: ContractTest): void {
  test("a claim answers with at most a thousand jobs, and says that there is more", async ({
    scene,
  }) => {
    await scene.push(Array.from({ length: 1_500 }, (_, n) => newJob({ payload: String(n) })));
    const first = await scene.work({ limit: 5_000 });
    expect(heldOf(first.batches)).toHaveLength(1_000);
    expect(first.more).toEqual([TASK]);
    const second = await scene.work({ limit: 5_000 });
    expect(heldOf(second.batches).map(({ payload }) => Number(payload))).toEqual(
      Array.from({ length: 500 }, (_, n) => n + 1_000),
    );
  });

  test("the thousand are for all tasks of the call together", async ({ scene, skip }) => {
    if (scene.world.shardOf) skip("each shard gives up to a thousand");
    await scene.push(
      Array.from({ length: 1_400 }, (_, n) => newJob({ taskId: n % 2 === 0 ? "x" : "y" })),
    );
    const answer = await claimOf(scene, [
      ["x", 1_000],
      ["y", 1_000],
    ]);
    expect(heldOf(answer.batches)).toHaveLength(1_000);
    expect(answer.more).toContain("y");
  });

  test("a claim answers with a few MiB of payload at most, but at least one job", async ({
    scene,
  }) => {
    const payload = JSON.stringify("x".repeat(1_000_000));
    await scene.push(Array.from({ length: 10 }, () => newJob({ payload })));
    let seen = 0;
    for (let rounds = 0; seen < 10; rounds += 1) {
      expect(rounds).toBeLessThan(10);
      const answer = await scene.work({ limit: 10 });
      const held = heldOf(answer.batches);
      expect(held.length).toBeGreaterThan(0);
      expect(held.length * payload.length).toBeLessThan(5.5 * 1024 * 1024);
      seen += held.length;
      expect(answer.more).toEqual(seen < 10 ? [TASK] : []);
    }
  });
}

async function claimOf(scene: Scene, claims: readonly (readonly [string, number])[]) {
  return await scene.store.work({
    settles: [],
    claims: claims.map(([taskId, limit]) => ({ taskId, limit })),
    idle: false,
    leaseMs: LEASE_MS,
    keep: KEEP,
  });
}
