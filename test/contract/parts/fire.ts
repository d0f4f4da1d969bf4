/** fire: an occurrence that is due becomes jobs, once. */
import { describe, expect } from "vitest";
import type { FireArgs, PushAnswer } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { COMPLETED, HOUR_MS, newJob, only, TASK } from "../words.js";

export function fireClaims(test: ContractTest): void {
  describe("fire", () => {
    jobClaims(test);
    onceClaims(test);
    markClaims(test);
    staleClaims(test);
  });
}

/** A schedule whose first occurrence is due; what a scheduler that looks would fire it with. */
async function dueSchedule(scene: Scene): Promise<FireArgs> {
  const firstAt = (await scene.world.now()) + 1_000;
  const schedule = { scheduleId: "s", taskId: TASK, definition: "1", firstAt };
  const { revision } = only(await scene.store.register({ schedules: [schedule] }));
  await scene.world.advance(2_000);
  return {
    taskId: TASK,
    scheduleId: "s",
    revision,
    seenAt: firstAt,
    nextAt: firstAt + HOUR_MS,
    jobs: [occurrenceJob(firstAt)],
  };
}

function occurrenceJob(scheduledFor: number) {
  const occurrence = { scheduleId: "s", scheduledFor, isCatchup: false, missedCount: 0 };
  return newJob({ id: `s@${scheduledFor}`, payload: "[1]", occurrence });
}

async function cursorOf(scene: Scene): Promise<number | null> {
  const schedules = [{ scheduleId: "s", taskId: TASK, definition: "1", firstAt: null }];
  return only(await scene.store.register({ schedules })).nextAt;
}

function jobClaims(test: ContractTest): void {
  test("makes the job of the occurrence and moves the cursor, in one step", async ({ scene }) => {
    const args = await dueSchedule(scene);
    const id = `s@${args.seenAt}`;
    expect(await scene.store.fire(args)).toEqual([
      { id, created: true, state: "ready", dueAt: null },
    ]);
    expect(await cursorOf(scene)).toBe(args.nextAt);
    const held = await scene.claimOne();
    expect(held).toMatchObject({ id, payload: "[1]", occurrence: args.jobs[0]?.occurrence });
  });

  test("makes several jobs, in order, or none", async ({ scene }) => {
    const args = await dueSchedule(scene);
    const jobs = [1, 2, 3].map((n) => newJob({ id: `s@${n}`, payload: String(n) }));
    const answers = await scene.store.fire({ ...args, jobs });
    expect(answers?.map(({ created }) => created)).toEqual([true, true, true]);
    expect((await scene.claim(10)).map(({ payload }) => payload)).toEqual(["1", "2", "3"]);
    await scene.world.advance(HOUR_MS);
    const seenAt = args.nextAt ?? 0;
    expect(await scene.store.fire({ ...args, seenAt, nextAt: null, jobs: [] })).toEqual([]);
    expect(await cursorOf(scene)).toBeNull();
  });

  test("may make a job that is due later", async ({ scene }) => {
    const args = await dueSchedule(scene);
    const at = (await scene.world.now()) + HOUR_MS;
    const answers = await scene.store.fire({ ...args, jobs: [newJob({ due: { at } })] });
    expect(answers).toMatchObject([{ state: "scheduled", dueAt: at }]);
  });

  test("finds a job whose id is there already, and goes on", async ({ scene }) => {
    const args = await dueSchedule(scene);
    await scene.pushOne({ id: `s@${args.seenAt}`, payload: '"by hand"' });
    expect(await scene.store.fire(args)).toMatchObject([{ created: false, state: "ready" }]);
    expect(await cursorOf(scene)).toBe(args.nextAt);
    expect(only(await scene.claim(10)).payload).toBe('"by hand"');
  });

  test("ends a schedule that has no next occurrence", async ({ scene }) => {
    const args = await dueSchedule(scene);
    await scene.store.fire({ ...args, nextAt: null });
    await scene.world.advance(1_000 * HOUR_MS);
    const look = { taskIds: [], scheduleIds: ["s"], sleepMs: 1_000 };
    expect((await scene.store.look(look)).schedules).toEqual([]);
  });

  test("catches up: each occurrence that has passed is due in its turn", async ({ scene }) => {
    let args = await dueSchedule(scene);
    await scene.world.advance(3 * HOUR_MS);
    const look = { taskIds: [], scheduleIds: ["s"], sleepMs: 1_000 };
    const fired: number[] = [];
    for (;;) {
      const due = (await scene.store.look(look)).schedules[0];
      if (due === undefined) break;
      const { nextAt: seenAt, revision } = due;
      args = { ...args, revision, seenAt, nextAt: seenAt + HOUR_MS, jobs: [occurrenceJob(seenAt)] };
      expect(await scene.store.fire(args)).toHaveLength(1);
      fired.push(seenAt);
    }
    expect(fired.map((at) => (at - (fired[0] ?? 0)) / HOUR_MS)).toEqual([0, 1, 2, 3]);
  });
}

