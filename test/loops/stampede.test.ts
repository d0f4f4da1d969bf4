/** A hundred schedulers that sleep on one database: what wakes one does not wake the others. */
import { expect, test } from "vitest";
import { createScene, type Recorded, type Scene } from "./scene.js";

const COUNT = 100;

/** Counts what all of them ask the store, by verb. */
function tally(fleet: readonly Recorded[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verb } of fleet.flatMap(({ calls }) => calls)) {
    counts[verb] = (counts[verb] ?? 0) + 1;
  }
  return counts;
}

const forget = (fleet: readonly Recorded[]): void => {
  for (const one of fleet) one.calls.length = 0;
};

/** All of them asleep for long; `ran` counts jobs. */
async function aHundred(scene: Scene, register?: object) {
  let ran = 0;
  const options = { pollInterval: "10m", lease: "1h" };
  const fleet = Array.from({ length: COUNT }, () => scene.scheduler(options));
  for (const { scheduler } of fleet) {
    scheduler.bind("t", () => {
      ran += 1;
    });
    if (register !== undefined) scheduler.register("t", register as never);
  }
  await Promise.all(fleet.map(({ scheduler }) => scheduler.start()));
  await scene.clock.settle();
  return {
    fleet,
    ran: () => ran,
    stop: () => Promise.all(fleet.map(({ scheduler }) => scheduler.stop())),
  };
}

test("one push wakes one of a hundred sleepers", async () => {
  const scene = createScene();
  const { fleet, ran, stop } = await aHundred(scene);
  await scene.push("t");
  await scene.clock.settle();
  forget(fleet);
  await scene.push("t");
  await scene.clock.settle();
  expect(ran()).toBe(2);
  const { look = 0, work = 0, ...others } = tally(fleet);
  expect(others).toEqual({});
  expect([look, work]).toEqual([1, 2]);
  await stop();
});

test("a cron second is the affair of a few of the hundred that registered it", async () => {
  const scene = createScene();
  const every = { cronExpr: "* * * * * *", timezone: "UTC" };
  const { fleet, ran, stop } = await aHundred(scene, every);
  await scene.clock.advance(3_000);
  const before = ran();
  forget(fleet);
  await scene.clock.advance(5_000);
  expect(ran() - before).toBe(5);
  const { fire = 0, look = 0, work = 0, ...others } = tally(fleet);
  expect(others).toEqual({});
  expect(fire / 5).toBe(1);
  // One of each less where the one that fires is the one that is woken for the job, too: who is
  // woken first depends on who was the first to be loaded.
  expect(look / 5).toBeLessThanOrEqual(5);
  expect(work / 5).toBeLessThanOrEqual(3);
  await stop();
});
