/** fire: occurrences that are due are decided, once; compare and set. */
import { describe, expect } from "vitest";
import type { Fire } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { firing, passing, row } from "../timetable.js";
import { COMPLETED, defined, HOUR_MS, KEEP, names, rules, SCHEDULE, TASK } from "../words.js";

export function fireClaims(test: ContractTest): void {
  describe("fire", () => {
    jobClaims(test);
    cursorClaims(test);
    onceClaims(test);
    markClaims(test);
    refusalClaims(test);
    pauseClaims(test);
  });
}

function jobClaims(test: ContractTest): void {
  test("makes the job of the occurrence and moves the cursor, in one step", async ({ scene }) => {
    const given = rules({ retry: { attempts: 3, waitMs: 5, backoff: "fixed" }, timeoutMs: 9 });
    const firstAt = await scene.table.due({ payload: "[1]", rules: given });
    const [outcome] = await scene.table.fireAt(firstAt);
    const job = { id: expect.any(String), created: true, state: "ready", dueAt: null };
    expect(outcome).toEqual({ kind: "fired", job });
    const state = { nextAt: firstAt + HOUR_MS, decidedAt: firstAt, firedCount: 1, revision: 1 };
    expect(await scene.table.detail()).toMatchObject({ ...state, open: [], buffered: [] });
    const held = await scene.claimOne();
    const about = { scheduleId: SCHEDULE, scheduledFor: firstAt };
    const occurrence = { ...about, isCatchup: false, missedCount: 0, isTracked: false };
    expect(held).toMatchObject({ ownId: false, payload: "[1]", rules: given, occurrence });
    if (outcome?.kind === "fired") expect(held.id).toBe(outcome.job.id);
  });

  test("carries the priority of the schedule", async ({ scene }) => {
    const firstAt = await scene.table.due({ payload: '"later"', rules: rules({ priority: 5 }) });
    await scene.table.fireAt(firstAt);
    await scene.pushNamed(["first"]);
    expect(names(await scene.claim(2))).toEqual(["first", "later"]);
  });

  test("decides several occurrences in their order: jobs, and what is given up", async ({
    scene,
  }) => {
    const at = await scene.table.due();
    const decisions = [
      passing(at, { to: at + 200, count: 3 }),
      firing(at + 300, { isCatchup: true, missedCount: 3 }),
      firing(at + 400),
    ];
    const answer = await scene.table.fire({ decisions });
    expect(answer?.outcomes.map(({ kind }) => kind)).toEqual(["passed", "fired", "fired"]);
    const occurrences = (await scene.claim(10)).map(({ occurrence }) => occurrence);
    expect(occurrences).toMatchObject([
      { scheduledFor: at + 300, isCatchup: true, missedCount: 3 },
      { scheduledFor: at + 400, isCatchup: false, missedCount: 0 },
    ]);
    expect(await scene.table.detail()).toMatchObject({ decidedAt: at + 400, firedCount: 2 });
  });

  test("of several schedules fires those that it can", async ({ scene }) => {
    for (const scheduleId of ["a", "b", "c"]) await scene.table.due({ scheduleId });
    const fires: Fire[] = [];
    for (const scheduleId of ["a", "b", "c"]) {
      const { nextAt, revision } = await scene.table.detail(scheduleId);
      const seen = {
        scheduleId,
        seenAt: nextAt,
        revision: revision + (scheduleId === "b" ? 1 : 0),
      };
      fires.push({ ...seen, nextAt: null, decisions: [firing(nextAt ?? 0)] });
    }
    const answers = await scene.store.fire({ taskId: TASK, fires, keep: KEEP });
    expect(answers.map((answer) => answer?.outcomes.length ?? null)).toEqual([1, null, 1]);
    const fired = (await scene.claim(10)).map(({ occurrence }) => occurrence?.scheduleId);
    expect(fired).toEqual(["a", "c"]);
    expect((await scene.table.dueNow("b"))?.scheduleId).toBe("b");
    expect(await scene.store.fire({ taskId: TASK, fires: [], keep: KEEP })).toEqual([]);
  });
}

