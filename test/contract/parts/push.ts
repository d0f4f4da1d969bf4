/** push: what is stored, what is answered, and when a job may be claimed first. */
import { describe, expect } from "vitest";
import type { NewJob } from "../../../src/store/contract.js";
import type { ContractTest } from "../suite.js";
import { HOUR_MS, newJob, only, rules, TASK } from "../words.js";

const ASSIGNED_ID = /^\d+-\d{16}$/;

export function pushClaims(test: ContractTest): void {
  describe("push", () => {
    answerClaims(test);
    delayClaims(test);
    sizeClaims(test);
  });
}

function answerClaims(test: ContractTest): void {
  test("a pushed job is ready under an id that the store assigned", async ({ scene }) => {
    const answer = await scene.pushOne({ payload: "1" });
    expect(answer).toEqual({
      id: expect.stringMatching(ASSIGNED_ID),
      created: true,
      state: "ready",
      dueAt: null,
    });
    expect(await scene.stateOf(answer.id)).toBe("ready");
  });

  test("an assigned id is the shard and the job's number", async ({ scene }) => {
    const { id } = await scene.pushOne();
    expect(id.split("-")[1]).toBe((await scene.view(id)).number);
  });

  test("jobs of one call are answered in their order, whatever their tasks", async ({ scene }) => {
    const taskIds = ["b", "a", "b", "c", "a"];
    const answers = await scene.push(taskIds.map((taskId) => newJob({ taskId })));
    const found = await Promise.all(
      answers.map(({ id }, index) => scene.store.get({ taskId: taskIds[index] ?? "", id })),
    );
    expect(found.map((view) => view?.taskId)).toEqual(taskIds);
  });

  test("jobs of one call keep their order within each task, whatever is between", async ({
    scene,
  }) => {
    const jobs: NewJob[] = [];
    const wanted: Record<string, string[]> = { a: [], b: [], c: [] };
    for (let n = 0; n < 60; n += 1) {
      const taskId = "abc"[((n * n) % 7) % 3]!;
      const special = [{}, {}, { id: `id ${n}` }, {}][n % 4];
      jobs.push(newJob({ taskId, payload: String(n), ...special }));
      wanted[taskId]?.push(String(n));
    }
    const answers = await scene.push(jobs);
    expect(answers.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id ?? expect.any(String)));
    for (const [k, { id }] of answers.entries()) {
      const { taskId, payload } = jobs[k]!;
      expect(await scene.store.get({ taskId, id })).toMatchObject({ taskId, payload });
    }
    for (const [taskId, payloads] of Object.entries(wanted)) {
      const claimed = await scene.claim(60, { taskId });
      expect(claimed.map(({ payload }) => payload)).toEqual(payloads);
    }
  });

  test("numbers rise in push order, over calls and schedulers", async ({ scene }) => {
    const second = await scene.another();
    const ids: string[] = [];
    for (const store of [scene.store, second, scene.store, second]) {
      ids.push(...(await scene.push([newJob(), newJob()], store)).map(({ id }) => id));
    }
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(8);
  });

  test("numbers rise though the clock was set back", async ({ scene }) => {
    const before = await scene.pushOne();
    await scene.world.jump(-HOUR_MS);
    const after = await scene.pushOne();
    expect(after.id > before.id).toBe(true);
  });

  test("no jobs, no answers", async ({ scene }) => {
    expect(await scene.push([])).toEqual([]);
  });

  test("pushes at the same time are each stored once", async ({ scene }) => {
    const stores = [scene.store, await scene.another(), await scene.another()];
    const calls = Array.from({ length: 30 }, (_, n) => scene.push([newJob()], stores[n % 3]));
    const ids = (await Promise.all(calls)).flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(30);
    expect((await scene.store.counts({ taskId: TASK })).ready).toBe(30);
  });
}

