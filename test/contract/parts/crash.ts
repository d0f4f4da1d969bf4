/** Crashes: when a job whose process died is issued again, and when it is not. */
import { describe, expect } from "vitest";
import { MAX_CRASHES_IN_ROW, NO_COUNTS } from "../../../src/core/job.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { AGAIN, HOUR_MS, LEASE_MS, names, only, retryIn, rules, stubborn, TASK } from "../words.js";

export function crashClaims(test: ContractTest): void {
  describe("a job whose process died", () => {
    issuedAgainClaims(test);
    waitClaims(test);
    endClaims(test);
  });
}

function issuedAgainClaims(test: ContractTest): void {
  test("is run again, and its crash is counted apart from failures", async ({ scene }) => {
    await scene.pushOne({ payload: '"x"', rules: rules({ retry: AGAIN }) });
    const { number } = await scene.crash();
    expect(await scene.claimOne()).toMatchObject({
      number,
      payload: '"x"',
      counts: { ...NO_COUNTS, crashes: 1, crashesInRow: 1 },
    });
  });

  test("without retry ends as dead, interrupted, and is never run again", async ({ scene }) => {
    const { id } = await scene.pushOne();
    expect(await scene.crash()).toMatchObject({ id, state: "dead", reason: "interrupted" });
    expect(await scene.view(id)).toMatchObject({ state: "dead", reason: "interrupted" });
    await scene.pass(HOUR_MS);
    expect(await scene.claim(10, { idle: true })).toEqual([]);
    // It is not issued again, so there is no row of crashes to count.
    expect((await scene.view(id)).counts).toEqual(NO_COUNTS);
    expect((await scene.store.counts({ taskId: TASK })).total).toMatchObject({
      crashes: 0,
      dead: 1,
    });
  });

  test("joins at the end of the line", async ({ scene }) => {
    await scene.push(["crashed", "waiting"].map((name) => stubborn({ payload: `"${name}"` })));
    await scene.crash();
    await scene.pushNamed(["new"]);
    expect(names(await scene.claim(10))).toEqual(["waiting", "new", "crashed"]);
  });

  test("keeps its public id and its number", async ({ scene }) => {
    const { id } = await scene.pushOne({ id: "mine", rules: rules({ retry: AGAIN }) });
    const reaped = await scene.crash();
    expect(await scene.view(id)).toMatchObject({ id, number: reaped.number, state: "ready" });
  });
}

/** Pushes a job with this wait and has it crash; each row: lease end less lease, and due time. */
async function crashWaits(scene: Scene, waitMs: number, randoms: number[]): Promise<number[]> {
  await scene.pushOne({ rules: rules({ retry: { attempts: 0, waitMs, backoff: "fixed" } }) });
  const waits: number[] = [];
  for (const random of randoms) {
    const held = await scene.claimOne({ idle: true });
    const { leaseEndsAt } = await scene.view(held.id);
    await scene.expire();
    const { dueAt, state } = only(await scene.reap(scene.store, random));
    expect(state).toBe("scheduled");
    waits.push((dueAt ?? 0) - ((leaseEndsAt ?? 0) - LEASE_MS));
    await scene.world.advance((dueAt ?? 0) - (await scene.world.now()) + 10);
  }
  return waits;
}

function waitClaims(test: ContractTest): void {
  test("waits from its last renewal, exactly its `waitMs` the first time", async ({ scene }) => {
    expect(await crashWaits(scene, 600_000, [0.99])).toEqual([600_000]);
  });

  test("waits twice as long after each further crash", async ({ scene }) => {
    const waits = await crashWaits(scene, 200_000, [0.5, 0.5, 0.5, 0.5]);
    expect(waits).toEqual([200_000, 400_000, 800_000, 1_600_000]);
  });

  test("has its wait spread from the second crash on, by half to both sides", async ({ scene }) => {
    const waits = await crashWaits(scene, 200_000, [0, 0, 0.75]);
    expect(waits).toEqual([200_000, 200_000, 1_000_000]);
  });

  test("waits an hour at most", async ({ scene }) => {
    const waits = await crashWaits(scene, 50 * 60_000, [0.5, 0.5, 0.99]);
    expect(waits).toEqual([50 * 60_000, HOUR_MS, HOUR_MS]);
  });

  test("counts its wait from the last renewal, not from the claim", async ({ scene }) => {
    const retry = { attempts: 0, waitMs: 600_000, backoff: "fixed" } as const;
    const held = await scene.running({ rules: rules({ retry }) });
    await scene.pass(LEASE_MS / 2);
    await scene.renew([held]);
    const { leaseEndsAt } = await scene.view(held.id);
    await scene.expire();
    const { dueAt } = only(await scene.reap());
    expect(dueAt).toBe((leaseEndsAt ?? 0) - LEASE_MS + 600_000);
  });

  test("is not due before its lease has ended", async ({ scene }) => {
    const retry = { attempts: 0, waitMs: 1_000, backoff: "fixed" } as const;
    await scene.pushOne({ rules: rules({ retry }) });
    expect(await scene.crash()).toMatchObject({ state: "ready", dueAt: null });
    expect(await scene.claim(1)).toHaveLength(1);
  });
}

function endClaims(test: ContractTest): void {
  test("ends as dead after ten crashes in a row, not before", async ({ scene }) => {
    const { id } = only(await scene.push([stubborn()]));
    for (let n = 1; n < MAX_CRASHES_IN_ROW; n += 1) {
      const reaped = await scene.crash();
      expect(reaped).toMatchObject({ state: "ready", counts: { crashes: n, crashesInRow: n } });
    }
    expect(await scene.crash()).toMatchObject({ id, state: "dead", reason: "crashes" });
    expect(await scene.view(id)).toMatchObject({
      state: "dead",
      reason: "crashes",
      counts: { ...NO_COUNTS, crashes: 10, crashesInRow: 10 },
    });
  });

  test("starts a new row after a failure", async ({ scene }) => {
    await scene.push([stubborn()]);
    for (let n = 0; n < 9; n += 1) await scene.crash();
    await scene.settle(await scene.claimOne({ idle: true }), retryIn(0));
    await scene.world.advance(1_000);
    const reaped = await scene.crash();
    expect(reaped).toMatchObject({ state: "ready", counts: { crashes: 10, crashesInRow: 1 } });
  });

  test("ends as dead when failures and crashes have used up its attempts", async ({ scene }) => {
    const retry = { attempts: 3, waitMs: 0, backoff: "fixed" } as const;
    const { id } = await scene.pushOne({ rules: rules({ retry }) });
    await scene.settle(await scene.claimOne(), retryIn(0));
    await scene.world.advance(1_000);
    expect(await scene.crash()).toMatchObject({ state: "ready" });
    expect(await scene.crash()).toMatchObject({ id, state: "dead", reason: "crashes" });
  });

  test("ends as dead at once if it had a single attempt", async ({ scene }) => {
    const retry = { attempts: 1, waitMs: 0, backoff: "fixed" } as const;
    await scene.pushOne({ rules: rules({ retry }) });
    expect(await scene.crash()).toMatchObject({ state: "dead", reason: "crashes" });
    expect(await scene.stateOf("nobody", TASK)).toBeNull();
  });
}