function cursorClaims(test: ContractTest): void {
  test("without decisions moves the cursor", async ({ scene }) => {
    const firstAt = await scene.table.due();
    expect(await scene.table.fire({ decisions: [] })).toEqual({ outcomes: [] });
    const moved = { nextAt: firstAt + HOUR_MS, decidedAt: firstAt, firedCount: 0, ledger: [] };
    expect(await scene.table.detail()).toMatchObject(moved);
    expect(await scene.claim(10)).toEqual([]);
  });

  test("ends a schedule that has no next occurrence", async ({ scene }) => {
    await scene.table.due();
    await scene.table.fire({ nextAt: null });
    await scene.world.advance(1_000 * HOUR_MS);
    expect(await scene.table.dueNow()).toBeNull();
  });

  test("leaves the rest due, as it says where to go on", async ({ scene }) => {
    const firstAt = await scene.table.due();
    await scene.world.advance(3 * HOUR_MS);
    const fired: number[] = [];
    for (let due = await scene.table.dueNow(); due !== null; due = await scene.table.dueNow()) {
      fired.push((due.nextAt ?? 0) - firstAt);
      expect(await scene.table.fire({ seenAt: due.nextAt })).not.toBeNull();
    }
    expect(fired).toEqual([0, 1, 2, 3].map((n) => n * HOUR_MS));
  });

  test("finds a cursor again that was lost or at its end", async ({ scene }) => {
    const firstAt = await scene.table.due();
    await scene.table.fire({ nextAt: null });
    const nextAt = firstAt + HOUR_MS;
    const found = await scene.table.fire({ seenAt: null, nextAt, decisions: [] });
    expect(found).toEqual({ outcomes: [] });
    expect(await scene.table.detail()).toMatchObject({ nextAt, decidedAt: firstAt });
    expect(await scene.table.fire({ seenAt: null, nextAt: null, decisions: [] })).toBeNull();
    await scene.world.advance(HOUR_MS);
    expect(await scene.table.dueNow()).toMatchObject({ nextAt });
  });
}

function onceClaims(test: ContractTest): void {
  test("fires an occurrence once, however many fire it at the same time", async ({ scene }) => {
    const seenAt = await scene.table.due();
    const stores = [scene.store, await scene.another(), await scene.another()];
    const fire = { revision: 1, seenAt, nextAt: null, decisions: [firing(seenAt)] };
    const answers = await Promise.all(stores.map((store) => scene.table.fire({ ...fire, store })));
    expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
    expect((await scene.store.counts({ taskId: TASK })).total.pushed).toBe(1);
  });

  test("fires an occurrence once, however often the same scheduler tries", async ({ scene }) => {
    const seenAt = await scene.table.due();
    expect(await scene.table.fire({ seenAt })).not.toBeNull();
    expect(await scene.table.fire({ seenAt })).toBeNull();
    await scene.settle(await scene.claimOne(), COMPLETED);
    expect(await scene.table.fire({ seenAt })).toBeNull();
    expect(await scene.claim(10)).toEqual([]);
  });

  test("fires once in a storm of registrations and looks by several", async ({ scene }) => {
    const at = await scene.table.due();
    const stores = [scene.store, await scene.another(), await scene.another()];
    let fired = 0;
    for (let step = 0; step < 10; step += 1) {
      const calls = stores.map(async (store, n) => {
        const change = { ...defined(`${(step + n) % 3}`), firstAt: at + 10 * HOUR_MS };
        await scene.table.upsert(change, store);
        const due = (await scene.table.look({ store })).schedules[0];
        if (due === undefined) return null;
        const { revision, nextAt: seenAt } = due;
        expect(seenAt).toBe(at);
        return await scene.table.fire({ revision, seenAt, nextAt: at + 10 * HOUR_MS, store });
      });
      fired += (await Promise.all(calls)).filter((answer) => answer !== null).length;
    }
    expect(fired).toBe(1);
    expect((await scene.store.counts({ taskId: TASK })).total.pushed).toBe(1);
  });
}

