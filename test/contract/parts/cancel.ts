/** cancel: a waiting job ends at once, a running one when its attempt does. */
import { describe, expect } from "vitest";
import type { SettleOutcome } from "../../../src/store/contract.js";
import type { ContractTest } from "../suite.js";
import {
  AGAIN,
  COMPLETED,
  HAND_BACK,
  HOUR_MS,
  KEEP_COMPLETED,
  retryIn,
  rules,
  stubborn,
  TASK,
} from "../words.js";

export function cancelClaims(test: ContractTest): void {
  describe("cancel", () => {
    waitingClaims(test);
    runningClaims(test);
    endedClaims(test);
  });
}

function waitingClaims(test: ContractTest): void {
  test("ends a ready job at once, and it is never run", async ({ scene }) => {
    const { id } = await scene.pushOne({ payload: "5" });
    const before = await scene.world.now();
    expect(await scene.cancel(id)).toEqual({ state: "cancelled", changed: true });
    expect(await scene.claim(10)).toEqual([]);
    const view = await scene.view(id);
    expect(view).toMatchObject({ state: "cancelled", payload: "5", reason: null, dueAt: null });
    expect(view.endedAt).toBeGreaterThanOrEqual(before);
  });

  test("ends a scheduled job at once, and it is never run", async ({ scene }) => {
    const { id } = await scene.pushOne({ due: { in: 1_000 } });
    expect(await scene.cancel(id)).toEqual({ state: "cancelled", changed: true });
    await scene.world.advance(HOUR_MS);
    expect(await scene.claim(10)).toEqual([]);
    expect(await scene.view(id)).toMatchObject({ state: "cancelled", dueAt: null });
  });

  test("ends a job that waits for its retry", async ({ scene }) => {
    const held = await scene.running();
    await scene.settle(held, retryIn(1_000));
    expect(await scene.cancel(held.id)).toEqual({ state: "cancelled", changed: true });
    await scene.world.advance(HOUR_MS);
    expect(await scene.claim(10)).toEqual([]);
  });

  test("ends a job that is ready again, handed back or crashed", async ({ scene }) => {
    const held = await scene.running({ id: "back" });
    await scene.settle(held, HAND_BACK);
    expect(await scene.cancel("back")).toEqual({ state: "cancelled", changed: true });
    await scene.push([stubborn({ id: "crashed" })]);
    await scene.crash();
    expect(await scene.cancel("crashed")).toEqual({ state: "cancelled", changed: true });
    expect(await scene.claim(10, { idle: true })).toEqual([]);
  });

  test("ends a job among others without disturbing their order", async ({ scene }) => {
    const ids = await scene.pushNamed(["1", "2", "3", "4"]);
    await scene.cancel(ids[1]!);
    await scene.cancel(ids[3]!);
    const work = await scene.work({ limit: 10 });
    const jobs = work.batches.flatMap((batch) => batch.jobs);
    expect(jobs.map(({ payload }) => payload)).toEqual(['"1"', '"3"']);
    expect(work.more).toEqual([]);
  });

  test("ends a job with a priority", async ({ scene }) => {
    const { id } = await scene.pushOne({ rules: rules({ priority: -7 }) });
    expect(await scene.cancel(id)).toEqual({ state: "cancelled", changed: true });
    expect(await scene.claim(10)).toEqual([]);
  });

  test("and a claim at the same time: one of them gets the job", async ({ scene }) => {
    const store = await scene.another();
    for (let round = 0; round < 10; round += 1) {
      const { id } = await scene.pushOne();
      const [answer, held] = await Promise.all([scene.cancel(id), scene.claim(1, { store })]);
      expect(answer).toEqual({
        state: held.length === 1 ? "cancelling" : "cancelled",
        changed: true,
      });
    }
  });
}

const OUTCOMES: Record<string, SettleOutcome> = {
  completed: COMPLETED,
  "a retry": retryIn(HOUR_MS),
  dead: { kind: "dead", reason: "failed", error: "x" },
  "handed back": HAND_BACK,
};

