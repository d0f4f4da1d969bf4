/** work, the settling half: how attempts end, and whose word counts. */
import { describe, expect } from "vitest";
import { NO_COUNTS } from "../../../src/core/job.js";
import type { ContractTest } from "../suite.js";
import {
  AGAIN,
  COMPLETED,
  HAND_BACK,
  HOUR_MS,
  KEEP_COMPLETED,
  names,
  only,
  retryIn,
  rules,
  settleOf,
  stubborn,
  TASK,
} from "../words.js";

export function settleClaims(test: ContractTest): void {
  describe("settle", () => {
    outcomeClaims(test);
    countClaims(test);
    oneStepClaims(test);
  });
}

function outcomeClaims(test: ContractTest): void {
  test("a completed job is over and, by default, gone", async ({ scene }) => {
    const held = await scene.running();
    expect(await scene.settle(held, COMPLETED)).toEqual({ state: "completed", dueAt: null });
    expect(await scene.store.get({ taskId: TASK, id: held.id })).toBeNull();
  });

  test("a completed job that is kept shows its result and its end", async ({ scene }) => {
    const held = await scene.running({ payload: "[1]" });
    const before = await scene.world.now();
    const outcome = { kind: "completed", result: '{"sum":1.0}' } as const;
    await scene.settle(held, outcome, { keep: KEEP_COMPLETED });
    const view = await scene.view(held.id);
    expect(view).toMatchObject({
      state: "completed",
      result: '{"sum":1.0}',
      payload: "[1]",
      reason: null,
      error: null,
      leaseEndsAt: null,
      fence: null,
    });
    expect(view.endedAt).toBeGreaterThanOrEqual(before);
    expect(view.endedAt).toBeLessThanOrEqual(await scene.world.now());
  });

  test("a retry is scheduled for the end of the attempt plus the wait", async ({ scene }) => {
    const held = await scene.running();
    await scene.world.advance(5_000);
    const before = await scene.world.now();
    const answer = await scene.settle(held, retryIn(HOUR_MS));
    const after = await scene.world.now();
    const { state, dueAt, endedAt, fence } = await scene.view(held.id);
    expect(answer).toEqual({ state: "scheduled", dueAt });
    expect({ state, endedAt, fence }).toEqual({ state: "scheduled", endedAt: null, fence: null });
    expect(dueAt).toBeGreaterThanOrEqual(before + HOUR_MS);
    expect(dueAt).toBeLessThanOrEqual(after + HOUR_MS + 1);
  });

  test("a retried job is the same job, handed out again when it is due", async ({ scene }) => {
    const held = await scene.running({ payload: '"x"' });
    await scene.settle(held, retryIn(HOUR_MS));
    await scene.world.advance(HOUR_MS - 30_000);
    expect(await scene.claim(1)).toEqual([]);
    await scene.world.advance(30_001);
    const again = await scene.claimOne();
    expect(again).toMatchObject({ id: held.id, number: held.number, payload: '"x"' });
    expect(BigInt(again.fence)).toBeGreaterThan(BigInt(held.fence));
  });

  test("a job that waits for its retry shows why, until it has ended well", async ({ scene }) => {
    const held = await scene.running();
    const outcome = {
      kind: "retry",
      waitMs: HOUR_MS,
      error: "no | luck",
      cause: "failed",
    } as const;
    await scene.settle(held, outcome);
    expect(await scene.view(held.id)).toMatchObject({ state: "scheduled", error: "no | luck" });
    await scene.world.advance(HOUR_MS + 1_000);
    const again = await scene.claimOne();
    expect(await scene.view(held.id)).toMatchObject({ state: "running", error: "no | luck" });
    await scene.settle(again, { kind: "handBack" });
    expect(await scene.view(held.id)).toMatchObject({ state: "ready", error: "no | luck" });
  });

  test("a retry is due at a whole ms, never before its wait is over", async ({ scene }) => {
    const held = await scene.running();
    const before = await scene.world.now();
    const answer = await scene.settle(held, retryIn(1_000.25));
    const dueAt = answer === "lost" ? null : answer.dueAt;
    expect(Number.isInteger(dueAt)).toBe(true);
    expect(dueAt).toBeGreaterThan(before + 1_000);
  });

  test("a dead job is kept with its reason and its error", async ({ scene }) => {
    for (const reason of ["failed", "rejected", "invalid", "interrupted"] as const) {
      const held = await scene.running({ payload: "7" });
      const outcome = { kind: "dead", reason, error: `because: ${reason}` } as const;
      expect(await scene.settle(held, outcome)).toEqual({ state: "dead", dueAt: null });
      expect(await scene.view(held.id)).toMatchObject({
        state: "dead",
        reason,
        error: `because: ${reason}`,
        payload: "7",
        endedAt: expect.any(Number),
      });
    }
    expect(await scene.claim(10)).toEqual([]);
  });

  test("a job handed back is ready at once", async ({ scene }) => {
    const held = await scene.running();
    expect(await scene.settle(held, HAND_BACK)).toEqual({ state: "ready", dueAt: null });
    expect(await scene.claimOne()).toMatchObject({ number: held.number });
  });
}

