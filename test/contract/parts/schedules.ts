/** schedule, schedules and remove: what is there, and what goes. */
import { describe, expect } from "vitest";
import type { SchedulePage } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { COMPLETED, HOUR_MS, LEASE_MS, rules, SLACK_MS, schedule, TASK } from "../words.js";

export function scheduleClaims(test: ContractTest): void {
  describe("schedule and schedules", () => {
    oneClaims(test);
    pageClaims(test);
  });
  describe("remove", () => {
    removeClaims(test);
    liveClaims(test);
  });
}

function oneClaims(test: ContractTest): void {
  test("tell all about a schedule", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    const given = rules({ priority: 2, timeoutMs: 7 });
    const write = schedule({ overlap: "skip", payload: "[3]", rules: given, jitterMs: 4, firstAt });
    await scene.table.code(write);
    const { registeredUntil, now, ...detail } = await scene.table.detail();
    const { definition, digest } = write;
    expect(detail).toEqual({
      ...{ scheduleId: "s", taskId: TASK, revision: 1, definition, digest, generation: 1 },
      ...{ payload: "[3]", rules: given, overlap: "skip", code: true, paused: null },
      ...{ nextAt: firstAt, decidedAt: 0, firedCount: 0, open: [], buffered: [], ledger: [] },
    });
    expect(now).toBeGreaterThanOrEqual(firstAt - HOUR_MS);
    expect(registeredUntil).toBeGreaterThanOrEqual(firstAt - HOUR_MS + LEASE_MS);
    expect(registeredUntil).toBeLessThanOrEqual(firstAt - HOUR_MS + LEASE_MS + SLACK_MS);
  });

  test("name the open jobs by their public ids, and what waits by its instants", async ({
    scene,
  }) => {
    await scene.table.upsert({ overlap: "bufferAll" });
    await scene.table.trigger({ instants: [1, 2, 3] });
    const about = { open: ["s@1"], buffered: [2, 3] };
    expect(await scene.table.detail()).toMatchObject(about);
    expect((await pageOf(scene)).schedules).toMatchObject([about]);
  });

  test("know nothing of a schedule that is not there", async ({ scene }) => {
    expect(await scene.store.schedule({ scheduleId: "unknown" })).toBeNull();
    expect(await pageOf(scene)).toMatchObject({ schedules: [], cursor: null });
  });
}

async function pageOf(
  scene: Scene,
  change: { taskId?: string | null; cursor?: string | null; limit?: number } = {},
): Promise<SchedulePage> {
  return await scene.store.schedules({ taskId: null, cursor: null, limit: 100, ...change });
}

/** Page by page; each page is at most as long as was asked. */
async function allOf(scene: Scene, limit: number, taskId: string | null = null): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: SchedulePage = await pageOf(scene, { taskId, cursor, limit });
    expect(page.schedules.length).toBeLessThanOrEqual(limit);
    ids.push(...page.schedules.map(({ scheduleId }) => scheduleId));
    cursor = page.cursor;
  } while (cursor !== null);
  return ids;
}

