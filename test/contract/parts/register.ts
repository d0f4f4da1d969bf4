/** register: definitions are written, and an occurrence that is due is never touched. */
import { describe, expect } from "vitest";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { firing } from "../timetable.js";
import { defined, HOUR_MS, only, schedule, TASK } from "../words.js";

export function registerClaims(test: ContractTest): void {
  describe("register", () => {
    addClaims(test);
    changeClaims(test);
    manyClaims(test);
    dueClaims(test);
    conflictClaims(test);
    kindClaims(test);
    knowledgeClaims(test);
  });
}

async function inHours(scene: Scene, hours: number): Promise<number> {
  return (await scene.world.now()) + hours * HOUR_MS;
}

function addClaims(test: ContractTest): void {
  for (const [kind, set, generation] of [
    ["of code", "a", 1],
    ["of run time", null, 0],
  ] as const) {
    test(`adds a schedule ${kind} that is new, with its first occurrence`, async ({ scene }) => {
      const before = await scene.world.now();
      const firstAt = await inHours(scene, 1);
      const answer = only(await scene.table.registerAll([schedule({ firstAt })], { set }));
      expect(answer).toEqual({
        ...{ scheduleId: "s", outcome: "added", generation, revision: 1 },
        ...{ nextAt: firstAt, contested: false, now: expect.any(Number) },
      });
      expect(answer.now).toBeGreaterThanOrEqual(before);
      expect(answer.now).toBeLessThanOrEqual(await scene.world.now());
      const state = { nextAt: firstAt, decidedAt: 0, firedCount: 0, paused: null };
      expect(await scene.table.detail()).toMatchObject({
        ...state,
        code: set !== null,
        ledger: [],
      });
    });
  }

  test("adds a schedule that has no occurrence", async ({ scene }) => {
    const added = await scene.table.code({ firstAt: null });
    expect(added).toMatchObject({ outcome: "added", nextAt: null });
    expect(await scene.table.dueNow()).toBeNull();
  });

  test("of a first occurrence that has passed writes nothing, and tells the time", async ({
    scene,
  }) => {
    const firstAt = (await scene.world.now()) - 1;
    for (const set of ["a", null]) {
      const answer = only(await scene.table.registerAll([schedule({ firstAt })], { set }));
      expect(answer.outcome).toBe("stale");
      expect(answer.now).toBeGreaterThan(firstAt);
      expect(await scene.store.schedule({ scheduleId: "s" })).toBeNull();
    }
  });
}

function changeClaims(test: ContractTest): void {
  test("of the same definition changes nothing, whatever the first occurrence", async ({
    scene,
  }) => {
    const firstAt = await inHours(scene, 1);
    for (const set of ["a", null]) {
      const scheduleId = `of ${set}`;
      const write = (at: number | null) =>
        scene.table.registerAll([schedule({ scheduleId, firstAt: at })], { set });
      await write(firstAt);
      for (const other of [firstAt, firstAt + 1_000, firstAt - 2 * HOUR_MS, null]) {
        const same = { outcome: "unchanged", revision: 1, nextAt: firstAt, contested: false };
        expect(only(await write(other))).toMatchObject(same);
      }
    }
  });

  test("of a changed definition replaces all of it, and raises the revision", async ({ scene }) => {
    await scene.table.code({ firstAt: await inHours(scene, 5) });
    const rules = { retry: null, priority: 3, timeoutMs: 1_000 };
    const definition = '{"v":2}';
    const write = schedule({ definition, payload: "[2]", rules, overlap: "skip", jitterMs: 9 });
    const firstAt = await inHours(scene, 2);
    const answer = await scene.table.code({ ...write, firstAt });
    expect(answer).toMatchObject({ outcome: "changed", revision: 2, nextAt: firstAt });
    const { digest } = write;
    const all = { definition, digest, payload: "[2]", rules, overlap: "skip" };
    expect(await scene.table.detail()).toMatchObject({ ...all, revision: 2, nextAt: firstAt });
  });

  test("compares definitions by their digests", async ({ scene }) => {
    const firstAt = await inHours(scene, 1);
    await scene.table.upsert({ firstAt, digest: "0123456789abcdef" });
    const same = { ...defined("other text"), digest: "0123456789abcdef" };
    expect((await scene.table.upsert({ firstAt, ...same })).outcome).toBe("unchanged");
    const other = { digest: "0123456789abcdee" };
    expect((await scene.table.upsert({ firstAt, ...other })).outcome).toBe("changed");
  });

  test("of a change to a schedule without occurrences ends it", async ({ scene }) => {
    await scene.table.upsert({ firstAt: await inHours(scene, 1) });
    const changed = await scene.table.upsert({ ...defined("2"), firstAt: null });
    expect(changed).toMatchObject({ outcome: "changed", nextAt: null });
  });

  test("of a change keeps the pause and what has fired", async ({ scene }) => {
    const firstAt = await scene.table.due();
    await scene.table.fireAt(firstAt);
    await scene.table.pause({ reason: "broken" });
    const later = await inHours(scene, 7);
    const changed = await scene.table.upsert({ ...defined("2"), firstAt: later });
    expect(changed).toMatchObject({ outcome: "changed", revision: 3, nextAt: later });
    const paused = { until: null, reason: "broken", orphaned: false };
    const kept = { paused, firedCount: 1, decidedAt: firstAt };
    expect(await scene.table.detail()).toMatchObject(kept);
    expect(await scene.table.ledger(firstAt)).toEqual([["due", 0]]);
  });
}

