/** look: what there is to do, in one question, or how long to sleep. */
import { describe, expect } from "vitest";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { COMPLETED, HOUR_MS, LEASE_MS, newJob, retryIn, TASK } from "../words.js";

const SLEEP_MS = 100_000;
const LOOK = { taskIds: [TASK], scheduleIds: [], sleepMs: SLEEP_MS };

export function lookClaims(test: ContractTest): void {
  describe("look", () => {
    taskClaims(test);
    scheduleClaims(test);
    sleepClaims(test);
  });
}

function taskClaims(test: ContractTest): void {
  test("finds nothing in an empty store", async ({ scene }) => {
    const now = await scene.world.now();
    const look = await scene.store.look(LOOK);
    expect(look).toMatchObject({ taskIds: [], schedules: [], expired: [], waitMs: SLEEP_MS });
    expect(look.now).toBeGreaterThanOrEqual(now);
    expect(look.now).toBeLessThanOrEqual(await scene.world.now());
  });

  test("names a task with a ready job, and asks for haste", async ({ scene }) => {
    await scene.pushOne();
    expect(await scene.store.look(LOOK)).toMatchObject({ taskIds: [TASK], waitMs: 0 });
  });

  test("names of fifty tasks those with work, in one call", async ({ scene }) => {
    const taskIds = Array.from({ length: 50 }, (_, n) => `task-${n}`);
    const withWork = ["task-3", "task-17", "task-42"];
    scene.knows(...taskIds);
    await scene.push(withWork.map((taskId) => newJob({ taskId })));
    await scene.push([newJob({ taskId: "task-5", due: { in: HOUR_MS } })]);
    const look = await scene.store.look({ ...LOOK, taskIds });
    expect([...look.taskIds].sort()).toEqual([...withWork].sort());
  });

  test("does not name tasks that it was not asked for", async ({ scene }) => {
    await scene.pushOne({ taskId: "other" });
    expect(await scene.store.look(LOOK)).toMatchObject({ taskIds: [], waitMs: SLEEP_MS });
  });

  test("does not name a task whose only jobs run or have ended", async ({ scene }) => {
    await scene.settle(await scene.running(), COMPLETED);
    await scene.running();
    expect((await scene.store.look(LOOK)).taskIds).toEqual([]);
  });

  test("sends nobody more than once for jobs that were cancelled", async ({ scene }) => {
    await scene.cancel((await scene.pushOne()).id);
    await scene.cancel((await scene.pushOne({ due: { in: 10 } })).id);
    await scene.world.advance(1_000);
    await scene.store.look(LOOK);
    expect(await scene.work()).toMatchObject({ batches: [], more: [] });
    expect((await scene.store.look(LOOK)).taskIds).toEqual([]);
  });

  test("names a task as soon as a delayed job is due", async ({ scene }) => {
    await scene.pushOne({ due: { in: HOUR_MS } });
    expect((await scene.store.look(LOOK)).taskIds).toEqual([]);
    await scene.world.advance(HOUR_MS + 1);
    expect((await scene.store.look(LOOK)).taskIds).toEqual([TASK]);
    expect(await scene.claim(1)).toHaveLength(1);
  });

  test("names a task as soon as a retry is due", async ({ scene }) => {
    await scene.settle(await scene.running(), retryIn(HOUR_MS));
    expect((await scene.store.look(LOOK)).taskIds).toEqual([]);
    await scene.world.advance(HOUR_MS + 1);
    expect((await scene.store.look(LOOK)).taskIds).toEqual([TASK]);
  });

  test("goes on naming a task until its last ready job is taken", async ({ scene }) => {
    await scene.push([newJob(), newJob(), newJob({ due: { in: HOUR_MS } })]);
    for (let n = 0; n < 2; n += 1) {
      expect((await scene.store.look(LOOK)).taskIds).toEqual([TASK]);
      await scene.claimOne();
    }
    expect((await scene.store.look(LOOK)).taskIds).toEqual([]);
  });
}

