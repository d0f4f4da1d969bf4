/** ids: a caller's id names one job of its task, and is remembered after the job's end. */
import { describe, expect } from "vitest";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  DAY_MS,
  HAND_BACK,
  HOUR_MS,
  KEEP,
  newJob,
  only,
  retryIn,
  rules,
  TASK,
} from "../words.js";

export function idClaims(test: ContractTest): void {
  describe("a caller's id", () => {
    oneJobClaims(test);
    stateClaims(test);
    forgettingClaims(test);
    reusedClaims(test);
  });
}

function oneJobClaims(test: ContractTest): void {
  test("is the job's public id, and only then `ownId`", async ({ scene }) => {
    expect(await scene.pushOne({ id: "order-1" })).toMatchObject({ id: "order-1", created: true });
    expect(await scene.claimOne()).toMatchObject({ id: "order-1", ownId: true });
    await scene.pushOne();
    expect(await scene.claimOne()).toMatchObject({ ownId: false });
  });

  test("pushed again leaves the job unchanged and says so", async ({ scene }) => {
    await scene.pushOne({ id: "a", payload: "1" });
    const again = await scene.pushOne({
      id: "a",
      payload: "2",
      rules: rules({ priority: 5 }),
      due: { in: HOUR_MS },
    });
    expect(again).toEqual({ id: "a", created: false, state: "ready", dueAt: null });
    expect(await scene.view("a")).toMatchObject({ payload: "1", rules: { priority: 0 } });
    expect(await scene.claim(10)).toHaveLength(1);
  });

  test("twice in one call makes one job, the first", async ({ scene }) => {
    const jobs = ["1", "2"].map((payload) => newJob({ id: "a", payload }));
    const answers = await scene.push([...jobs, newJob({ payload: "3" })]);
    expect(answers.map(({ created }) => created)).toEqual([true, false, true]);
    expect((await scene.claim(10)).map(({ payload }) => payload)).toEqual(["1", "3"]);
  });

  test("names different jobs in different tasks", async ({ scene }) => {
    const answers = await scene.push(["x", "y"].map((taskId) => newJob({ taskId, id: "a" })));
    expect(answers.map(({ created }) => created)).toEqual([true, true]);
  });

  test("pushed by many at the same time makes one job", async ({ scene }) => {
    const stores = [scene.store, await scene.another(), await scene.another()];
    const calls = Array.from({ length: 12 }, (_, n) =>
      scene.push([newJob({ id: "a", payload: String(n) })], stores[n % 3]),
    );
    const answers = (await Promise.all(calls)).flat();
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    expect(await scene.claim(20)).toHaveLength(1);
  });
}

function stateClaims(test: ContractTest): void {
  const again = { id: "a", payload: "2" };

  test("of a scheduled job is answered with its state and due time", async ({ scene }) => {
    const first = await scene.pushOne({ id: "a", due: { in: HOUR_MS } });
    expect(await scene.pushOne(again)).toEqual({ ...first, created: false });
  });

  test("of a running job is answered with its state", async ({ scene }) => {
    await scene.running({ id: "a" });
    expect(await scene.pushOne(again)).toMatchObject({ created: false, state: "running" });
  });

  test("of a job that waits for its retry is answered as scheduled", async ({ scene }) => {
    const held = await scene.running({ id: "a" });
    const settled = await scene.settle(held, retryIn(HOUR_MS));
    const answer = await scene.pushOne(again);
    expect(answer).toMatchObject({ created: false, state: "scheduled" });
    expect(settled).toEqual({ state: "scheduled", dueAt: answer.dueAt });
  });

  test("of a job handed back is answered as ready", async ({ scene }) => {
    await scene.settle(await scene.running({ id: "a" }), HAND_BACK);
    expect(await scene.pushOne(again)).toMatchObject({ created: false, state: "ready" });
  });

  test("is answered truly after the job has completed and gone", async ({ scene }) => {
    await scene.settle(await scene.running({ id: "a" }), COMPLETED);
    const answer = await scene.pushOne(again);
    expect(answer).toEqual({ id: "a", created: false, state: "completed", dueAt: null });
    expect(await scene.claim(10)).toEqual([]);
  });

  test("is answered truly after the job has died", async ({ scene }) => {
    await scene.dead({ id: "a" });
    expect(await scene.pushOne(again)).toMatchObject({ created: false, state: "dead" });
  });

  test("is answered truly after the job was interrupted", async ({ scene }) => {
    await scene.running({ id: "a" });
    await scene.expire();
    await scene.reap();
    expect(await scene.pushOne(again)).toMatchObject({ created: false, state: "dead" });
  });

  test("is answered truly after a cancel", async ({ scene }) => {
    await scene.pushOne({ id: "a" });
    await scene.cancel("a");
    expect(await scene.pushOne(again)).toMatchObject({ created: false, state: "cancelled" });
    expect(await scene.claim(10)).toEqual([]);
  });
}

