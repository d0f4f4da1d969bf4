/** Rest: who was chosen for a job that runs alone, and did not come, goes on with other work. */
import { describe, expect } from "vitest";
import type { PushAnswer, Store } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  type Held,
  heldOf,
  KEEP,
  LEASE_MS,
  NO_SCHEDULES,
  newJob,
  only,
  TASK,
} from "../words.js";
import { lonelyJob } from "./reservations.js";

export function restClaims(test: ContractTest): void {
  describe("a scheduler that was chosen for a job that runs alone, and is busy", () => {
    windowClaims(test);
    idleClaims(test);
    memoryClaims(test);
  });
}

/** A scheduler with a handler that never ends; it asks for other work four times per lease. */
interface Busy {
  store: Store;
  endless: Held;
  /** Of each time that it asked: was it told to drain? */
  drained: boolean[];
}

async function becomeBusy(scene: Scene, store: Store): Promise<Busy> {
  const endless = await scene.running({ taskId: "endless" }, { store });
  return { store, endless, drained: [] };
}

/** Leases pass; each of the busy renews, and asks for jobs of these tasks. */
async function goOn(
  scene: Scene,
  all: readonly Busy[],
  { leases, taskIds = [TASK] }: { leases: number; taskIds?: string[] },
): Promise<void> {
  const claims = taskIds.map((taskId) => ({ taskId, limit: 1 }));
  const args = { settles: [], claims, idle: false, leaseMs: LEASE_MS, keep: KEEP };
  for (let quarter = 0; quarter < 4 * leases; quarter += 1) {
    for (const { store, endless, drained } of all) {
      expect((await scene.renew([endless], store)).lost).toEqual([]);
      const wanted = await scene.push(taskIds.map((taskId) => newJob({ taskId })));
      const { drain, batches } = await store.work(args);
      const held = heldOf(batches);
      expect(held.map((job) => job.id)).toEqual(drain ? [] : wanted.map((job) => job.id));
      await scene.settleAll(
        held.map((job) => [job, COMPLETED]),
        { store },
      );
      if (drain) await cancelAll(store, taskIds, wanted);
      drained.push(drain);
    }
    await scene.world.advance(LEASE_MS / 4);
  }
}

async function cancelAll(
  store: Store,
  taskIds: readonly string[],
  jobs: readonly PushAnswer[],
): Promise<void> {
  for (const [n, { id }] of jobs.entries()) {
    await store.cancel({ taskId: taskIds[n] ?? TASK, id, keep: KEEP });
  }
}

/** How many quarters of a lease each window of refusals lasted. */
function windowsOf(drained: readonly boolean[]): number[] {
  const text = drained.map((isDrained) => (isDrained ? "d" : " ")).join("");
  return text.split(/ +/).flatMap((window) => (window === "" ? [] : [window.length]));
}

function windowClaims(test: ContractTest): void {
  for (const count of [1, 2]) {
    const claim = `is refused other work in at most three of twenty leases: ${count} of them`;
    test(claim, { timeout: 20_000 }, async ({ scene }) => {
      const id = await lonelyJob(scene);
      const all = [await becomeBusy(scene, scene.store)];
      while (all.length < count) all.push(await becomeBusy(scene, await scene.another()));
      await goOn(scene, all, { leases: 20 });
      for (const { drained } of all) {
        const windows = windowsOf(drained);
        expect(windows.length).toBeGreaterThanOrEqual(1);
        expect(windows[0]).toBeLessThanOrEqual(5);
        // Each is twice as long as the one before.
        expect(windows.reduce((sum, quarters) => sum + quarters, 0)).toBeLessThanOrEqual(13);
      }
      expect(await scene.stateOf(id)).toBe("ready");
    });
  }

  test("leaves the next turn to another one at once", async ({ scene }) => {
    await lonelyJob(scene);
    const first = await becomeBusy(scene, scene.store);
    const second = await becomeBusy(scene, await scene.another());
    await goOn(scene, [first, second], { leases: 1 });
    expect(windowsOf(first.drained)).toEqual([4]);
    expect(windowsOf(second.drained)).toEqual([]);
    await scene.world.advance(1_000);
    await goOn(scene, [first, second], { leases: 0.25 });
    expect([first.drained.at(-1), second.drained.at(-1)]).toEqual([false, true]);
  });

  test("does not look again and again for a job that it may not take", async ({ scene }) => {
    await lonelyJob(scene);
    const busy = await becomeBusy(scene, scene.store);
    await goOn(scene, [busy], { leases: 2 });
    expect(await scene.work()).toMatchObject({ drain: false, batches: [] });
    const look = await scene.store.look({ taskIds: [TASK], ...NO_SCHEDULES, sleepMs: 60_000 });
    expect(look).toMatchObject({ taskIds: [], expired: [] });
    expect(look.waitMs).toBeGreaterThan(0);
  });
}

function idleClaims(test: ContractTest): void {
  test("may take it as soon as it is idle, also while it rests", async ({ scene }) => {
    const id = await lonelyJob(scene);
    const busy = await becomeBusy(scene, scene.store);
    await goOn(scene, [busy], { leases: 2 });
    await scene.settle(busy.endless, COMPLETED);
    expect(only(await scene.claim(1, { idle: true }))).toMatchObject({ id, alone: true });
  });

  test("leaves it to any scheduler that is idle", async ({ scene }) => {
    const id = await lonelyJob(scene);
    await goOn(scene, [await becomeBusy(scene, scene.store)], { leases: 2 });
    const store = await scene.another();
    expect(only(await scene.claim(1, { idle: true, store }))).toMatchObject({ id, alone: true });
  });
}

function memoryClaims(test: ContractTest): void {
  test("rests from all such jobs, whatever it asks for in between", async ({ scene }) => {
    await lonelyJob(scene);
    const busy = await becomeBusy(scene, scene.store);
    await goOn(scene, [busy], { leases: 1 });
    await scene.world.advance(1_000);
    busy.drained.length = 0;
    await goOn(scene, [busy], { leases: 0.25, taskIds: ["other"] });
    await goOn(scene, [busy], { leases: 1 });
    await goOn(scene, [busy], { leases: 0.25, taskIds: ["other"] });
    await goOn(scene, [busy], { leases: 1, taskIds: ["other", TASK] });
    expect(windowsOf(busy.drained)).toEqual([]);
  });

  test("may be chosen again soon when the job was taken meanwhile", async ({ scene }) => {
    await lonelyJob(scene);
    const busy = await becomeBusy(scene, scene.store);
    await goOn(scene, [busy], { leases: 2 });
    const store = await scene.another();
    await scene.claim(1, { idle: true, store });
    await scene.renew([busy.endless]);
    for (let quarter = 0; quarter < 5; quarter += 1) {
      await scene.world.advance(LEASE_MS / 4);
      await scene.renew([busy.endless]);
      await scene.glance();
    }
    expect(await scene.reap()).toHaveLength(1);
    // The turn of the others.
    expect((await scene.work()).drain).toBe(false);
    await goOn(scene, [busy], { leases: 1.25, taskIds: ["other"] });
    expect((await scene.work()).drain).toBe(true);
  });

  test("may be chosen again at once when none was left meanwhile", async ({ scene }) => {
    const id = await lonelyJob(scene);
    const busy = await becomeBusy(scene, scene.store);
    await goOn(scene, [busy], { leases: 2 });
    await scene.cancel(id);
    expect((await scene.work()).drain).toBe(false);
    await scene.settle(busy.endless, COMPLETED);
    await lonelyJob(scene);
    expect((await scene.work()).drain).toBe(true);
  });
}
