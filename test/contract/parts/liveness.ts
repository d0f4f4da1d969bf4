/** Registrations: who has registered schedules counts as alive for a lease after each look. */
import { describe, expect } from "vitest";
import type { RegisterAnswer } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { HOUR_MS, LEASE_MS, registered } from "../words.js";

/** Long enough for a lease to end between two looks that note the time. */
const LAPSE_MS = LEASE_MS + 20_000;

export function livenessClaims(test: ContractTest): void {
  describe("a registration", () => {
    leaseClaims(test);
    counterClaims(test);
    graceClaims(test);
    firstBackClaims(test);
    jumpClaims(test);
  });
}

/** A schedule of set `a` that is due in a hundred hours. */
async function registeredByA(scene: Scene): Promise<void> {
  await scene.table.code({ firstAt: (await scene.world.now()) + 100 * HOUR_MS });
}

/** Whether somebody alive has registered it: the store does not remove it then. */
async function isLive(scene: Scene): Promise<boolean> {
  const answer = await scene.store.remove({ scheduleId: "s", revision: -1 });
  expect(["live", "changed"]).toContain(answer);
  return answer === "live";
}

function leaseClaims(test: ContractTest): void {
  test("lasts as long as somebody with that set looks", async ({ scene }) => {
    await registeredByA(scene);
    await scene.table.pass(5 * LEASE_MS, "a");
    expect(await isLive(scene)).toBe(true);
    const { registeredUntil, now } = await scene.table.detail();
    expect(registeredUntil ?? 0).toBeGreaterThan(now);
  });

  test("lasts when another scheduler with the same set looks instead", async ({ scene }) => {
    await registeredByA(scene);
    const other = await scene.another();
    await scene.store.close();
    for (let n = 0; n < 8; n += 1) {
      await scene.table.live("a", other);
      await scene.world.advance(LEASE_MS / 4);
    }
    expect(await isLive(scene)).toBe(true);
  });

  test("lapses when nobody with that set looks any more", async ({ scene }) => {
    await registeredByA(scene);
    await scene.table.pass(LEASE_MS / 2, "b");
    expect(await isLive(scene)).toBe(true);
    await scene.table.pass(LAPSE_MS, "b");
    expect(await isLive(scene)).toBe(false);
    const { registeredUntil, now } = await scene.table.detail();
    expect(registeredUntil ?? now).toBeLessThan(now);
  });

  test("is not kept up by looks without one", async ({ scene }) => {
    await registeredByA(scene);
    const others = [registered("b"), null, null];
    for (let n = 0; n * 10_000 < LAPSE_MS; n += 1) {
      await scene.world.advance(10_000);
      await scene.table.look({ registration: others[n % 3] ?? null });
    }
    await scene.table.live("b");
    expect(await isLive(scene)).toBe(false);
  });

  test("is back with the next look", async ({ scene }) => {
    await registeredByA(scene);
    await scene.table.pass(LAPSE_MS, "b");
    expect(await isLive(scene)).toBe(false);
    await scene.table.live("a");
    expect(await isLive(scene)).toBe(true);
  });

  test("is back with the next registering", async ({ scene }) => {
    await registeredByA(scene);
    await scene.table.pass(LAPSE_MS, "b");
    await scene.table.code({ scheduleId: "another", firstAt: null });
    expect(await isLive(scene)).toBe(true);
  });
}

function counterClaims(test: ContractTest): void {
  test("that lasts leaves the counter alone, whoever looks", async ({ scene }) => {
    await registeredByA(scene);
    await scene.table.live("b");
    const counted = await scene.table.live("a");
    for (let n = 0; n < 12; n += 1) {
      await scene.world.advance(LEASE_MS / 4);
      expect(await scene.table.live("a")).toBe(counted);
      expect(await scene.table.live("b")).toBe(counted);
      expect((await scene.table.look()).registrations).toBe(counted);
    }
  });

  test("that lapses makes the counter rise once", async ({ scene }) => {
    await registeredByA(scene);
    const counted = await scene.table.live("b");
    await scene.table.pass(LAPSE_MS, "b");
    const risen = await scene.table.live("b");
    expect(risen).toBe(counted + 1);
    await scene.table.pass(3 * LEASE_MS, "b");
    expect(await scene.table.live("b")).toBe(risen);
  });

  test("that comes back makes the counter rise", async ({ scene }) => {
    await registeredByA(scene);
    await scene.table.live("b");
    await scene.table.pass(LAPSE_MS, "b");
    const lapsed = await scene.table.live("b");
    const back = await scene.table.live("a");
    expect(back).toBeGreaterThan(lapsed);
    expect(await scene.table.live("b")).toBe(back);
  });

  test("of a set that was never there makes the counter rise", async ({ scene }) => {
    const counted = (await scene.table.look()).registrations;
    expect(counted).toBe(0);
    const risen = await scene.table.live("a");
    expect(risen).toBeGreaterThan(counted);
    expect(await scene.table.live("a")).toBe(risen);
  });

  test("that changes a contested schedule makes the counter rise", async ({ scene }) => {
    await registeredByA(scene);
    const counted = await scene.table.live("b");
    const firstAt = (await scene.world.now()) + HOUR_MS;
    const change = { definition: "2", firstAt };
    expect(await scene.table.code(change, { set: "b" })).toMatchObject({ outcome: "changed" });
    expect(await scene.table.live("a")).toBeGreaterThan(counted);
  });
}

