/** register: definitions are written, and an occurrence that is due is never touched. */
import { describe, expect } from "vitest";
import type { RegisterAnswer } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { HOUR_MS, newJob, only, TASK } from "../words.js";

export function registerClaims(test: ContractTest): void {
  describe("register", () => {
    outcomeClaims(test);
    cursorClaims(test);
    highWaterClaims(test);
  });
}

interface Definition {
  scheduleId?: string;
  taskId?: string;
  definition?: string;
  firstAt: number | null;
}

async function register(scene: Scene, given: Definition): Promise<RegisterAnswer> {
  const schedule = { scheduleId: "s", taskId: TASK, definition: "1", ...given };
  return only(await scene.store.register({ schedules: [schedule] }));
}

/** What a look says of the schedule now; null: not due. */
async function dueNow(scene: Scene, scheduleId = "s") {
  const look = await scene.store.look({ taskIds: [], scheduleIds: [scheduleId], sleepMs: 1_000 });
  return look.schedules[0] ?? null;
}

async function fire(scene: Scene, seenAt: number, nextAt: number | null) {
  const { revision } = (await dueNow(scene)) ?? { revision: -1 };
  const args = { taskId: TASK, scheduleId: "s", revision, seenAt, nextAt, jobs: [newJob()] };
  return await scene.store.fire(args);
}

function outcomeClaims(test: ContractTest): void {
  test("adds a schedule that is new, with its first occurrence", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    expect(await register(scene, { firstAt })).toEqual({
      scheduleId: "s",
      outcome: "added",
      revision: expect.any(Number),
      nextAt: firstAt,
    });
  });

  test("of the same definition changes nothing, whatever the first occurrence", async ({
    scene,
  }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    const { revision } = await register(scene, { firstAt });
    for (const other of [firstAt, firstAt + 1_000, firstAt - 1_000, null]) {
      expect(await register(scene, { firstAt: other })).toEqual({
        scheduleId: "s",
        outcome: "unchanged",
        revision,
        nextAt: firstAt,
      });
    }
  });

  test("of a changed definition raises the revision", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    const first = await register(scene, { firstAt });
    const second = await register(scene, { definition: "2", firstAt });
    expect(second).toMatchObject({ outcome: "changed", revision: first.revision + 1 });
    const third = await register(scene, { definition: "1", firstAt });
    expect(third).toMatchObject({ outcome: "changed", revision: first.revision + 2 });
  });

  test("compares definitions as texts", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    await register(scene, { definition: '{"a":1}', firstAt });
    expect((await register(scene, { definition: '{"a": 1}', firstAt })).outcome).toBe("changed");
  });

  test("of a schedule that belongs to another task is a conflict and writes nothing", async ({
    scene,
  }) => {
    const firstAt = (await scene.world.now()) + 1_000;
    const first = await register(scene, { firstAt });
    const taken = await register(scene, { taskId: "other", definition: "2", firstAt: firstAt + 1 });
    expect(taken).toMatchObject({ scheduleId: "s", outcome: "conflict" });
    await scene.world.advance(2_000);
    expect(await dueNow(scene)).toEqual({
      scheduleId: "s",
      taskId: TASK,
      revision: first.revision,
      definition: "1",
      nextAt: firstAt,
    });
  });

  test("takes many at once and answers in order", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    await register(scene, { scheduleId: "b", firstAt });
    const schedules = ["a", "b", "c"].map((scheduleId) => ({
      scheduleId,
      taskId: TASK,
      definition: "1",
      firstAt,
    }));
    const answers = await scene.store.register({ schedules });
    expect(answers.map(({ scheduleId, outcome }) => [scheduleId, outcome])).toEqual([
      ["a", "added"],
      ["b", "unchanged"],
      ["c", "added"],
    ]);
    expect(await scene.store.register({ schedules: [] })).toEqual([]);
  });

  test("by many at the same time adds a schedule once", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    const stores = [scene.store, await scene.another(), await scene.another()];
    const schedules = [{ scheduleId: "s", taskId: TASK, definition: "1", firstAt }];
    const answers = await Promise.all(stores.map((store) => store.register({ schedules })));
    const outcomes = answers.flat().map(({ outcome }) => outcome);
    expect(outcomes.sort()).toEqual(["added", "unchanged", "unchanged"]);
    expect(new Set(answers.flat().map(({ revision }) => revision)).size).toBe(1);
  });
}

