/**
 * The hold: a store that has lost its data fires no schedule for some seconds, so that everybody
 * can tell it first what is decided.
 */
import { describe, expect } from "vitest";
import { until } from "../../support/until.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { KEEP, schedule } from "../words.js";
import type { Capabilities } from "../world.js";

const HOLD_MS = 5_000;

export function holdClaims(test: ContractTest, can: Capabilities): void {
  describe("the hold", () => {
    firstClaims(test);
    if (can.connection) emptiedClaims(test);
  });
}

function firstClaims(test: ContractTest): void {
  test("is not there for a store that is new, or opened again", async ({ scene }) => {
    await scene.table.due();
    await scene.store.close();
    await scene.store.open();
    const other = await scene.another();
    expect((await scene.table.look({ store: other })).schedules).toHaveLength(1);
    expect(await scene.table.fire()).not.toBeNull();
  });
}

/** The store loses everything; a schedule that is due is registered by those who know it. */
async function emptied(scene: Scene): Promise<void> {
  let news = false;
  scene.store.onConnection((change) => {
    news ||= change.kind === "back" && change.emptied;
  });
  await scene.table.due();
  await scene.world.empty?.();
  await scene.world.cut?.();
  await until("the news", () => news);
  const now = await scene.world.now();
  const known = schedule({ firstAt: now - 1_000, decidedAt: now - 2_000 });
  await until("registering", () => scene.table.registerAll([known]).catch(() => null));
}

function emptiedClaims(test: ContractTest): void {
  test("lets no schedule fire after the store has lost its data", async ({ scene }) => {
    await emptied(scene);
    const look = await scene.table.look({ sleepMs: 100_000 });
    expect(look.schedules).toEqual([]);
    expect(look.waitMs).toBeGreaterThan(0);
    expect(look.waitMs).toBeLessThanOrEqual(HOLD_MS);
    expect(await scene.table.fire()).toBeNull();
    const other = await scene.another();
    expect((await scene.table.look({ store: other })).schedules).toEqual([]);
  });

  test("ends by itself, and all that is due fires then", async ({ scene }) => {
    await emptied(scene);
    expect(await scene.table.dueNow()).toBeNull();
    await scene.world.advance(HOLD_MS);
    expect(await scene.table.dueNow()).toMatchObject({ scheduleId: "s" });
    expect(await scene.table.fire()).not.toBeNull();
  });

  test("leaves to those who know time to tell what is decided", async ({ scene }) => {
    await emptied(scene);
    const now = await scene.world.now();
    const decided = [
      {
        scheduleId: "s",
        taskId: "mail",
        decidedAt: now - 1_000,
        nextAt: now + 3_600_000,
        digest: (await scene.table.detail())?.digest ?? "",
      },
    ];
    await scene.store.recover({ decided });
    await scene.world.advance(HOLD_MS);
    expect(await scene.table.dueNow()).toBeNull();
  });

  test("holds back nothing else", async ({ scene }) => {
    await emptied(scene);
    const args = { scheduleId: "s", instants: null, overlap: null, keep: KEEP };
    expect((await scene.store.trigger(args))?.outcomes).toMatchObject([
      { outcome: { kind: "fired" } },
    ]);
    await scene.pushOne();
    expect(await scene.claim(10)).toHaveLength(2);
    expect(await scene.table.pause()).toEqual({ revision: 2 });
    expect(await scene.store.remove({ scheduleId: "s", revision: null })).toBe("removed");
  });
}