function manyClaims(test: ContractTest): void {
  test("takes many at once and answers in order", async ({ scene }) => {
    const firstAt = await inHours(scene, 1);
    await scene.table.code({ scheduleId: "b", firstAt });
    const schedules = ["a", "b", "c"].map((scheduleId) => schedule({ scheduleId, firstAt }));
    const answers = await scene.table.registerAll(schedules, { set: "a" });
    expect(answers.map(({ scheduleId, outcome }) => [scheduleId, outcome])).toEqual([
      ["a", "added"],
      ["b", "unchanged"],
      ["c", "added"],
    ]);
    expect(await scene.table.registerAll([])).toEqual([]);
    expect(await scene.table.registerAll([], { set: "a" })).toEqual([]);
  });

  test("by many at the same time adds a schedule once", async ({ scene }) => {
    const firstAt = await inHours(scene, 1);
    const stores = [scene.store, await scene.another(), await scene.another()];
    const answers = await Promise.all(
      stores.map((store) => scene.table.code({ firstAt }, { store })),
    );
    const outcomes = answers.map(({ outcome }) => outcome);
    expect(outcomes.sort()).toEqual(["added", "unchanged", "unchanged"]);
    expect(new Set(answers.map(({ revision }) => revision))).toEqual(new Set([1]));
  });
}

function dueClaims(test: ContractTest): void {
  test("of a change says that an occurrence is due, and leaves it alone", async ({ scene }) => {
    const firstAt = await scene.table.dueCode();
    const change = { ...defined("2"), firstAt: await inHours(scene, 1) };
    const answer = await scene.table.code(change);
    expect(answer).toMatchObject({ outcome: "due", revision: 1, nextAt: firstAt });
    expect(await scene.table.dueNow()).toMatchObject({ revision: 1, nextAt: firstAt });
    expect((await scene.table.detail()).definition).toBe(schedule().definition);
    expect(await scene.table.fireAt(firstAt)).toMatchObject([{ kind: "fired" }]);
    expect(await scene.table.code(change)).toMatchObject({ outcome: "changed" });
  });

  test("of a change at run time says so, too", async ({ scene }) => {
    const firstAt = await scene.table.due();
    const change = { ...defined("2"), firstAt: await inHours(scene, 1) };
    const due = { outcome: "due", revision: 1, nextAt: firstAt };
    expect(await scene.table.upsert(change)).toMatchObject(due);
    await scene.table.fire({ nextAt: null });
    expect(await scene.table.upsert(change)).toMatchObject({ outcome: "changed" });
  });

  test("of a change does not wait for what jitter still holds back", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + 1_000;
    await scene.table.upsert({ firstAt, jitterMs: HOUR_MS });
    await scene.world.advance(2_000);
    const change = { ...defined("2"), firstAt: firstAt + HOUR_MS };
    expect(await scene.table.upsert(change)).toMatchObject({ outcome: "changed" });
  });

  test("of a change waits until what a pause holds back is noted", async ({ scene }) => {
    const firstAt = await scene.table.due();
    await scene.table.pause();
    const change = { ...defined("2"), firstAt: firstAt + 5 * HOUR_MS };
    expect(await scene.table.upsert(change)).toMatchObject({ outcome: "due" });
    const row = { reason: "paused", from: firstAt, to: firstAt, count: 1 } as const;
    const passed = { kind: "pass", ...row } as const;
    await scene.table.fire({ decisions: [passed], nextAt: firstAt + HOUR_MS });
    expect(await scene.table.upsert(change)).toMatchObject({ outcome: "changed" });
    const after = await scene.store.schedule({ scheduleId: "s" });
    expect(after).toMatchObject({ paused: { until: null }, ledger: [row] });
  });

  test("of a change never sets the cursor to what is decided or has passed", async ({ scene }) => {
    const firstAt = await scene.table.due();
    await scene.table.fireAt(firstAt);
    for (const at of [firstAt - 1, firstAt, (await scene.world.now()) - 1]) {
      const answer = await scene.table.upsert({ ...defined("2"), firstAt: at });
      expect(answer).toMatchObject({ outcome: "stale", revision: 1 });
      expect(answer.now).toBeGreaterThanOrEqual(at);
    }
    await scene.world.jump(-HOUR_MS);
    const answer = await scene.table.upsert({ ...defined("2"), firstAt: firstAt - 1_000 });
    expect(answer).toMatchObject({ outcome: "stale", now: firstAt });
    expect(await scene.table.dueNow()).toBeNull();
  });

  test("begins a schedule that had come to its end again, when it changes", async ({ scene }) => {
    await scene.table.due();
    await scene.table.fire({ nextAt: null });
    const firstAt = await inHours(scene, 1);
    const same = { outcome: "unchanged", nextAt: null };
    expect(await scene.table.upsert({ firstAt })).toMatchObject(same);
    const change = { ...defined("2"), firstAt };
    expect(await scene.table.upsert(change)).toMatchObject({ outcome: "changed", nextAt: firstAt });
  });
}

