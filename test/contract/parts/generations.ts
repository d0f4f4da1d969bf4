/** register: which of several definitions of one schedule is in force while versions change. */
import { describe, expect } from "vitest";
import type { RegisterAnswer } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { passing } from "../timetable.js";
import { defined, HOUR_MS } from "../words.js";

export function generationClaims(test: ContractTest): void {
  describe("generations", () => {
    deployClaims(test);
    rollbackClaims(test);
    carriedClaims(test);
    unattendedClaims(test);
    orphanClaims(test);
  });
}

/** Registers the definition `v1`, `v2`, … in a set of the same name, due in ten hours. */
async function version(
  scene: Scene,
  name: string,
  change: { generation?: number; local?: boolean } = {},
): Promise<RegisterAnswer> {
  const firstAt = (await scene.world.now()) + 10 * HOUR_MS;
  return await scene.table.code({ ...defined(name), firstAt, ...change }, { set: name });
}

async function inForce(scene: Scene): Promise<unknown> {
  return JSON.parse((await scene.table.detail()).definition) as unknown;
}

function deployClaims(test: ContractTest): void {
  test("rise with every new definition, and the newest is in force", async ({ scene }) => {
    for (const [n, name] of ["v1", "v2", "v3"].entries()) {
      const answer = await version(scene, name);
      expect(answer).toMatchObject({ generation: n + 1, revision: n + 1, contested: n > 0 });
      expect(await inForce(scene)).toBe(name);
    }
  });

  test("do not flip back when an older version registers or starts again", async ({ scene }) => {
    await version(scene, "v1");
    const { nextAt } = await version(scene, "v2");
    const superseded = { outcome: "superseded", generation: 1, revision: 2, nextAt };
    expect(await version(scene, "v1")).toMatchObject({ ...superseded, contested: true });
    const restarted = await scene.another();
    await restarted.close();
    expect(await version(scene, "v1")).toMatchObject(superseded);
    const unchanged = { outcome: "unchanged", generation: 2, contested: true };
    expect(await version(scene, "v2")).toMatchObject(unchanged);
    expect(await inForce(scene)).toBe("v2");
  });

  test("do not flip back while a newer version is alive, however long that is", async ({
    scene,
  }) => {
    await version(scene, "v1");
    await version(scene, "v2");
    await scene.table.pass(200_000, "v1", "v2");
    expect(await version(scene, "v1")).toMatchObject({ outcome: "superseded" });
  });

  test("are no contest once the older version has gone", async ({ scene }) => {
    await version(scene, "v1");
    await version(scene, "v2");
    await scene.table.pass(80_000, "v2");
    expect(await version(scene, "v2")).toMatchObject({ outcome: "unchanged", contested: false });
  });

  test("are no contest between sets that have the same definition", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    await scene.table.code({ firstAt }, { set: "a" });
    const same = { outcome: "unchanged", generation: 1, contested: false };
    expect(await scene.table.code({ firstAt }, { set: "b" })).toMatchObject(same);
  });

  test("are noted although an occurrence has to be decided first", async ({ scene }) => {
    const firstAt = await scene.table.dueCode(defined("v1"), { set: "v1" });
    const due = { outcome: "due", generation: 2 };
    expect(await version(scene, "v2")).toMatchObject(due);
    expect(await version(scene, "v1")).toMatchObject({ outcome: "unchanged", contested: true });
    await scene.table.fireAt(firstAt);
    expect(await version(scene, "v2")).toMatchObject({ outcome: "changed", generation: 2 });
    expect(await version(scene, "v1")).toMatchObject({ outcome: "superseded", generation: 1 });
  });
}

function rollbackClaims(test: ContractTest): void {
  test("go back when the last new version has lapsed", async ({ scene }) => {
    await version(scene, "v1");
    await version(scene, "v2");
    await scene.table.pass(80_000, "v1");
    expect(await inForce(scene)).toBe("v2");
    const back = { outcome: "changed", generation: 1, revision: 3, contested: false };
    expect(await version(scene, "v1")).toMatchObject(back);
    expect(await inForce(scene)).toBe("v1");
  });

  test("go back to the newest that is alive", async ({ scene }) => {
    for (const name of ["v1", "v2", "v3"]) await version(scene, name);
    await scene.table.pass(80_000, "v1", "v2");
    expect(await version(scene, "v1")).toMatchObject({ outcome: "superseded" });
    expect(await version(scene, "v2")).toMatchObject({ outcome: "changed", generation: 2 });
    expect(await inForce(scene)).toBe("v2");
  });

  test("stay while one of several sets with the new version is alive", async ({ scene }) => {
    await version(scene, "v1");
    await version(scene, "v2");
    const firstAt = (await scene.world.now()) + HOUR_MS;
    await scene.table.code({ ...defined("v2"), firstAt }, { set: "v2 and more" });
    await scene.table.pass(80_000, "v1", "v2 and more");
    expect(await version(scene, "v1")).toMatchObject({ outcome: "superseded" });
  });

  test("stay as they are when nobody is alive", async ({ scene }) => {
    await version(scene, "v1");
    await version(scene, "v2");
    await scene.table.pass(80_000, "other");
    expect(await inForce(scene)).toBe("v2");
    expect(await version(scene, "v2")).toMatchObject({ outcome: "unchanged", generation: 2 });
  });
}

