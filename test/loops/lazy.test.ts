/** The store that is loaded at its first use. */
import { expect, test } from "vitest";
import { createSchedulerWith } from "../../src/create.js";
import type { Wake } from "../../src/store/contract.js";
import { LazyStore } from "../../src/store/lazy.js";
import { createScene } from "./scene.js";

test("a store is loaded when it is first used, and once", async () => {
  const scene = createScene();
  let loads = 0;
  const lazy = new LazyStore(async () => {
    loads += 1;
    return scene.openStore().store;
  });
  const scheduler = createSchedulerWith({ store: lazy, clock: scene.clock });
  scheduler.bind("t", () => true);
  expect(scheduler.health().store.connected).toBe(false);
  await lazy.close();
  expect(loads).toBe(0);
  await Promise.all([scheduler.push("t"), scheduler.jobs.counts("t")]);
  expect(loads).toBe(1);
  await scheduler.stop();
});

test("a store that could not be loaded is loaded again by the next call", async () => {
  const scene = createScene();
  let broken = true;
  const lazy = new LazyStore(async () => {
    if (broken) throw new Error("no such module");
    return scene.openStore().store;
  });
  await expect(lazy.counts({ taskId: "t" })).rejects.toThrow("no such module");
  broken = false;
  expect((await lazy.counts({ taskId: "t" })).ready).toBe(0);
});

test("listeners that came before the store was loaded hear it, until they leave", async () => {
  const scene = createScene();
  const lazy = new LazyStore(async () => scene.openStore().store);
  const wakes: Wake[] = [];
  const leave = lazy.onWake((wake) => void wakes.push(wake));
  const fireable = { taskIds: [], scheduleIds: [] };
  const sleep = { taskIds: ["t"], fireable, registration: null, sleepMs: 60_000 };
  await lazy.open();
  await lazy.look(sleep);
  await scene.push("t");
  await scene.clock.settle();
  expect(wakes).toEqual([{ kind: "task", taskId: "t" }]);
  leave();
  await lazy.work({
    settles: [],
    claims: [{ taskId: "t", limit: 1 }],
    idle: true,
    leaseMs: 10_000,
    keep: KEEP,
  });
  await lazy.look(sleep);
  await scene.push("t");
  await scene.clock.settle();
  expect(wakes).toHaveLength(1);
});

const KEEP = {
  idMs: 1_000,
  idCount: 10,
  completed: { ageMs: 0, count: 0 },
  dead: { ageMs: 1_000, count: 10 },
  cancelled: { ageMs: 1_000, count: 10 },
};
