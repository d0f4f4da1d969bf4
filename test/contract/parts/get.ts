/** get: one job, as it is now. */
import { describe, expect } from "vitest";
import { NO_COUNTS } from "../../../src/core/job.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  HOUR_MS,
  KEEP_COMPLETED,
  PLAIN_RULES,
  retryIn,
  stubborn,
  TASK,
} from "../words.js";

/** What a view says of a job about which there is nothing special to say. */
const PLAIN_VIEW = {
  taskId: TASK,
  payload: "",
  rules: PLAIN_RULES,
  occurrence: null,
  counts: NO_COUNTS,
  dueAt: null,
  leaseEndsAt: null,
  fence: null,
  cancelling: false,
  progress: null,
  endedAt: null,
  reason: null,
  error: null,
  result: null,
};

export function getClaims(test: ContractTest): void {
  describe("get", () => {
    stateClaims(test);
    unknownClaims(test);
  });
}

function stateClaims(test: ContractTest): void {
  test("shows a ready job whole", async ({ scene }) => {
    const before = await scene.world.now();
    const { id } = await scene.pushOne({ id: "a", payload: "[1]" });
    const after = await scene.world.now();
    const view = await scene.view(id);
    expect(view).toEqual({
      ...PLAIN_VIEW,
      id: "a",
      number: expect.stringMatching(/^\d{16}$/),
      state: "ready",
      payload: "[1]",
      pushedAt: expect.any(Number),
    });
    expect(Number.isInteger(view.pushedAt)).toBe(true);
    expect(view.pushedAt).toBeGreaterThanOrEqual(before - 1);
    expect(view.pushedAt).toBeLessThanOrEqual(after);
  });

  test("shows a scheduled job with its due time, and only that", async ({ scene }) => {
    const { id, dueAt } = await scene.pushOne({ due: { in: HOUR_MS } });
    expect(await scene.view(id)).toMatchObject({ ...PLAIN_VIEW, state: "scheduled", dueAt });
  });

  test("shows a running job with its fence and the end of its lease", async ({ scene }) => {
    const { id, fence } = await scene.running();
    expect(await scene.view(id)).toMatchObject({
      ...PLAIN_VIEW,
      state: "running",
      fence,
      leaseEndsAt: expect.any(Number),
    });
  });

  test("shows a job that waits for its retry with its counts", async ({ scene }) => {
    const held = await scene.running();
    const answer = await scene.settle(held, retryIn(HOUR_MS));
    expect(await scene.view(held.id)).toMatchObject({
      state: "scheduled",
      dueAt: answer === "lost" ? null : answer.dueAt,
      counts: { ...NO_COUNTS, failures: 1 },
      fence: null,
      leaseEndsAt: null,
    });
  });

  test("shows ended jobs with what they were", async ({ scene }) => {
    const { id } = await scene.dead({ id: "a", payload: "1" });
    const { pushedAt, endedAt } = await scene.view(id);
    expect(endedAt).toBeGreaterThanOrEqual(pushedAt);
    const done = await scene.running({ id: "b", payload: "2" });
    await scene.settle(done, COMPLETED, { keep: KEEP_COMPLETED });
    expect(await scene.view("b")).toMatchObject({ state: "completed", payload: "2", result: null });
  });

  test("counts failures and crashes of a job that has ended", async ({ scene }) => {
    await scene.push([stubborn({ id: "a" })]);
    await scene.crash();
    await scene.settle(await scene.claimOne(), retryIn(0));
    await scene.world.advance(1_000);
    const held = await scene.claimOne();
    await scene.settle(held, COMPLETED, { keep: KEEP_COMPLETED });
    expect((await scene.view("a")).counts).toMatchObject({ failures: 1, crashes: 1 });
  });

  test("keeps the time of the push through retries", async ({ scene }) => {
    const held = await scene.running();
    const { pushedAt } = await scene.view(held.id);
    await scene.world.advance(HOUR_MS / 120);
    await scene.settle(held, retryIn(0));
    await scene.world.advance(1_000);
    await scene.claimOne();
    expect((await scene.view(held.id)).pushedAt).toBe(pushedAt);
  });
}

function unknownClaims(test: ContractTest): void {
  test("knows no job that was never pushed", async ({ scene }) => {
    for (const id of ["a", "0-0000000000000001", "9-0000000000000001", "", "0-"]) {
      expect(await scene.store.get({ taskId: TASK, id })).toBeNull();
    }
  });

  test("knows no job of another task", async ({ scene }) => {
    const assigned = await scene.pushOne();
    await scene.pushOne({ id: "a" });
    scene.knows("other");
    for (const id of [assigned.id, "a"]) {
      expect(await scene.store.get({ taskId: "other", id })).toBeNull();
    }
  });

  test("knows no job that has ended and is not kept, though its id is remembered", async ({
    scene,
  }) => {
    await scene.settle(await scene.running({ id: "a" }), COMPLETED);
    expect(await scene.store.get({ taskId: TASK, id: "a" })).toBeNull();
  });
}
