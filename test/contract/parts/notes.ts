/** Notes: how silence is told from an outage, by whom, and for leases of which length. */
import { describe, expect } from "vitest";
import type { Look, Store } from "../../../src/store/contract.js";
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
} from "../words.js";

/** Beside leases of an hour. */
const SHORT_MS = 10_000;
const MINUTE_MS = 60_000;

export function noteClaims(test: ContractTest): void {
  describe("the time that is noted while leases stand", () => {
    sleeperClaims(test);
    mixedClaims(test);
    healingClaims(test);
  });
}

/** Looks exactly when the store says, until a lease can be reaped. */
async function sleepUntilExpired(
  scene: Scene,
  store: Store,
): Promise<Look & { passedMs: number; waits: number[] }> {
  const waits: number[] = [];
  for (;;) {
    const look = await store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 5 * LEASE_MS });
    const passedMs = waits.reduce((sum, ms) => sum + ms, 0);
    if (look.expired.length > 0) return { ...look, passedMs, waits };
    waits.push(Math.ceil(look.waitMs));
    expect(waits.length).toBeLessThan(20);
    expect(look.waitMs).toBeGreaterThan(0);
    await scene.world.advance(Math.ceil(look.waitMs));
  }
}

function sleeperClaims(test: ContractTest): void {
  for (const leases of [0, 0.9, 5]) {
    const claim = `a survivor that polls once in five leases reaps in time, ${leases} leases late`;
    test(claim, async ({ scene }) => {
      await scene.push([stubborn()]);
      await scene.claimOne();
      await scene.world.advance(leases * LEASE_MS);
      const survivor = await scene.another();
      const { expired, passedMs } = await sleepUntilExpired(scene, survivor);
      expect(passedMs).toBeLessThanOrEqual(2 * LEASE_MS);
      expect(await survivor.reap({ leases: expired, random: 0.5, keep: KEEP })).toHaveLength(1);
    });
  }

  test("wakes at most two for the next note; the others sleep on", async ({ scene }) => {
    await scene.running();
    const waits: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const look = { taskIds: [], ...NO_SCHEDULES, sleepMs: 5 * LEASE_MS };
      waits.push((await (await scene.another()).look(look)).waitMs);
    }
    const early = waits.filter((waitMs) => waitMs <= LEASE_MS / 3 + 1);
    expect(early.length).toBeGreaterThanOrEqual(1);
    expect(early.length).toBeLessThanOrEqual(2);
  });

  test("a lease that is only in grace does not keep anybody awake", async ({ scene }) => {
    const [held] = await threeRunning(scene);
    await scene.world.advance(10 * MINUTE_MS);
    await scene.renew([held]);
    const { waits, passedMs } = await sleepUntilExpired(scene, scene.store);
    expect(passedMs).toBeLessThanOrEqual(SHORT_MS + 1);
    expect(waits.length).toBeLessThanOrEqual(6);
  });
}

/** One under a lease of an hour, two under short ones. */
async function threeRunning(scene: Scene): Promise<[Held, Held, Held]> {
  const long = await scene.running({}, { leaseMs: HOUR_MS });
  const one = await scene.running({}, { leaseMs: SHORT_MS });
  return [long, one, await scene.running({}, { leaseMs: SHORT_MS })];
}

/** Looks and renews often enough for the short leases. */
async function passRenewing(scene: Scene, ms: number, held: readonly Held[]): Promise<void> {
  for (let left = ms; left > 0; left -= SHORT_MS / 4) {
    expect((await scene.renew(held)).lost).toEqual([]);
    await scene.world.advance(Math.min(left, SHORT_MS / 4));
  }
  expect((await scene.renew(held)).lost).toEqual([]);
}

function mixedClaims(test: ContractTest): void {
  test("an outage gives each lease its own length, whatever others stand", async ({ scene }) => {
    const [long, alive, dead] = await threeRunning(scene);
    await scene.world.advance(10 * MINUTE_MS);
    expect(await scene.reap()).toEqual([]);
    await passRenewing(scene, 0.8 * SHORT_MS, [alive]);
    expect(await scene.reap()).toEqual([]);
    await passRenewing(scene, 0.3 * SHORT_MS, [alive]);
    expect(only(await scene.reap()).number).toBe(dead.number);
    expect(await scene.stateOf(long.id)).toBe("running");
    expect(await scene.settle(alive, COMPLETED)).toMatchObject({ state: "completed" });
  });

  test("a clock set back cuts each lease to its own length", async ({ scene }) => {
    const [long, one] = await threeRunning(scene);
    await scene.world.jump(-10 * MINUTE_MS);
    await scene.glance();
    const now = await scene.world.now();
    expect((await scene.view(one.id)).leaseEndsAt).toBeLessThanOrEqual(now + SHORT_MS);
    const { leaseEndsAt } = await scene.view(long.id);
    expect(leaseEndsAt).toBeLessThanOrEqual(now + HOUR_MS);
    expect(leaseEndsAt).toBeGreaterThan(now + HOUR_MS - MINUTE_MS);
    await scene.pass(SHORT_MS + 1_000, SHORT_MS);
    expect(await scene.reap()).toHaveLength(2);
  });

  test("a short lease beside a long one makes no outage of the time before", async ({ scene }) => {
    const long = await scene.running({}, { leaseMs: HOUR_MS });
    for (let n = 0; n < 7; n += 1) {
      await scene.world.advance(10 * MINUTE_MS);
      const short = await scene.running({}, { leaseMs: SHORT_MS });
      await scene.glance();
      await scene.settle(short, COMPLETED);
    }
    expect(only(await scene.reap()).number).toBe(long.number);
  });
}

function healingClaims(test: ContractTest): void {
  test("a long lease that was settled is forgotten", async ({ scene }) => {
    const [long, one, two] = await threeRunning(scene);
    await scene.settle(long, COMPLETED);
    await scene.world.advance(10 * MINUTE_MS);
    expect(await scene.reap()).toEqual([]);
    await scene.pass(SHORT_MS + 1_000, SHORT_MS);
    const reaped = await scene.reap();
    expect(new Set(reaped.map(({ number }) => number))).toEqual(new Set([one.number, two.number]));
  });

  test("a short lease that was settled makes no outages of pauses", async ({ scene }) => {
    const [long, one, two] = await threeRunning(scene);
    await scene.settle(one, COMPLETED);
    await scene.settle(two, COMPLETED);
    for (let n = 0; n < 5; n += 1) {
      await scene.glance();
      await scene.world.advance(15 * MINUTE_MS);
    }
    expect(only(await scene.reap()).number).toBe(long.number);
  });

  test("a short lease that was reaped makes no outages of pauses", async ({ scene }) => {
    const [long] = await threeRunning(scene);
    await scene.pass(SHORT_MS + 1_000, SHORT_MS);
    expect(await scene.reap()).toHaveLength(2);
    for (let n = 0; n < 5; n += 1) {
      await scene.glance();
      await scene.world.advance(15 * MINUTE_MS);
    }
    expect(only(await scene.reap()).number).toBe(long.number);
  });
}
