/** The bounds of one call of fire: so many jobs, and so large. */
import { describe, expect } from "vitest";
import type { ContractTest } from "../suite.js";
import { firing, row } from "../timetable.js";
import { KEEP, schedule, TASK } from "../words.js";

export function boundClaims(test: ContractTest): void {
  describe("the bounds of fire", () => {
    countClaims(test);
    sizeClaims(test);
  });
}

function countClaims(test: ContractTest): void {
  test("makes at most fifty jobs in a call, and leaves the rest due", async ({ scene }) => {
    const at = (await scene.world.now()) + 1_000;
    const ids = Array.from({ length: 6 }, (_, n) => `s-${n}`);
    const schedules = ids.map((scheduleId) => schedule({ scheduleId, firstAt: at }));
    await scene.table.registerAll(schedules);
    await scene.world.advance(200_000);
    const fires = ids.map((scheduleId) => ({
      ...{ scheduleId, revision: 1, seenAt: at, nextAt: null },
      decisions: row(at, 10),
    }));
    const answers = await scene.store.fire({ taskId: TASK, fires, keep: KEEP });
    const made = answers.map((answer) => answer?.outcomes.length ?? null);
    expect(made).toEqual([10, 10, 10, 10, 10, null]);
    expect(
      await scene.store.fire({ taskId: TASK, fires: fires.slice(-1), keep: KEEP }),
    ).toMatchObject([{ outcomes: { length: 10 } }]);
    expect((await scene.store.counts({ taskId: TASK })).total.pushed).toBe(60);
  });
}

function sizeClaims(test: ContractTest): void {
  test("stops before its jobs are too large together, and goes on in the next call", async ({
    scene,
  }) => {
    const payload = JSON.stringify("x".repeat(900_000));
    // Not due before all are registered, however long megabytes take.
    const at = (await scene.world.now()) + 60_000;
    const ids = Array.from({ length: 8 }, (_, n) => `s-${n}`);
    const write = (scheduleId: string) => schedule({ scheduleId, payload, firstAt: at });
    for (const scheduleId of ids) await scene.table.registerAll([write(scheduleId)]);
    await scene.world.advance(61_000);
    const fired: number[] = [];
    for (let calls = 0; fired.length < ids.length && calls < ids.length; calls += 1) {
      const fires = ids.slice(fired.length).map((scheduleId) => ({
        ...{ scheduleId, revision: 1, seenAt: at, nextAt: null, decisions: [firing(at)] },
      }));
      const answers = await scene.store.fire({ taskId: TASK, fires, keep: KEEP });
      const done = answers.indexOf(null);
      if (calls === 0) expect(done).toBeGreaterThan(0);
      fired.push(...answers.slice(0, done === -1 ? answers.length : done).map(() => calls));
    }
    expect(fired).toHaveLength(ids.length);
    expect((await scene.store.counts({ taskId: TASK })).total.pushed).toBe(ids.length);
  });
}