async function register(scene: Scene, scheduleId: string, firstAt: number | null): Promise<void> {
  const schedule = { scheduleId, taskId: TASK, definition: `"${scheduleId}"`, firstAt };
  await scene.store.register({ schedules: [schedule] });
}

function scheduleClaims(test: ContractTest): void {
  test("names a schedule that is due, with all that firing it needs", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    await register(scene, "s", firstAt);
    const look = { taskIds: [], scheduleIds: ["s", "unknown"], sleepMs: SLEEP_MS };
    expect((await scene.store.look(look)).schedules).toEqual([]);
    await scene.world.advance(HOUR_MS + 1);
    const seen = await scene.store.look(look);
    expect(seen.schedules).toEqual([
      {
        scheduleId: "s",
        taskId: TASK,
        revision: expect.any(Number),
        definition: '"s"',
        nextAt: firstAt,
      },
    ]);
    expect(seen.waitMs).toBe(0);
  });

  test("does not name schedules that it was not asked for, or that have no next", async ({
    scene,
  }) => {
    const now = await scene.world.now();
    await register(scene, "mine", null);
    await register(scene, "other", now + 1_000);
    await scene.world.advance(HOUR_MS);
    const look = await scene.store.look({ taskIds: [], scheduleIds: ["mine"], sleepMs: SLEEP_MS });
    expect(look).toMatchObject({ schedules: [], waitMs: SLEEP_MS });
  });

  test("names at most a hundred due schedules", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + 1_000;
    const scheduleIds = Array.from({ length: 150 }, (_, n) => `s-${n}`);
    await scene.store.register({
      schedules: scheduleIds.map((scheduleId) => ({
        scheduleId,
        taskId: TASK,
        definition: "{}",
        firstAt,
      })),
    });
    await scene.world.advance(2_000);
    const { schedules } = await scene.store.look({ taskIds: [], scheduleIds, sleepMs: SLEEP_MS });
    expect(new Set(schedules.map(({ scheduleId }) => scheduleId)).size).toBe(100);
  });
}

function sleepClaims(test: ContractTest): void {
  test("lets a scheduler sleep until the next job is due", async ({ scene }) => {
    await scene.pushOne({ due: { in: 40_000 } });
    const { waitMs } = await scene.store.look(LOOK);
    expect(waitMs).toBeGreaterThan(20_000);
    expect(waitMs).toBeLessThanOrEqual(40_001);
  });

  test("lets a scheduler sleep until its next schedule is due", async ({ scene }) => {
    await register(scene, "s", (await scene.world.now()) + 40_000);
    const { waitMs } = await scene.store.look({ ...LOOK, scheduleIds: ["s"] });
    expect(waitMs).toBeGreaterThan(20_000);
    expect(waitMs).toBeLessThanOrEqual(40_001);
  });

  test("never lets a scheduler sleep longer than it wants", async ({ scene }) => {
    await scene.pushOne({ due: { in: 10 * HOUR_MS } });
    expect((await scene.store.look({ ...LOOK, sleepMs: 7 })).waitMs).toBeLessThanOrEqual(7);
  });

  test("wakes at most two sleepers for the next due moment", async ({ scene }) => {
    await scene.pushOne({ due: { in: 40_000 } });
    const waits: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      waits.push((await (await scene.another()).look(LOOK)).waitMs);
    }
    const early = waits.filter((waitMs) => waitMs <= 40_001);
    expect(early.length).toBeGreaterThanOrEqual(1);
    expect(early.length).toBeLessThanOrEqual(2);
    expect(waits.filter((waitMs) => waitMs === SLEEP_MS)).toHaveLength(5 - early.length);
  });

  test("tells somebody to come when the next lease ends", async ({ scene }) => {
    await scene.running();
    const { waitMs } = await scene.store.look({ ...LOOK, sleepMs: 10 * LEASE_MS });
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(LEASE_MS + 1);
  });
}