function pageClaims(test: ContractTest): void {
  test("come page by page, in the order of their ids, each once", async ({ scene }) => {
    const ids = Array.from({ length: 25 }, (_, n) => `s-${String((n * 7) % 25).padStart(2, "0")}`);
    await scene.table.registerAll(ids.map((scheduleId) => schedule({ scheduleId })));
    const sorted = [...ids].sort();
    for (const limit of [1, 7, 25, 100]) expect(await allOf(scene, limit)).toEqual(sorted);
  });

  test("come for one task, if that is asked", async ({ scene }) => {
    const write = (scheduleId: string, taskId: string) => schedule({ scheduleId, taskId });
    const mixed = ["a", "b", "c", "d", "e"].map((id, n) => write(id, n % 2 ? "odd" : "even"));
    await scene.table.registerAll(mixed);
    for (const limit of [1, 2, 10]) {
      expect(await allOf(scene, limit, "even")).toEqual(["a", "c", "e"]);
      expect(await allOf(scene, limit, "odd")).toEqual(["b", "d"]);
      expect(await allOf(scene, limit, "none")).toEqual([]);
    }
  });

  test("come in order although schedules go and come meanwhile", async ({ scene }) => {
    await scene.table.registerAll(
      ["a", "c", "e", "g"].map((scheduleId) => schedule({ scheduleId })),
    );
    const first = await pageOf(scene, { limit: 2 });
    await scene.store.remove({ scheduleId: "c", revision: null });
    await scene.table.upsert({ scheduleId: "b" });
    await scene.table.upsert({ scheduleId: "f" });
    const rest = await pageOf(scene, { cursor: first.cursor, limit: 10 });
    expect(rest.schedules.map(({ scheduleId }) => scheduleId)).toEqual(["e", "f", "g"]);
  });

  test("show the same in a page as alone, but for the ledger", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "skip" });
    await scene.table.fireAt(at);
    const { ledger: _, now: __, ...alone } = await scene.table.detail();
    const page = await pageOf(scene);
    expect(page.schedules).toEqual([alone]);
    expect(page.now).toBeGreaterThan(at);
  });
}

function removeClaims(test: ContractTest): void {
  test("forgets a schedule with all that belongs to it", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "bufferAll" });
    await scene.table.fireAt(at, at + 1);
    expect(await scene.store.remove({ scheduleId: "s", revision: null })).toBe("removed");
    expect(await scene.store.schedule({ scheduleId: "s" })).toBeNull();
    expect((await pageOf(scene)).schedules).toEqual([]);
    expect(await scene.table.dueNow()).toBeNull();
    expect(await scene.table.fire({ seenAt: at, revision: 1 })).toBeNull();
    const firstAt = (await scene.world.now()) + HOUR_MS;
    expect(await scene.table.upsert({ firstAt })).toMatchObject({ outcome: "added", revision: 1 });
    const fresh = { decidedAt: 0, firedCount: 0, ledger: [], open: [], buffered: [] };
    expect(await scene.table.detail()).toMatchObject(fresh);
  });

  test("lets its jobs go on, and what replaced it not notice them", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "skip" });
    await scene.table.fireAt(at);
    await scene.store.remove({ scheduleId: "s", revision: null });
    const again = await scene.table.due({ overlap: "skip" });
    expect(await scene.table.fireAt(again)).toMatchObject([{ kind: "fired" }]);
    const [old, fresh] = await scene.claim(10);
    if (old === undefined || fresh === undefined) throw new Error("two jobs were fired");
    expect(await scene.settle(old, COMPLETED)).toMatchObject({ state: "completed" });
    expect((await scene.table.detail()).open).toEqual([fresh.id]);
  });

  test("is refused for another revision, and for what is not there", async ({ scene }) => {
    await scene.table.upsert();
    expect(await scene.store.remove({ scheduleId: "s", revision: 2 })).toBe("changed");
    expect(await scene.store.remove({ scheduleId: "x", revision: null })).toBe("unknown");
    expect(await scene.store.remove({ scheduleId: "x", revision: 1 })).toBe("unknown");
    expect(await scene.table.detail()).toMatchObject({ revision: 1 });
    expect(await scene.store.remove({ scheduleId: "s", revision: 1 })).toBe("removed");
    expect(await scene.store.remove({ scheduleId: "s", revision: 1 })).toBe("unknown");
  });
}

function liveClaims(test: ContractTest): void {
  test("is refused while somebody alive registers it", async ({ scene }) => {
    await scene.table.code();
    const args = { scheduleId: "s", revision: null };
    expect(await scene.store.remove(args)).toBe("live");
    await scene.table.pass(80_000, "other");
    expect(await scene.store.remove(args)).toBe("removed");
  });

  test("asks for those who register the definition that is in force", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    await scene.table.code({ definition: "1", firstAt }, { set: "old" });
    await scene.table.code({ definition: "2", firstAt }, { set: "new" });
    await scene.table.pass(80_000, "old");
    expect(await scene.store.remove({ scheduleId: "s", revision: null })).toBe("removed");
  });
}
