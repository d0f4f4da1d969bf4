/** Grace: after an outage or a jump of the clock, living owners renew before anybody reaps. */
import { describe, expect } from "vitest";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  type Held,
  HOUR_MS,
  KEEP,
  LEASE_MS,
  NO_SCHEDULES,
  only,
  stubborn,
  TASK,
} from "../words.js";

const LOOK = { taskIds: [TASK], ...NO_SCHEDULES, sleepMs: 1_000 };

/** Everything that notes the time: whichever comes first after an outage must see it. */
const FIRST_VERBS: Record<string, (scene: Scene, held: Held) => Promise<unknown>> = {
  look: (scene) => scene.glance(),
  "a claim": (scene) => scene.work(),
  "a renewal": (scene, held) => scene.renew([held]),
  reap: (scene, { fence }) =>
    scene.store.reap({ leases: [{ fence, taskId: TASK }], random: 0.5, keep: KEEP }),
};

export function graceClaims(test: ContractTest): void {
  describe("grace", () => {
    outageClaims(test);
    noGraceClaims(test);
    jumpClaims(test);
  });
}

async function twoRunning(scene: Scene): Promise<[Held, Held]> {
  await scene.push([stubborn(), stubborn()]);
  return [await scene.claimOne(), await scene.claimOne()];
}

function outageClaims(test: ContractTest): void {
  for (const [verb, call] of Object.entries(FIRST_VERBS)) {
    const claim = `after an outage longer than a lease nothing is taken: ${verb} first`;
    test(claim, async ({ scene }) => {
      const [first, second] = await twoRunning(scene);
      const reaper = await scene.another();
      await scene.world.advance(3 * LEASE_MS);
      await call(scene, first);
      expect(await scene.reap(reaper)).toEqual([]);
      expect((await scene.renew([first, second])).lost).toEqual([]);
      await scene.pass(LEASE_MS / 2);
      expect(await scene.reap(reaper)).toEqual([]);
      for (const held of [first, second]) {
        expect(await scene.settle(held, COMPLETED)).toMatchObject({ state: "completed" });
      }
    });
  }

  test("a reaper that knew the lease before the outage does not get it", async ({ scene }) => {
    const [{ fence, id }] = await twoRunning(scene);
    await scene.world.advance(3 * LEASE_MS);
    const args = { leases: [{ fence, taskId: TASK }], random: 0.5, keep: KEEP };
    expect(await scene.store.reap(args)).toEqual([]);
    expect(await scene.stateOf(id)).toBe("running");
  });

  test("who has not renewed within one lease after the outage is dead", async ({ scene }) => {
    const [alive, dead] = await twoRunning(scene);
    await scene.world.advance(3 * LEASE_MS);
    await scene.renew([alive]);
    await scene.pass(LEASE_MS / 2);
    await scene.renew([alive]);
    expect(await scene.reap()).toEqual([]);
    await scene.pass(LEASE_MS / 2 + 2_000);
    expect(only(await scene.reap()).number).toBe(dead.number);
    expect(await scene.settle(alive, COMPLETED)).toMatchObject({ state: "completed" });
  });

  test("an outage of three quarters of a lease takes nothing, whenever it was renewed", async ({
    scene,
  }) => {
    const held = await twoRunning(scene);
    await scene.world.advance(LEASE_MS / 3);
    await scene.glance();
    await scene.world.advance(0.75 * LEASE_MS);
    expect(await scene.reap()).toEqual([]);
    expect((await scene.renew(held)).lost).toEqual([]);
    await scene.pass(0.9 * LEASE_MS);
    expect(await scene.reap()).toEqual([]);
    for (const job of held) {
      expect(await scene.settle(job, COMPLETED)).toMatchObject({ state: "completed" });
    }
  });

  test("an outage during the grace begins a new one", async ({ scene }) => {
    const [held] = await twoRunning(scene);
    await scene.world.advance(3 * LEASE_MS);
    await scene.glance();
    await scene.world.advance(3 * LEASE_MS);
    expect(await scene.reap()).toEqual([]);
    expect((await scene.renew([held])).lost).toEqual([]);
  });

  test("during the grace, work goes on", async ({ scene }) => {
    await twoRunning(scene);
    await scene.world.advance(3 * LEASE_MS);
    await scene.pushOne();
    expect((await scene.store.look(LOOK)).taskIds).toEqual([TASK]);
    expect(await scene.settle(await scene.claimOne(), COMPLETED)).toMatchObject({
      state: "completed",
    });
  });

  test("during the grace, a look does not ask for haste", async ({ scene }) => {
    await twoRunning(scene);
    await scene.world.advance(3 * LEASE_MS);
    const look = await scene.store.look(LOOK);
    expect(look.expired).toEqual([]);
    expect(look.waitMs).toBeGreaterThan(0);
  });
}