function runningClaims(test: ContractTest): void {
  test("marks a running job, which runs on", async ({ scene }) => {
    const held = await scene.running();
    expect((await scene.view(held.id)).cancelling).toBe(false);
    expect(await scene.cancel(held.id)).toEqual({ state: "cancelling", changed: true });
    expect(await scene.view(held.id)).toMatchObject({ state: "running", cancelling: true });
    expect(await scene.cancel(held.id)).toEqual({ state: "cancelling", changed: false });
  });

  for (const [name, outcome] of Object.entries(OUTCOMES)) {
    test(`a marked job is cancelled when its attempt ends as ${name}`, async ({ scene }) => {
      const held = await scene.running({ rules: rules({ retry: AGAIN }) });
      await scene.cancel(held.id);
      const answer = await scene.settle(held, outcome);
      expect(answer).toEqual({ state: "cancelled", dueAt: null });
      expect(await scene.view(held.id)).toMatchObject({ state: "cancelled", cancelling: false });
      await scene.world.advance(2 * HOUR_MS);
      expect(await scene.claim(10)).toEqual([]);
    });
  }

  test("a marked job is cancelled when its lease is reaped", async ({ scene }) => {
    const held = await scene.running({ rules: rules({ retry: AGAIN }) });
    await scene.cancel(held.id);
    await scene.expire();
    expect(await scene.reap()).toMatchObject([{ id: held.id, state: "cancelled", reason: null }]);
    expect(await scene.stateOf(held.id)).toBe("cancelled");
    expect((await scene.store.counts({ taskId: TASK })).total).toMatchObject({ cancelled: 1 });
  });

  test("a marked job's neighbours in the lease are not touched", async ({ scene }) => {
    await scene.push([stubborn(), stubborn()]);
    const [first, second] = await scene.claim(2);
    await scene.cancel(first!.id);
    const answers = await scene.settleAll([
      [first!, COMPLETED],
      [second!, COMPLETED],
    ]);
    expect(answers).toMatchObject([{ state: "cancelled" }, { state: "completed" }]);
  });

  test("a mark does not outlive its job's end", async ({ scene }) => {
    const held = await scene.running();
    await scene.cancel(held.id);
    await scene.settle(held, COMPLETED);
    await scene.store.redrive({ taskId: TASK, id: held.id });
    const again = await scene.claimOne();
    expect(await scene.view(again.id)).toMatchObject({ state: "running", cancelling: false });
    expect(await scene.settle(again, COMPLETED)).toMatchObject({ state: "completed" });
  });
}

function endedClaims(test: ContractTest): void {
  test("of a job that is not known is answered with null", async ({ scene }) => {
    expect(await scene.cancel("nobody")).toBeNull();
    expect(await scene.cancel("0-0000000000000001")).toBeNull();
  });

  test("of an ended job changes nothing and says how it had ended", async ({ scene }) => {
    const dead = await scene.dead();
    expect(await scene.cancel(dead.id)).toEqual({ state: "dead", changed: false });
    expect(await scene.view(dead.id)).toMatchObject({ state: "dead", error: "no luck" });
    const done = await scene.running();
    await scene.settle(done, COMPLETED, { keep: KEEP_COMPLETED });
    expect(await scene.cancel(done.id)).toEqual({ state: "completed", changed: false });
    const { id } = await scene.pushOne();
    await scene.cancel(id);
    expect(await scene.cancel(id)).toEqual({ state: "cancelled", changed: false });
  });

  test("of a job that is gone but whose id is remembered says how it had ended", async ({
    scene,
  }) => {
    await scene.settle(await scene.running({ id: "a" }), COMPLETED);
    expect(await scene.cancel("a")).toEqual({ state: "completed", changed: false });
  });

  test("reaches the job of its own task only", async ({ scene }) => {
    await scene.pushOne({ id: "a", taskId: "other" });
    expect(await scene.cancel("a")).toBeNull();
    expect(await scene.stateOf("a", "other")).toBe("ready");
  });

  test("by many at the same time changes something once", async ({ scene }) => {
    const { id } = await scene.pushOne();
    const stores = [scene.store, await scene.another(), await scene.another()];
    const answers = await Promise.all(stores.map((store) => scene.cancel(id, store)));
    expect(answers.filter((answer) => answer?.changed)).toHaveLength(1);
    expect((await scene.store.counts({ taskId: TASK })).total.cancelled).toBe(1);
  });
}