function markClaims(test: ContractTest): void {
  test("makes no second job for an instant that is decided", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.world.advance(10_000);
    await scene.table.fire({ nextAt: at + 2_000, decisions: row(at, 3) });
    const answer = await scene.table.fire({ decisions: row(at + 1_000, 3) });
    const kinds = answer?.outcomes.map(({ kind }) => kind);
    expect(kinds).toEqual(["passed", "passed", "fired"]);
    const state = { firedCount: 4, decidedAt: at + 3_000, ledger: { length: 4 } };
    expect(await scene.table.detail()).toMatchObject(state);
    expect((await scene.store.counts({ taskId: TASK })).total.pushed).toBe(4);
  });

  test("remembers what is decided over a changed definition", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.world.advance(10_000);
    await scene.table.fire({ decisions: row(at, 3) });
    await scene.table.upsert({ ...defined("2"), firstAt: at + 2 * HOUR_MS });
    expect(await scene.table.detail()).toMatchObject({ decidedAt: at + 2_000, revision: 2 });
  });
}

/** What a fire may not say, as the difference to the right one, from the instant that is due. */
const MISTAKES: Record<string, (at: number) => Partial<Fire> & { taskId?: string }> = {
  "an earlier cursor": (at) => ({ seenAt: at - 1 }),
  "a later cursor": (at) => ({ seenAt: at + 1 }),
  "no cursor though there is one": () => ({ seenAt: null }),
  "a later revision": () => ({ revision: 2 }),
  "an earlier revision": () => ({ revision: 0 }),
  "another task": () => ({ taskId: "other" }),
  "a schedule that is not known": (at) => ({ scheduleId: "unknown", seenAt: at, revision: 1 }),
};

async function expectRefused(scene: Scene, fire: Partial<Fire> & { taskId?: string } = {}) {
  const before = await scene.table.detail();
  expect(await scene.table.fire(fire)).toBeNull();
  const { now: _, ...after } = await scene.table.detail();
  expect(before).toMatchObject(after);
  expect(await scene.claim(10)).toEqual([]);
}

function refusalClaims(test: ContractTest): void {
  for (const [mistake, change] of Object.entries(MISTAKES)) {
    test(`is refused for ${mistake}, and nothing is written`, async ({ scene }) => {
      const at = await scene.table.due();
      scene.knows("other");
      await expectRefused(scene, change(at));
      expect(await scene.table.fire()).not.toBeNull();
    });
  }

  test("is refused by a definition that has been replaced", async ({ scene }) => {
    const at = (await scene.world.now()) + HOUR_MS;
    await scene.table.upsert({ firstAt: at });
    await scene.table.upsert({ ...defined("2"), firstAt: at });
    await scene.world.advance(HOUR_MS + 1);
    await expectRefused(scene, { revision: 1 });
    expect(await scene.table.fire({ revision: 2 })).not.toBeNull();
  });

  test("is refused before the occurrence is due", async ({ scene }) => {
    await scene.table.upsert({ firstAt: (await scene.world.now()) + HOUR_MS });
    await expectRefused(scene);
    await scene.world.advance(HOUR_MS + 1);
    expect(await scene.table.fire()).not.toBeNull();
  });

  test("is refused as long as jitter holds the occurrence back", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + 1_000;
    await scene.table.upsert({ firstAt, jitterMs: HOUR_MS });
    await scene.world.advance(2_000);
    expect((await scene.table.look()).schedules).toEqual([]);
    await expectRefused(scene);
    await scene.world.advance(HOUR_MS);
    expect(await scene.table.dueNow()).toMatchObject({ nextAt: firstAt });
    await scene.table.fireAt(firstAt);
    expect((await scene.claimOne()).occurrence?.scheduledFor).toBe(firstAt);
  });
}

function pauseClaims(test: ContractTest): void {
  test("is refused while the schedule is paused", async ({ scene }) => {
    const until = (await scene.table.due()) + HOUR_MS;
    for (const change of [{ until: null }, { until }]) {
      await scene.table.pause(change);
      await expectRefused(scene);
    }
  });

  test("after the end of a pause decides, and clears the pause", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.table.pause({ until: at + HOUR_MS });
    await scene.world.advance(HOUR_MS);
    const { paused, revision } = (await scene.table.dueNow()) ?? {};
    expect({ paused, revision }).toMatchObject({ paused: { until: at + HOUR_MS }, revision: 2 });
    const decisions = [passing(at, { reason: "paused" }), firing(at + HOUR_MS)];
    const answer = await scene.table.fire({ nextAt: at + 2 * HOUR_MS, decisions });
    expect(answer?.outcomes.map(({ kind }) => kind)).toEqual(["passed", "fired"]);
    expect(await scene.table.detail()).toMatchObject({ paused: null, revision: 2 });
  });
}