function countClaims(test: ContractTest): void {
  test("a failure is counted as one, a hand-back as none", async ({ scene }) => {
    await scene.settle(await scene.running(), retryIn(0));
    await scene.world.advance(1_000);
    const second = await scene.claimOne();
    expect(second.counts).toEqual({ ...NO_COUNTS, failures: 1 });
    await scene.settle(second, HAND_BACK);
    const third = await scene.claimOne();
    expect(third.counts).toEqual({ ...NO_COUNTS, failures: 1, handOffs: 1 });
    expect((await scene.view(third.id)).counts).toEqual(third.counts);
  });

  test("data refused in a row are counted, until the attempt fails otherwise", async ({
    scene,
  }) => {
    await scene.pushOne();
    const seen: number[] = [];
    for (const cause of ["invalid", "invalid", "failed", "invalid"] as const) {
      await scene.settle(await scene.claimOne(), retryIn(0, cause));
      await scene.world.advance(1_000);
      seen.push(only((await scene.store.list(READY)).jobs).counts.invalidInRow);
    }
    expect(seen).toEqual([1, 2, 0, 1]);
    expect((await scene.claimOne()).counts.failures).toBe(4);
  });

  test("an attempt that ends the job is a failure, unless it was interrupted", async ({
    scene,
  }) => {
    const seen: Record<string, unknown> = {};
    for (const reason of ["failed", "rejected", "invalid", "interrupted"] as const) {
      const held = await scene.running();
      await scene.settle(held, { kind: "dead", reason, error: null });
      const { failures, invalidInRow } = (await scene.view(held.id)).counts;
      seen[reason] = [failures, invalidInRow];
    }
    expect(seen).toEqual({
      failed: [1, 0],
      rejected: [1, 0],
      invalid: [1, 1],
      interrupted: [0, 0],
    });
    expect((await scene.store.counts({ taskId: TASK })).total.failures).toBe(3);
  });

  test("a failure ends a row of crashes", async ({ scene }) => {
    await scene.push([stubborn()]);
    await scene.crash();
    await scene.crash();
    const held = await scene.claimOne();
    expect(held.counts).toMatchObject({ crashes: 2, crashesInRow: 2 });
    await scene.settle(held, retryIn(0));
    await scene.world.advance(1_000);
    expect((await scene.claimOne()).counts).toEqual({
      ...NO_COUNTS,
      failures: 1,
      crashes: 2,
      crashesInRow: 0,
    });
  });

  test("a hand-back leaves a row of crashes as it is", async ({ scene }) => {
    await scene.push([stubborn()]);
    await scene.crash();
    await scene.settle(await scene.claimOne(), HAND_BACK);
    expect((await scene.claimOne()).counts).toEqual({
      ...NO_COUNTS,
      crashes: 1,
      crashesInRow: 1,
      handOffs: 1,
    });
  });
}

const READY = { taskId: TASK, state: "ready", cursor: null, limit: 10 } as const;

function oneStepClaims(test: ContractTest): void {
  test("one step ends what is finished and claims what is next", async ({ scene }) => {
    await scene.pushNamed(["1", "2", "3"]);
    const first = await scene.claim(2);
    const answer = await scene.work(
      { limit: 2 },
      first.map((job) => settleOf(job, COMPLETED)),
    );
    expect(answer.settled).toEqual([
      { state: "completed", dueAt: null },
      { state: "completed", dueAt: null },
    ]);
    expect(names(only(answer.batches).jobs)).toEqual(["3"]);
  });

  test("settles of several leases and tasks are answered in their order", async ({ scene }) => {
    const x = await scene.running({ taskId: "x", rules: rules({ retry: AGAIN }) });
    const y = await scene.running({ taskId: "y" });
    const z = await scene.running({ taskId: "x" });
    const answers = await scene.settleAll([
      [z, COMPLETED],
      [{ ...y, number: "0000000000000001" }, COMPLETED],
      [y, { kind: "dead", reason: "rejected", error: null }],
      [x, HAND_BACK],
    ]);
    expect(answers).toEqual([
      { state: "completed", dueAt: null },
      "lost",
      { state: "dead", dueAt: null },
      { state: "ready", dueAt: null },
    ]);
  });

  test("a lease with jobs left goes on after some have ended", async ({ scene }) => {
    await scene.pushNamed(["1", "2", "3"]);
    const [first, second, third] = await scene.claim(3);
    await scene.settle(first!, COMPLETED);
    await scene.settle(third!, retryIn(HOUR_MS));
    expect((await scene.view(second!.id)).state).toBe("running");
    expect((await scene.renew([second!])).lost).toEqual([]);
    expect(await scene.settle(second!, COMPLETED)).toMatchObject({ state: "completed" });
  });

  test("another scheduler may settle, if it knows the fence", async ({ scene }) => {
    const held = await scene.running();
    const store = await scene.another();
    expect(await scene.settle(held, COMPLETED, { store })).toMatchObject({ state: "completed" });
  });
}