function forgettingClaims(test: ContractTest): void {
  const prune = { taskIds: [TASK], keep: KEEP };

  test("is remembered as long as the job lives, however long that is", async ({ scene }) => {
    await scene.pushOne({ id: "a", due: { in: 100 * DAY_MS } });
    await scene.world.advance(99 * DAY_MS);
    while (await scene.store.prune(prune));
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false });
  });

  test("is remembered for `idMs` after the job's end, then free again", async ({ scene }) => {
    await scene.settle(await scene.running({ id: "a", payload: "1" }), COMPLETED);
    await scene.world.advance(KEEP.idMs - HOUR_MS);
    while (await scene.store.prune(prune));
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false });
    await scene.world.advance(HOUR_MS + 1_000);
    while (await scene.store.prune(prune));
    expect(await scene.pushOne({ id: "a", payload: "2" })).toMatchObject({ created: true });
    expect(only(await scene.claim(10)).payload).toBe("2");
  });

  test("of a kept job is remembered as long as the job is kept", async ({ scene }) => {
    await scene.dead({ id: "a" });
    await scene.world.advance(KEEP.dead.ageMs - HOUR_MS);
    while (await scene.store.prune(prune));
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false, state: "dead" });
    await scene.world.advance(HOUR_MS + 1_000);
    while (await scene.store.prune(prune));
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: true });
  });

  test("beyond `idCount` ended ones drops the oldest, and that is counted", async ({ scene }) => {
    const keep = { ...KEEP, idCount: 2 };
    for (const id of ["a", "b", "c", "d"]) {
      await scene.settle(await scene.running({ id }), COMPLETED, { keep });
      await scene.world.advance(1_000);
    }
    while (await scene.store.prune({ taskIds: [TASK], keep }));
    expect((await scene.store.counts({ taskId: TASK })).total.dropped).toBe(2);
    const answers = await scene.push(["c", "d", "a", "b"].map((id) => newJob({ id })));
    expect(answers.map(({ created }) => created)).toEqual([false, false, true, true]);
  });

  test("of a living job is never dropped for `idCount`", async ({ scene }) => {
    const keep = { ...KEEP, idCount: 1 };
    await scene.push(["a", "b", "c"].map((id) => newJob({ id })));
    await scene.settle(await scene.claimOne(), COMPLETED, { keep });
    while (await scene.store.prune({ taskIds: [TASK], keep }));
    const answers = await scene.push(["a", "b", "c"].map((id) => newJob({ id })));
    expect(answers.map(({ created }) => created)).toEqual([false, false, false]);
  });
}

/** An id that is used again: what is still to be cleared of the first job is not the second's. */
function reusedClaims(test: ContractTest): void {
  const prune = { taskIds: [TASK], keep: KEEP };

  test("is free as soon as its time is over, before any prune", async ({ scene }) => {
    await scene.settle(await scene.running({ id: "a" }), COMPLETED);
    await scene.world.advance(KEEP.idMs - HOUR_MS);
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false, state: "completed" });
    await scene.world.advance(HOUR_MS + 1_000);
    expect(await scene.store.cancel({ taskId: TASK, id: "a", keep: KEEP })).toBeNull();
    expect(await scene.store.redrive({ taskId: TASK, id: "a" })).toBeNull();
    expect(await scene.pushOne({ id: "a", payload: "2" })).toMatchObject({ created: true });
    expect(only(await scene.claim(10)).payload).toBe("2");
  });

  test("is not freed by a prune that comes after its second push", async ({ scene }) => {
    await scene.settle(await scene.running({ id: "a" }), COMPLETED);
    await scene.world.advance(KEEP.idMs + 1_000);
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: true });
    while (await scene.store.prune({ ...prune, keep: { ...KEEP, idCount: 0 } }));
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false, state: "ready" });
    expect((await scene.store.counts({ taskId: TASK })).total.dropped).toBe(0);
  });

  test("is the second job's whatever becomes of the first one's record", async ({ scene }) => {
    const keep = { ...KEEP, idCount: 1 };
    const dead = { kind: "dead", reason: "failed", error: null } as const;
    const first = await scene.running({ id: "a" });
    await scene.settle(first, dead, { keep });
    await scene.world.advance(1_000);
    await scene.settle(await scene.running({ id: "b" }), dead, { keep });
    expect(await scene.pushOne({ id: "a", payload: "2" })).toMatchObject({ created: true });
    await scene.store.cancel({ taskId: TASK, id: scene.numbered(first.number), keep: KEEP });
    const empty = { ...keep, dead: { ageMs: 0, count: 0 } };
    while (await scene.store.prune({ taskIds: [TASK], keep: empty }));
    expect(await scene.stateOf(scene.numbered(first.number))).toBeNull();
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false, state: "ready" });
    expect(only(await scene.claim(10)).payload).toBe("2");
  });
}
