/** Turns: jobs that must run alone do so one at a time, and others are not kept waiting. */
import { describe, expect } from "vitest";
import { ALONE_AFTER_CRASHES } from "../../../src/core/job.js";
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
async function lonelyJobs(scene: Scene, count: number): Promise<void> {
  await scene.push(Array.from({ length: count }, () => stubborn()));
  for (let n = 0; n < ALONE_AFTER_CRASHES; n += 1) {
    expect(await scene.claim(count)).toHaveLength(count);
    await scene.expire();
    expect(await scene.reap()).toHaveLength(count);
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