function delayClaims(test: ContractTest): void {
  test("a delayed job is scheduled for now plus its delay by the store's clock", async ({
    scene,
  }) => {
    const before = await scene.world.now();
    const answer = await scene.pushOne({ due: { in: 5_000 } });
    const after = await scene.world.now();
    expect(answer).toMatchObject({ created: true, state: "scheduled" });
    expect(answer.dueAt).toBeGreaterThanOrEqual(before + 5_000);
    expect(answer.dueAt).toBeLessThanOrEqual(after + 5_001);
    expect((await scene.view(answer.id)).dueAt).toBe(answer.dueAt);
  });

  test("a due time is told in whole ms, and a wait of less than one is rounded up", async ({
    scene,
  }) => {
    const before = await scene.world.now();
    const { dueAt } = await scene.pushOne({ due: { in: 5_000.25 } });
    expect(Number.isInteger(dueAt)).toBe(true);
    expect(dueAt).toBeGreaterThan(before + 5_000);
  });

  test("a job for an instant is scheduled for exactly that instant", async ({ scene }) => {
    const at = (await scene.world.now()) + HOUR_MS;
    expect(await scene.pushOne({ due: { at } })).toMatchObject({ state: "scheduled", dueAt: at });
  });

  test("an instant that has passed, and a delay of nothing, mean now", async ({ scene }) => {
    const at = (await scene.world.now()) - HOUR_MS;
    const answers = await scene.push([newJob({ due: { at } }), newJob({ due: { in: 0 } })]);
    for (const answer of answers) expect(answer).toMatchObject({ state: "ready", dueAt: null });
    expect(await scene.claim(5)).toHaveLength(2);
  });

  test("a delayed job is not claimed before it is due, and is claimed then", async ({ scene }) => {
    const { id } = await scene.pushOne({ due: { in: HOUR_MS } });
    await scene.world.advance(HOUR_MS - 30_000);
    expect(await scene.claim(5)).toEqual([]);
    await scene.world.advance(30_001);
    expect(only(await scene.claim(5)).id).toBe(id);
  });

  test("a delayed job waits longer when the clock is set back", async ({ scene }) => {
    await scene.pushOne({ due: { in: 10_000 } });
    await scene.world.jump(-HOUR_MS);
    await scene.world.advance(HOUR_MS - 30_000);
    expect(await scene.claim(5)).toEqual([]);
    await scene.world.advance(40_000);
    expect(await scene.claim(5)).toHaveLength(1);
  });

  test("a job can be delayed by a year", async ({ scene }) => {
    const at = (await scene.world.now()) + 365 * 24 * HOUR_MS;
    expect(await scene.pushOne({ due: { at } })).toMatchObject({ state: "scheduled", dueAt: at });
  });
}

function sizeClaims(test: ContractTest): void {
  test("a thousand jobs of one call are stored, in order", async ({ scene }) => {
    const jobs = Array.from({ length: 1_000 }, (_, n) => newJob({ payload: String(n) }));
    const answers = await scene.push(jobs);
    expect(answers).toHaveLength(1_000);
    const claimed = await scene.claim(1_000);
    expect(claimed.map(({ payload }) => Number(payload))).toEqual(jobs.map((_, n) => n));
  });

  test("more jobs than a step takes are stored all the same, in order", async ({ scene }) => {
    const jobs = Array.from({ length: 2_500 }, (_, n) => newJob({ payload: String(n) }));
    const answers = await scene.push(jobs);
    expect(answers.every(({ created }) => created)).toBe(true);
    const seen: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      seen.push(...(await scene.claim(1_000)).map(({ payload }) => Number(payload)));
    }
    expect(seen).toEqual(jobs.map((_, n) => n));
  });

  test("more payload than a step takes is stored all the same", async ({ scene }) => {
    const payload = JSON.stringify("x".repeat(1_000_000));
    const answers = await scene.push(Array.from({ length: 9 }, () => newJob({ payload })));
    expect(answers.every(({ created }) => created)).toBe(true);
    expect((await scene.store.counts({ taskId: TASK })).ready).toBe(9);
  });

  test("a job keeps the rules that it was pushed with", async ({ scene }) => {
    const given = rules({
      retry: { attempts: 7, waitMs: 1_234, backoff: "exponential" },
      priority: -3,
      timeoutMs: 30_000,
    });
    const held = await scene.running({ rules: given });
    expect(held.rules).toEqual(given);
    expect((await scene.view(held.id)).rules).toEqual(given);
  });
}
