/** Turns: jobs that must run alone do so one at a time, and others are not kept waiting. */
import { describe, expect } from "vitest";
import { ALONE_AFTER_CRASHES } from "../../../src/core/job.js";
import { shardOfTask } from "../../../src/core/shard.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  heldOf,
  LEASE_MS,
  NO_SCHEDULES,
  newJob,
  only,
  stubborn,
  TASK,
} from "../words.js";

/** Some jobs that have crashed so often that they must run alone; ready. */
async function lonelyJobs(scene: Scene, count: number, taskId = TASK): Promise<void> {
  await scene.push(Array.from({ length: count }, () => stubborn({ taskId })));
  for (let n = 0; n < ALONE_AFTER_CRASHES; n += 1) {
    expect(await scene.claim(count, { taskId })).toHaveLength(count);
    await scene.expire();
    expect(await scene.reap()).toHaveLength(count);
  }
}

/** Another task of the same shard. */
function neighbourOf(taskId: string, shards: number): string {
  const home = shardOfTask(taskId, shards);
  for (let n = 1; ; n += 1) {
    if (shardOfTask(`other ${n}`, shards) === home) return `other ${n}`;
  }
}

export function turnClaims(test: ContractTest): void {
  describe("jobs that crashed", () => {
    runClaims(test);
  });
}

function runClaims(test: ContractTest): void {
  test("three times run one at a time, and hold up nobody else", async ({ scene }) => {
    await lonelyJobs(scene, 3);
    const second = await scene.another();
    const first = await scene.claimOne({ idle: true });
    expect(await scene.claim(10, { idle: true, store: second })).toEqual([]);
    const normal = await scene.pushOne();
    const answer = await scene.work({ limit: 10, store: second });
    expect(answer.drain).toBe(false);
    expect(heldOf(answer.batches).map(({ id }) => id)).toEqual([normal.id]);
    await scene.settle(first, COMPLETED);
    expect(only(await scene.claim(10, { idle: true }))).toMatchObject({ alone: true });
    expect(await scene.claim(10, { idle: true, store: second })).toEqual([]);
  });

  test("leave others their turn, for as long as the last one ran", async ({ scene }) => {
    await lonelyJobs(scene, 3);
    const first = await scene.claimOne({ idle: true });
    await scene.world.advance(LEASE_MS / 2);
    await scene.settle(first, COMPLETED);
    await scene.pushOne();
    await scene.pushOne({ taskId: "other" });
    expect(await scene.work({ limit: 0, idle: true })).toMatchObject({ drain: false });
    expect(await scene.claimOne({ idle: true })).toMatchObject({ alone: false });
    expect((await scene.work()).drain).toBe(false);
    const second = await scene.another();
    expect(only(await scene.claim(1, { idle: true, store: second }))).toMatchObject({
      alone: true,
    });
  });

  test("do not wait for the turn of others where nothing else is ready", async ({ scene }) => {
    await lonelyJobs(scene, 2);
    const first = await scene.claimOne({ idle: true });
    await scene.world.advance(LEASE_MS / 2);
    await scene.settle(first, COMPLETED);
    const normal = await scene.pushOne();
    expect(only(await scene.claim(1, { free: true })).id).toBe(normal.id);
    expect((await scene.work()).drain).toBe(false);
    expect((await scene.work({ free: true })).drain).toBe(true);
    expect(await scene.claimOne({ idle: true })).toMatchObject({ alone: true });
  });

  test("come back when the others had their turn", async ({ scene }) => {
    await lonelyJobs(scene, 2);
    const first = await scene.claimOne({ idle: true });
    await scene.world.advance(LEASE_MS / 2);
    await scene.settle(first, COMPLETED);
    await scene.push([newJob(), newJob()]);
    expect(await scene.claimOne({ idle: true })).toMatchObject({ alone: false });
    await scene.world.advance(LEASE_MS);
    expect(await scene.claimOne({ idle: true })).toMatchObject({ alone: true });
  });

  test("are looked for when the last one is over and others had as long", async ({ scene }) => {
    const other = neighbourOf(TASK, scene.store.shards);
    await lonelyJobs(scene, 1);
    await lonelyJobs(scene, 2, other);
    const first = await scene.claimOne({ taskId: other, idle: true });
    // Told that one runs.
    expect(await scene.claim(1, { idle: true })).toEqual([]);
    await scene.world.advance(LEASE_MS / 10);
    await scene.settle(first, COMPLETED);
    await scene.world.advance(LEASE_MS / 5);
    const taskIds = [TASK, other];
    const look = await scene.store.look({ ...NO_SCHEDULES, taskIds, sleepMs: LEASE_MS });
    expect(look.taskIds).toEqual(taskIds);
    expect((await scene.work()).drain).toBe(true);
  });

  test("need not be looked for while one of them runs", async ({ scene }) => {
    await lonelyJobs(scene, 2);
    const second = await scene.another();
    await scene.claimOne({ idle: true });
    const { taskIds, waitMs } = await second.look({
      ...{ taskIds: [TASK], ...NO_SCHEDULES, sleepMs: LEASE_MS },
    });
    expect(taskIds).toEqual([]);
    expect(waitMs).toBeGreaterThan(LEASE_MS / 4);
  });
}