function cursorClaims(test: ContractTest): void {
  test("of a change moves a cursor that is not due to the new first occurrence", async ({
    scene,
  }) => {
    const now = await scene.world.now();
    await register(scene, { firstAt: now + 5 * HOUR_MS });
    for (const [definition, firstAt] of [
      ["later", now + 9 * HOUR_MS],
      ["earlier", now + HOUR_MS],
      ["never", null],
      ["again", now + HOUR_MS],
    ] as const) {
      expect((await register(scene, { definition, firstAt })).nextAt).toBe(firstAt);
    }
    await scene.world.advance(HOUR_MS + 1);
    expect(await dueNow(scene)).toMatchObject({ definition: "again", nextAt: now + HOUR_MS });
  });

  test("of a change leaves an occurrence that is due, to be fired", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + 1_000;
    const first = await register(scene, { firstAt });
    await scene.world.advance(2_000);
    const later = firstAt + HOUR_MS;
    const changed = await register(scene, { definition: "2", firstAt: later });
    expect(changed).toMatchObject({ outcome: "changed", nextAt: firstAt });
    expect(await dueNow(scene)).toMatchObject({
      revision: first.revision + 1,
      definition: "2",
      nextAt: firstAt,
    });
    expect(await fire(scene, firstAt, later)).toHaveLength(1);
    expect((await register(scene, { definition: "2", firstAt: later })).nextAt).toBe(later);
  });

  test("a storm of registrations around the due moment fires it once", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + 10_000;
    const stores = [scene.store, await scene.another(), await scene.another()];
    await register(scene, { firstAt });
    let fired = 0;
    for (let step = 0; step < 20; step += 1) {
      await scene.world.advance(1_000);
      const now = await scene.world.now();
      const calls = stores.map(async (store, n) => {
        const schedule = { scheduleId: "s", taskId: TASK, definition: `${(step + n) % 3}` };
        await store.register({ schedules: [{ ...schedule, firstAt: now + 10 * HOUR_MS }] });
        return await store.look({ taskIds: [], scheduleIds: ["s"], sleepMs: 1_000 });
      });
      for (const [n, look] of (await Promise.all(calls)).entries()) {
        const due = look.schedules[0];
        if (due === undefined) continue;
        const { revision, nextAt: seenAt } = due;
        const args = { taskId: TASK, scheduleId: "s", revision, seenAt, jobs: [newJob()] };
        const answers = await stores[n]!.fire({ ...args, nextAt: now + 10 * HOUR_MS });
        if (answers !== null) {
          expect(seenAt).toBe(firstAt);
          fired += 1;
        }
      }
      // From the first change before it is due on, the cursor is hours away: nothing is due then.
      if (step === 0) expect(fired).toBe(0);
    }
    expect(fired).toBeLessThanOrEqual(1);
    expect((await scene.store.counts({ taskId: TASK })).total.pushed).toBe(fired);
  });
}

function highWaterClaims(test: ContractTest): void {
  test("never sets the cursor to an instant that has fired", async ({ scene }) => {
    const first = (await scene.world.now()) + 10_000;
    const next = first + HOUR_MS;
    await register(scene, { firstAt: first });
    await scene.world.advance(11_000);
    expect(await fire(scene, first, next)).toHaveLength(1);
    for (const [definition, firstAt] of [
      ["same instant", first],
      ["before it", first - 5_000],
    ] as const) {
      const answer = await register(scene, { definition, firstAt });
      expect(answer).toMatchObject({ outcome: "changed", nextAt: next });
    }
    expect(await dueNow(scene)).toBeNull();
  });

  test("never sets it so, not even when the clock was set back before it", async ({ scene }) => {
    const first = (await scene.world.now()) + 10_000;
    const next = first + 10_000;
    await register(scene, { firstAt: first });
    await scene.world.advance(11_000);
    await fire(scene, first, next);
    await scene.world.jump(-HOUR_MS);
    const answer = await register(scene, { definition: "2", firstAt: first - HOUR_MS / 2 });
    expect(answer.nextAt).toBe(next);
    await scene.world.advance(HOUR_MS - 5_000);
    expect(await dueNow(scene)).toBeNull();
    await scene.world.advance(20_000);
    expect(await dueNow(scene)).toMatchObject({ nextAt: next });
  });

  test("begins a schedule that had come to its end again, after what has fired", async ({
    scene,
  }) => {
    const first = (await scene.world.now()) + 10_000;
    await register(scene, { firstAt: first });
    await scene.world.advance(11_000);
    await fire(scene, first, null);
    expect(await register(scene, { definition: "1", firstAt: first + HOUR_MS })).toMatchObject({
      outcome: "unchanged",
      nextAt: null,
    });
    const again = await register(scene, { definition: "2", firstAt: first + HOUR_MS });
    expect(again).toMatchObject({ outcome: "changed", nextAt: first + HOUR_MS });
  });
}