function noGraceClaims(test: ContractTest): void {
  test("there is none while somebody looks: an expired lease is reaped at once", async ({
    scene,
  }) => {
    await twoRunning(scene);
    await scene.pass(LEASE_MS + 1_000);
    expect(await scene.reap()).toHaveLength(2);
  });

  test("there is none for the time in which no lease stood", async ({ scene }) => {
    const early = await twoRunning(scene);
    await scene.settleAll(early.map((held) => [held, COMPLETED]));
    await scene.world.advance(100 * HOUR_MS);
    await twoRunning(scene);
    await scene.pass(LEASE_MS + 1_000);
    expect(await scene.reap()).toHaveLength(2);
  });

  test("there is none for silences shorter than two thirds of the shortest lease", async ({
    scene,
  }) => {
    const long = await scene.running({}, { leaseMs: 300_000 });
    const short = await scene.running({}, { leaseMs: 30_000 });
    await scene.world.advance(19_000);
    await scene.glance();
    await scene.world.advance(19_000);
    const reaped = await scene.reap();
    expect(reaped.map(({ number }) => number)).toEqual([short.number]);
    expect(await scene.stateOf(long.id)).toBe("running");
  });
}

function jumpClaims(test: ContractTest): void {
  test("a clock set forward by an hour takes nothing from living owners", async ({ scene }) => {
    const [first, second] = await twoRunning(scene);
    await scene.pass(LEASE_MS / 4);
    await scene.world.jump(HOUR_MS);
    expect(await scene.reap()).toEqual([]);
    for (let n = 0; n < 3; n += 1) {
      expect((await scene.renew([first, second])).lost).toEqual([]);
      await scene.pass(LEASE_MS / 3);
      expect(await scene.reap()).toEqual([]);
    }
    expect(await scene.settle(first, COMPLETED)).toMatchObject({ state: "completed" });
  });

  test("a clock set back by an hour takes nothing from living owners", async ({ scene }) => {
    const [first, second] = await twoRunning(scene);
    await scene.pass(LEASE_MS / 4);
    await scene.world.jump(-HOUR_MS);
    expect(await scene.reap()).toEqual([]);
    for (let n = 0; n < 3; n += 1) {
      expect((await scene.renew([first, second])).lost).toEqual([]);
      await scene.pass(LEASE_MS / 3);
      expect(await scene.reap()).toEqual([]);
    }
    expect(await scene.settle(first, COMPLETED)).toMatchObject({ state: "completed" });
  });

  test("a clock set back does not keep a dead owner's jobs for an hour", async ({ scene }) => {
    const [first] = await twoRunning(scene);
    await scene.world.jump(-HOUR_MS);
    await scene.glance();
    const { leaseEndsAt } = await scene.view(first.id);
    expect(leaseEndsAt).toBeLessThanOrEqual((await scene.world.now()) + LEASE_MS);
    await scene.pass(LEASE_MS + 2_000);
    expect(await scene.reap()).toHaveLength(2);
  });

  test("a clock set back and forth loses no job", async ({ scene }) => {
    const held = await twoRunning(scene);
    for (const ms of [HOUR_MS, -2 * HOUR_MS, HOUR_MS]) {
      await scene.world.jump(ms);
      expect(await scene.reap()).toEqual([]);
      expect((await scene.renew(held)).lost).toEqual([]);
    }
    expect((await scene.store.counts({ taskId: TASK })).running).toBe(2);
  });
}