function graceClaims(test: ContractTest): void {
  test("outlives an outage: whoever is back in time has missed nothing", async ({ scene }) => {
    await registeredByA(scene);
    await scene.table.pass(LEASE_MS, "a", "b");
    await scene.world.advance(2 * HOUR_MS);
    await scene.table.live("b");
    expect(await isLive(scene)).toBe(true);
    await scene.table.pass(LEASE_MS / 2, "b");
    expect(await isLive(scene)).toBe(true);
    await scene.table.pass(2 * LEASE_MS, "a", "b");
    expect(await isLive(scene)).toBe(true);
  });

  test("lapses after an outage when its scheduler does not come back", async ({ scene }) => {
    await registeredByA(scene);
    await scene.table.pass(LEASE_MS, "a", "b");
    await scene.world.advance(2 * HOUR_MS);
    const counted = await scene.table.live("b");
    await scene.table.pass(LAPSE_MS, "b");
    expect(await isLive(scene)).toBe(false);
    expect(await scene.table.live("b")).toBe(counted + (scene.world.shards ?? 1));
  });

  test("does not go back to an older version because of an outage", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + 100 * HOUR_MS;
    const register = (set: string) =>
      scene.table.code({ definition: `"${set}"`, firstAt }, { set });
    await register("old");
    await register("new");
    await scene.table.pass(LEASE_MS, "old", "new");
    await scene.world.advance(2 * HOUR_MS);
    await scene.table.live("old");
    expect(await register("old")).toMatchObject({ outcome: "superseded" });
    await scene.table.live("new");
    await scene.table.pass(2 * LEASE_MS, "old", "new");
    expect(await register("old")).toMatchObject({ outcome: "superseded" });
  });
}

/**
 * Two living schedulers of sets `a` and `b`, each with a schedule of its own; then nobody reaches
 * the store for two hours. Answers the counter of lapses before it.
 */
async function outage(scene: Scene): Promise<number> {
  await registeredByA(scene);
  await registerByB(scene);
  await scene.table.pass(LEASE_MS, "a", "b");
  const counted = await scene.table.live("a");
  await scene.world.advance(2 * HOUR_MS);
  return counted;
}

async function registerByB(scene: Scene): Promise<RegisterAnswer> {
  const firstAt = (await scene.world.now()) + 100 * HOUR_MS;
  return await scene.table.code({ scheduleId: "of b", firstAt }, { set: "b" });
}

/** Schedules that nobody alive registers, as a walk through all of them says. */
async function doubtful(scene: Scene): Promise<string[]> {
  const tended = await scene.store.tend({ urgent: true });
  expect(tended.more).toBe(false);
  return tended.doubtful.map(({ scheduleId }) => scheduleId);
}

function firstBackClaims(test: ContractTest): void {
  test("outlives an outage also when others come back by registering", async ({ scene }) => {
    const counted = await outage(scene);
    expect(await registerByB(scene)).toMatchObject({ outcome: "unchanged", revision: 1 });
    expect(await isLive(scene)).toBe(true);
    expect(await doubtful(scene)).toEqual([]);
    const { registeredUntil, now } = await scene.table.detail();
    expect(registeredUntil ?? 0).toBeGreaterThan(now);
    await scene.world.advance(LEASE_MS / 2);
    expect(await scene.table.live("a")).toBe(counted);
    await scene.table.pass(2 * LEASE_MS, "a", "b");
    expect(await doubtful(scene)).toEqual([]);
    expect(await scene.table.live("b")).toBe(counted);
  });

  test("of who does not come back is over a lease after the first registers", async ({ scene }) => {
    const counted = await outage(scene);
    await registerByB(scene);
    await scene.table.pass(LAPSE_MS, "b");
    expect(await isLive(scene)).toBe(false);
    expect(await scene.table.live("b")).toBe(counted + (scene.world.shards ?? 1));
    // A minute after it was over it is worth a judgement.
    await scene.table.pass(LEASE_MS, "b");
    expect(await doubtful(scene)).toEqual(["s"]);
  });

  test("keeps its version in force whichever registers first after an outage", async ({
    scene,
  }) => {
    const firstAt = (await scene.world.now()) + 100 * HOUR_MS;
    const register = (set: string) =>
      scene.table.code({ definition: `"${set}"`, firstAt }, { set });
    await register("old");
    const { revision } = await register("new");
    for (const first of ["old", "new"]) {
      await scene.table.pass(LEASE_MS, "old", "new");
      await scene.world.advance(2 * HOUR_MS);
      const order = first === "old" ? ["old", "new"] : ["new", "old"];
      for (const set of order) {
        const outcome = set === "old" ? "superseded" : "unchanged";
        const answer = { outcome, revision, contested: true };
        expect(await register(set)).toMatchObject(answer);
        await scene.world.advance(LEASE_MS / 4);
      }
    }
    await scene.table.pass(2 * LEASE_MS, "old", "new");
    expect(await register("old")).toMatchObject({ outcome: "superseded", revision });
  });
}

function jumpClaims(test: ContractTest): void {
  for (const hours of [1, -1]) {
    test(`outlives a clock that jumps by ${hours} h`, async ({ scene }) => {
      await registeredByA(scene);
      await scene.table.pass(LEASE_MS, "a", "b");
      await scene.world.jump(hours * HOUR_MS);
      await scene.table.live("b");
      expect(await isLive(scene)).toBe(true);
      await scene.table.pass(LEASE_MS / 2, "b");
      expect(await isLive(scene)).toBe(true);
      await scene.table.pass(2 * LEASE_MS, "a", "b");
      expect(await isLive(scene)).toBe(true);
    });

    test(`does not last for ever after a clock that jumps by ${hours} h`, async ({ scene }) => {
      await registeredByA(scene);
      await scene.table.pass(LEASE_MS, "a", "b");
      await scene.world.jump(hours * HOUR_MS);
      await scene.table.pass(LAPSE_MS, "b");
      expect(await isLive(scene)).toBe(false);
    });
  }
}
