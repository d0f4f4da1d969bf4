/** Reservations: who is chosen to empty itself for a job that must run alone, and for how long. */
import { expect } from "vitest";
import { ALONE_AFTER_CRASHES } from "../../../src/core/job.js";
import type { Store } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { heldOf, LEASE_MS, NO_SCHEDULES, only, stubborn, TASK } from "../words.js";

/** A job that has crashed so often that it must run alone; ready. */
export async function lonelyJob(scene: Scene): Promise<string> {
  const { id } = only(await scene.push([stubborn()]));
  for (let n = 0; n < ALONE_AFTER_CRASHES; n += 1) await scene.crash();
  return id;
}

export function reservationClaims(test: ContractTest): void {
  test("make one busy scheduler drain; it claims nothing until it is idle", async ({ scene }) => {
    const id = await lonelyJob(scene);
    await scene.pushOne();
    for (let n = 0; n < 2; n += 1) {
      expect(await scene.work({ limit: 10 })).toMatchObject({ batches: [], drain: true });
    }
    expect(only(await scene.claim(10, { idle: true }))).toMatchObject({ id, alone: true });
  });

  test("do not hold up the schedulers that were not chosen", async ({ scene }) => {
    const id = await lonelyJob(scene);
    const store = await scene.another();
    const normal = await scene.pushOne();
    expect(await scene.work({ limit: 10 })).toMatchObject({ drain: true });
    const answer = await scene.work({ limit: 10, store });
    expect(answer.drain).toBe(false);
    expect(heldOf(answer.batches).map((job) => job.id)).toEqual([normal.id]);
    expect(await scene.stateOf(id)).toBe("ready");
  });

  test("choose another scheduler when the chosen one does not come for them", async ({ scene }) => {
    await lonelyJob(scene);
    const store = await scene.another();
    expect((await scene.work()).drain).toBe(true);
    expect((await scene.work({ store })).drain).toBe(false);
    await scene.pass(LEASE_MS + 1_000);
    expect((await scene.work({ store })).drain).toBe(true);
    expect((await scene.work()).drain).toBe(false);
  });

  test("make who could not drain in time drain for twice as long the next time", async ({
    scene,
  }) => {
    await lonelyJob(scene);
    const drains = async () => (await scene.work()).drain;
    for (let lengthMs = LEASE_MS; lengthMs <= 4 * LEASE_MS; lengthMs *= 2) {
      expect(await drains()).toBe(true);
      await scene.pass(lengthMs - 1_000);
      expect(await drains()).toBe(true);
      await scene.pass(2_000);
      expect(await drains()).toBe(false);
      await scene.pass(10 * lengthMs);
    }
  });

  test("have their turn though more could not drain in time than are remembered", async ({
    scene,
  }) => {
    await lonelyJob(scene);
    const drains = async (store: Store) => (await scene.work({ store })).drain;
    for (let n = 0; n < 10; n += 1) {
      expect(await drains(await scene.another())).toBe(true);
      await scene.pass(LEASE_MS + 1_000);
    }
    // It may have been one of them, and been forgotten since.
    const store = await scene.another();
    expect(await drains(store)).toBe(true);
    await scene.pass(2 * LEASE_MS - 1_000);
    expect(await drains(store)).toBe(true);
    await scene.pass(2_000);
    expect(await drains(store)).toBe(false);
  });

  test("choose who runs nothing at once, though it could not drain before", async ({ scene }) => {
    const id = await lonelyJob(scene);
    expect((await scene.work()).drain).toBe(true);
    await scene.pass(LEASE_MS + 1_000);
    expect((await scene.work()).drain).toBe(false);
    expect((await scene.work({ free: true })).drain).toBe(true);
    expect(only(await scene.claim(1, { idle: true })).id).toBe(id);
  });

  test("choose who runs nothing at once, though another was chosen", async ({ scene }) => {
    const id = await lonelyJob(scene);
    const store = await scene.another();
    expect((await scene.work()).drain).toBe(true);
    expect((await scene.work({ store, free: true })).drain).toBe(true);
    expect((await scene.work()).drain).toBe(false);
    expect(only(await scene.claim(1, { store, idle: true })).id).toBe(id);
  });

  test("concern all again after a second, however long another one is chosen for", async ({
    scene,
  }) => {
    await lonelyJob(scene);
    expect((await scene.work()).drain).toBe(true);
    await scene.pass(11 * LEASE_MS + 1_000);
    // This time for two leases.
    expect((await scene.work()).drain).toBe(true);
    const store = await scene.another();
    expect((await scene.work({ store })).drain).toBe(false);
    await scene.world.advance(1_100);
    const { taskIds } = await store.look({ taskIds: [TASK], ...NO_SCHEDULES, sleepMs: 1_000 });
    expect(taskIds).toEqual([TASK]);
  });

  test("may be taken by an idle scheduler though another was chosen", async ({ scene }) => {
    const id = await lonelyJob(scene);
    const store = await scene.another();
    expect((await scene.work()).drain).toBe(true);
    expect(only(await scene.claim(1, { store, idle: true })).id).toBe(id);
  });

  test("let the chosen scheduler claim again as soon as they are gone", async ({ scene }) => {
    const id = await lonelyJob(scene);
    const store = await scene.another();
    const normal = await scene.pushOne();
    expect((await scene.work()).drain).toBe(true);
    await scene.claim(1, { store, idle: true });
    const answer = await scene.work({ limit: 10 });
    expect(answer.drain).toBe(false);
    expect(heldOf(answer.batches).map((job) => job.id)).toEqual([normal.id]);
    expect(await scene.stateOf(id)).toBe("running");
  });

  test("hold up nobody when they are cancelled", async ({ scene }) => {
    const id = await lonelyJob(scene);
    await scene.pushOne();
    expect((await scene.work()).drain).toBe(true);
    expect(await scene.cancel(id)).toEqual({ state: "cancelled", changed: true });
    const answer = await scene.work({ limit: 10 });
    expect(answer.drain).toBe(false);
    expect(heldOf(answer.batches)).toHaveLength(1);
  });
}