function carriedClaims(test: ContractTest): void {
  test("are carried into a store that does not know them", async ({ scene }) => {
    const carried = { outcome: "added", generation: 7 };
    expect(await version(scene, "v7", { generation: 7 })).toMatchObject(carried);
    const older = { outcome: "superseded", generation: 3 };
    expect(await version(scene, "v3", { generation: 3 })).toMatchObject(older);
    expect(await version(scene, "new")).toMatchObject({ outcome: "changed", generation: 8 });
  });

  test("are right in the end when the older version is back first", async ({ scene }) => {
    await version(scene, "v3", { generation: 3 });
    expect(await version(scene, "v7", { generation: 7 })).toMatchObject({ outcome: "changed" });
    expect(await version(scene, "v3", { generation: 3 })).toMatchObject({ outcome: "superseded" });
  });
}

function unattendedClaims(test: ContractTest): void {
  test("find a local schedule that nobody alive can fire due, and may pass it by", async ({
    scene,
  }) => {
    const firstAt = await scene.table.dueCode({ ...defined("v1"), local: true }, { set: "v1" });
    expect(await version(scene, "v2", { local: true })).toMatchObject({ outcome: "due" });
    await scene.table.pass(80_000, "v2");
    expect(await version(scene, "v2", { local: true })).toMatchObject({ outcome: "due" });
    expect((await scene.table.detail()).registeredUntil).toBeLessThan(await scene.world.now());
    const missed = { reason: "unattended", to: firstAt + 60_000, count: 60 } as const;
    await scene.table.fire({ decisions: [passing(firstAt, missed)], nextAt: firstAt + 600_000 });
    expect(await version(scene, "v2", { local: true })).toMatchObject({ outcome: "changed" });
    expect(await scene.table.ledger(firstAt)).toEqual([["unattended", 0, 60_000, 60]]);
  });

  test("wait for a schedule that any scheduler can fire", async ({ scene }) => {
    await scene.table.dueCode(defined("v1"), { set: "v1" });
    await scene.table.pass(80_000, "v2");
    expect(await version(scene, "v2")).toMatchObject({ outcome: "due" });
  });
}

const ORPHANED = { until: null, reason: "nobody registers it", orphaned: true };

function orphanClaims(test: ContractTest): void {
  test("end the pause of an orphan that is registered again, which is due then", async ({
    scene,
  }) => {
    const firstAt = await scene.table.dueCode(defined("v1"), { set: "v1" });
    await scene.store.pause({ scheduleId: "s", pause: ORPHANED, revision: null });
    expect(await scene.table.dueNow()).toBeNull();
    const answer = await version(scene, "v1");
    expect(answer).toMatchObject({ outcome: "unchanged", revision: 3, nextAt: firstAt });
    const due = await scene.table.dueNow();
    expect(due).toMatchObject({ revision: 3, paused: { orphaned: true } });
    expect(due?.paused?.until).toBeLessThanOrEqual(answer.now);
    expect(await scene.table.fire()).not.toBeNull();
    expect((await scene.table.detail()).paused).toBeNull();
  });

  test("end that pause by another definition, too", async ({ scene }) => {
    const { revision } = await version(scene, "v1");
    await scene.store.pause({ scheduleId: "s", pause: ORPHANED, revision: null });
    const answer = await version(scene, "v2");
    expect(answer.outcome).toBe("changed");
    expect(answer.revision).toBeGreaterThan(revision + 1);
    const { paused } = await scene.table.detail();
    expect(paused?.until ?? 0).toBeLessThanOrEqual(answer.now);
  });

  test("do not end a pause that a person made", async ({ scene }) => {
    await scene.table.dueCode(defined("v1"), { set: "v1" });
    await scene.table.pause();
    expect(await version(scene, "v1")).toMatchObject({ outcome: "unchanged", revision: 2 });
    expect(await scene.table.dueNow()).toBeNull();
  });
}
