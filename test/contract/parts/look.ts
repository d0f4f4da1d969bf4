/** look: what there is to do, in one question, or how long to sleep. */
import { describe, expect } from "vitest";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  HOUR_MS,
  KEEP,
  LEASE_MS,
  NO_SCHEDULES,
  newJob,
  retryIn,
  SCHEDULE,
  SLACK_MS,
  schedule,
  TASK,
} from "../words.js";

const SLEEP_MS = 100_000;
const LOOK = { taskIds: [TASK], ...NO_SCHEDULES, sleepMs: SLEEP_MS };

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

function scheduleClaims(test: ContractTest): void {
  test("names a schedule that is due, with all that firing it needs", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    const { revision } = await scene.table.upsert({ firstAt });
    expect(await scene.table.dueNow()).toBeNull();
    await scene.world.advance(HOUR_MS + 1);
    const seen = await scene.table.look({ sleepMs: SLEEP_MS });
    expect(seen.schedules).toEqual([
      {
        scheduleId: SCHEDULE,
        taskId: TASK,
        revision,
        definition: schedule().definition,
        digest: schedule({ firstAt }).digest,
        nextAt: firstAt,
        decidedAt: 0,
        firedCount: 0,
        paused: null,
        code: false,
        registeredUntil: null,
      },
    ]);
    expect(seen).toMatchObject({ waitMs: 0, repair: false });
  });

  test("says of a schedule of code until when somebody registers it", async ({ scene }) => {
    const now = await scene.world.now();
    await scene.table.dueCode();
    const due = await scene.table.dueNow();
    expect(due).toMatchObject({ code: true });
    expect(due?.registeredUntil).toBeGreaterThanOrEqual(now + LEASE_MS);
    expect(due?.registeredUntil).toBeLessThanOrEqual(now + LEASE_MS + SLACK_MS);
  });

  test("names schedules of the tasks that the caller can fire, and no others", async ({
    scene,
  }) => {
    await scene.table.upsert({ firstAt: null });
    await scene.table.due({ scheduleId: "other", taskId: "other" });
    const look = { sleepMs: SLEEP_MS };
    expect(await scene.table.look(look)).toMatchObject({ schedules: [], waitMs: SLEEP_MS });
    const { schedules } = await scene.table.look({ ...look, taskIds: ["other"] });
    expect(schedules).toMatchObject([{ scheduleId: "other" }]);
  });

  test("names a local schedule to those that have registered it, and to no others", async ({
    scene,
  }) => {
    await scene.table.dueCode({ local: true });
    const look = { sleepMs: SLEEP_MS };
    expect(await scene.table.look(look)).toMatchObject({ schedules: [], waitMs: SLEEP_MS });
    const mine = await scene.table.look({ ...look, taskIds: [], scheduleIds: [SCHEDULE, "x"] });
    expect(mine).toMatchObject({ schedules: [{ scheduleId: SCHEDULE }], waitMs: 0 });
  });

  test("does not name by its id a schedule that is not local", async ({ scene }) => {
    await scene.table.dueCode({ local: false });
    const look = { taskIds: [], scheduleIds: [SCHEDULE], sleepMs: SLEEP_MS };
    expect(await scene.table.look(look)).toMatchObject({ schedules: [], waitMs: SLEEP_MS });
  });

  test("names at most a hundred due schedules, and the others when those are fired", async ({
    scene,
  }) => {
    const due = await manyDue(scene, 150, { taskId: TASK });
    const first = (await scene.table.look()).schedules;
    expect(new Set(first.map(({ scheduleId }) => scheduleId)).size).toBe(100);
    const fires = first.map(({ scheduleId, revision, nextAt }) => ({
      ...{ scheduleId, revision, seenAt: nextAt, nextAt: null },
      decisions: [],
    }));
    const answers = await scene.store.fire({ taskId: TASK, fires, keep: KEEP });
    expect(answers).toEqual(first.map(() => ({ outcomes: [] })));
    const second = (await scene.table.look()).schedules;
    expect([...first, ...second].map(({ scheduleId }) => scheduleId).sort()).toEqual(due.sort());
  });

  test("finds its due schedule behind those of others that nobody fires", async ({ scene }) => {
    await manyDue(scene, 150, { taskId: "other" });
    await manyDue(scene, 150, { taskId: TASK, local: true });
    await scene.table.due({ scheduleId: "mine" });
    expect((await scene.table.look()).schedules).toMatchObject([{ scheduleId: "mine" }]);
  });
}

/** Schedules that are due, by run time or, if they are local, by code. */
async function manyDue(
  scene: Scene,
  count: number,
  change: { taskId: string; local?: boolean },
): Promise<string[]> {
  const firstAt = (await scene.world.now()) + 1_000;
  const kind = change.local === true ? "local" : change.taskId;
  const ids = Array.from({ length: count }, (_, n) => `${kind}-${n}`);
  const schedules = ids.map((scheduleId) => schedule({ scheduleId, firstAt, ...change }));
  const set = change.local === true ? "a" : null;
  // In pieces, as a scheduler does it.
  await scene.table.registerAll(schedules.slice(0, 100), { set });
  await scene.table.registerAll(schedules.slice(100), { set });
  await scene.world.advance(2_000);
  return ids;
}

function sleepClaims(test: ContractTest): void {
  test("lets a scheduler sleep until the next job is due", async ({ scene }) => {
    await scene.pushOne({ due: { in: 40_000 } });
    const { waitMs, nextTaskId } = await scene.store.look(LOOK);
    expect(waitMs).toBeGreaterThan(20_000);
    expect(waitMs).toBeLessThanOrEqual(40_001);
    expect(nextTaskId).toBe(TASK);
  });

  test("names no task when it sleeps for nothing, or for a schedule", async ({ scene }) => {
    expect((await scene.store.look(LOOK)).nextTaskId).toBeNull();
    await scene.table.upsert({ firstAt: (await scene.world.now()) + 10_000 });
    await scene.pushOne({ due: { in: 40_000 } });
    const { waitMs, nextTaskId } = await scene.table.look({ sleepMs: SLEEP_MS });
    expect(waitMs).toBeLessThanOrEqual(10_001);
    expect(nextTaskId).toBeNull();
  });

  test("lets a scheduler sleep until its next schedule is due", async ({ scene }) => {
    await scene.table.upsert({ firstAt: (await scene.world.now()) + 40_000 });
    const { waitMs } = await scene.table.look({ sleepMs: SLEEP_MS });
    expect(waitMs).toBeGreaterThan(20_000);
    expect(waitMs).toBeLessThanOrEqual(40_001);
  });

  test("wakes at most two sleepers for the next schedule", async ({ scene }) => {
    await scene.table.upsert({ firstAt: (await scene.world.now()) + 40_000 });
    const waits: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const store = await scene.another();
      waits.push((await scene.table.look({ store, sleepMs: SLEEP_MS })).waitMs);
    }
    const early = waits.filter((waitMs) => waitMs <= 40_001);
    expect(early.length).toBeGreaterThanOrEqual(1);
    expect(early.length).toBeLessThanOrEqual(2);
    expect(waits.filter((waitMs) => waitMs === SLEEP_MS)).toHaveLength(5 - early.length);
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