function onceClaims(test: ContractTest): void {
  test("fires an occurrence once, however many fire it at the same time", async ({ scene }) => {
    const args = await dueSchedule(scene);
    const stores = [scene.store, await scene.another(), await scene.another()];
    // Without a job id it is the cursor alone that decides.
    const jobs = [newJob()];
    const calls = stores.map((store) => store.fire({ ...args, jobs }));
    const answers: (PushAnswer[] | null)[] = await Promise.all(calls);
    expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
    expect((await scene.store.counts({ taskId: TASK })).total.pushed).toBe(1);
  });

  test("fires an occurrence once, however often the same scheduler tries", async ({ scene }) => {
    const args = { ...(await dueSchedule(scene)), jobs: [newJob()] };
    expect(await scene.store.fire(args)).toHaveLength(1);
    expect(await scene.store.fire(args)).toBeNull();
    await scene.settle(await scene.claimOne(), COMPLETED);
    expect(await scene.store.fire(args)).toBeNull();
    expect(await scene.claim(10)).toEqual([]);
  });

  test("fires once though definitions change in between", async ({ scene }) => {
    const args = { ...(await dueSchedule(scene)), jobs: [newJob()] };
    expect(await scene.store.fire(args)).toHaveLength(1);
    const firstAt = args.seenAt;
    const schedules = [{ scheduleId: "s", taskId: TASK, definition: "2", firstAt }];
    const { revision } = only(await scene.store.register({ schedules }));
    expect(await scene.store.fire({ ...args, revision })).toBeNull();
    expect(await scene.claim(10)).toHaveLength(1);
  });
}

/** Four occurrences, a second apart, are fired in one call. */
async function firedTogether(scene: Scene, cursorMs: number): Promise<FireArgs> {
  const args = await dueSchedule(scene);
  await scene.world.advance(10_000);
  const jobs = [0, 1_000, 2_000, 3_000].map((ms) => occurrenceJob(args.seenAt + ms));
  const fire = { ...args, nextAt: args.seenAt + cursorMs, jobs };
  expect(await scene.store.fire(fire)).toHaveLength(4);
  return fire;
}

function markClaims(test: ContractTest): void {
  test("leaves no occurrence of its jobs to a changed definition", async ({ scene }) => {
    const { seenAt, nextAt } = await firedTogether(scene, HOUR_MS);
    const schedule = { scheduleId: "s", taskId: TASK, definition: "2", firstAt: seenAt + 2_000 };
    expect(only(await scene.store.register({ schedules: [schedule] }))).toMatchObject({
      outcome: "changed",
      nextAt,
    });
    const later = { ...schedule, definition: "3", firstAt: seenAt + HOUR_MS / 2 };
    expect(only(await scene.store.register({ schedules: [later] })).nextAt).toBe(later.firstAt);
  });

  test("is refused for an occurrence that was fired before", async ({ scene }) => {
    const fired = await firedTogether(scene, 2_000);
    const seenAt = fired.nextAt ?? 0;
    const jobs = [newJob()];
    expect(await scene.store.fire({ ...fired, seenAt, nextAt: null, jobs })).toBeNull();
    expect((await scene.store.counts({ taskId: TASK })).total.pushed).toBe(4);
  });
}

function staleClaims(test: ContractTest): void {
  test("does nothing for an occurrence that is not due yet", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    const schedules = [{ scheduleId: "s", taskId: TASK, definition: "1", firstAt }];
    const { revision } = only(await scene.store.register({ schedules }));
    const args = { taskId: TASK, scheduleId: "s", revision, jobs: [newJob()] };
    const fire = { ...args, seenAt: firstAt, nextAt: firstAt + 1 };
    expect(await scene.store.fire(fire)).toBeNull();
    expect(await cursorOf(scene)).toBe(firstAt);
    expect(await scene.claim(10)).toEqual([]);
    await scene.world.advance(HOUR_MS + 1);
    expect(await scene.store.fire(fire)).toHaveLength(1);
  });

  test("does nothing for a cursor or a revision that is not the one in the store", async ({
    scene,
  }) => {
    const args = await dueSchedule(scene);
    expect(await scene.store.fire({ ...args, seenAt: args.seenAt - 1 })).toBeNull();
    expect(await scene.store.fire({ ...args, seenAt: args.seenAt + 1 })).toBeNull();
    expect(await scene.store.fire({ ...args, revision: args.revision + 1 })).toBeNull();
    expect(await scene.store.fire({ ...args, revision: args.revision - 1 })).toBeNull();
    expect(await cursorOf(scene)).toBe(args.seenAt);
    expect(await scene.claim(10)).toEqual([]);
    expect(await scene.store.fire(args)).toHaveLength(1);
  });

  test("does nothing by a definition that has been replaced", async ({ scene }) => {
    const args = await dueSchedule(scene);
    const firstAt = args.seenAt + HOUR_MS;
    const schedules = [{ scheduleId: "s", taskId: TASK, definition: "2", firstAt }];
    const { revision } = only(await scene.store.register({ schedules }));
    expect(await scene.store.fire(args)).toBeNull();
    expect(await scene.store.fire({ ...args, revision })).toHaveLength(1);
  });

  test("does nothing for a schedule that is not known", async ({ scene }) => {
    const args = await dueSchedule(scene);
    expect(await scene.store.fire({ ...args, scheduleId: "unknown" })).toBeNull();
    expect(await scene.claim(10)).toEqual([]);
  });
}