function conflictClaims(test: ContractTest): void {
  test("of code for another task is a conflict while somebody alive has it", async ({ scene }) => {
    const firstAt = await inHours(scene, 10);
    await scene.table.code({ firstAt });
    const move = { taskId: "other", firstAt: firstAt + 1 };
    const answer = await scene.table.code(move, { set: "b" });
    const conflict = { outcome: "conflict", generation: 0 };
    expect(answer).toMatchObject(conflict);
    expect(await scene.table.detail()).toMatchObject({
      taskId: TASK,
      revision: 1,
      nextAt: firstAt,
    });
    await scene.table.pass(80_000, "b");
    expect(await scene.table.code(move, { set: "b" })).toMatchObject({ outcome: "changed" });
    expect(await scene.table.detail()).toMatchObject({ taskId: "other", nextAt: firstAt + 1 });
  });

  test("at run time may move a schedule to another task", async ({ scene }) => {
    const firstAt = await scene.table.due({ overlap: "bufferAll" });
    await scene.table.fireAt(firstAt, firstAt + 10, firstAt + 20);
    const change = { overlap: "bufferAll", firstAt: firstAt + 3 * HOUR_MS } as const;
    const moved = await scene.table.upsert({ taskId: "other", ...change });
    expect(moved).toMatchObject({ outcome: "changed", revision: 2 });
    const forgotten = { taskId: "other", open: [], buffered: [] };
    expect(await scene.table.detail()).toMatchObject(forgotten);
    expect((await scene.table.ledger(firstAt)).slice(1)).toEqual([["moved", 10, 20, 2]]);
    await scene.settle(await scene.claimOne(), { kind: "completed", result: null });
    expect(await scene.claim(10)).toEqual([]);
    expect(await scene.claim(10, { taskId: "other" })).toEqual([]);
  });
}

function kindClaims(test: ContractTest): void {
  test("of code does not take what was made at run time", async ({ scene }) => {
    const firstAt = await inHours(scene, 1);
    await scene.table.upsert({ firstAt });
    const conflict = { outcome: "conflict", generation: 0 };
    expect(await scene.table.code({ firstAt })).toMatchObject(conflict);
    expect(await scene.table.detail()).toMatchObject({ code: false, revision: 1 });
  });

  test("at run time takes what code has made, once nobody alive has it", async ({ scene }) => {
    const firstAt = await inHours(scene, 10);
    await scene.table.code({ firstAt });
    const change = { ...defined("2"), firstAt };
    expect(await scene.table.upsert(change)).toMatchObject({ outcome: "conflict", generation: 0 });
    await scene.table.pass(80_000, "other");
    expect(await scene.table.upsert(change)).toMatchObject({ outcome: "changed", generation: 0 });
    expect(await scene.table.detail()).toMatchObject({ code: false, registeredUntil: null });
    expect(await scene.table.code({ firstAt })).toMatchObject({ outcome: "conflict" });
  });
}

function knowledgeClaims(test: ContractTest): void {
  test("adds a schedule with what is known to be decided, even if it is due", async ({ scene }) => {
    const now = await scene.world.now();
    const known = { firstAt: now - 1_000, decidedAt: now - 5_000 };
    const added = { outcome: "added", nextAt: now - 1_000 };
    expect(await scene.table.code(known)).toMatchObject(added);
    expect(await scene.table.dueNow()).toMatchObject({ decidedAt: now - 5_000 });
    const early = firing(now - 5_000);
    const answer = await scene.table.fire({ decisions: [early, firing(now - 1_000)] });
    expect(answer?.outcomes).toMatchObject([{ kind: "passed" }, { kind: "fired" }]);
  });

  test("moves the cursor past what is known to be decided, and never back", async ({ scene }) => {
    const firstAt = await inHours(scene, 1);
    await scene.table.code({ firstAt });
    const next = firstAt + HOUR_MS;
    const known = { decidedAt: firstAt, firstAt: next };
    expect(await scene.table.code(known)).toMatchObject({ outcome: "unchanged", nextAt: next });
    const older = { decidedAt: firstAt - 1, firstAt };
    expect(await scene.table.code(older)).toMatchObject({ outcome: "unchanged", nextAt: next });
    expect(await scene.table.detail()).toMatchObject({ decidedAt: firstAt, revision: 1 });
  });
}
