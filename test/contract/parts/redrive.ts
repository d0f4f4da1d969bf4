/** redrive: a dead or cancelled job is issued again under its public id. */
import { describe, expect } from "vitest";
import { NO_COUNTS } from "../../../src/core/job.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  HOUR_MS,
  KEEP,
  KEEP_COMPLETED,
  KEEP_NOTHING,
  names,
  retryIn,
  stubborn,
  TASK,
} from "../words.js";

export function redriveClaims(test: ContractTest): void {
  describe("redrive", () => {
    againClaims(test);
    assignedIdClaims(test);
    reusedIdClaims(test);
    refusedClaims(test);
  });
}

function againClaims(test: ContractTest): void {
  test("makes a dead job ready, with a new number and no past", async ({ scene }) => {
    await scene.push([stubborn({ id: "a", payload: "[7]" })]);
    await scene.crash();
    await scene.settle(await scene.claimOne(), { kind: "dead", reason: "failed", error: "x" });
    const old = await scene.view("a");
    expect(old.counts.crashes).toBe(1);
    const answer = await scene.store.redrive({ taskId: TASK, id: "a" });
    expect(answer).toEqual({ id: "a", redriven: true, state: "ready" });
    const view = await scene.view("a");
    expect(view).toMatchObject({
      id: "a",
      state: "ready",
      payload: "[7]",
      counts: NO_COUNTS,
      endedAt: null,
      reason: null,
      error: null,
    });
    expect(view.number > old.number).toBe(true);
    expect(await scene.claimOne()).toMatchObject({ id: "a", number: view.number });
  });

  test("makes a cancelled job ready", async ({ scene }) => {
    const { id } = await scene.pushOne({ id: "a" });
    await scene.cancel(id);
    const answer = await scene.store.redrive({ taskId: TASK, id });
    expect(answer).toEqual({ id, redriven: true, state: "ready" });
    expect(await scene.claimOne()).toMatchObject({ id });
  });

  test("joins at the end of the line", async ({ scene }) => {
    const dead = await scene.dead({ payload: '"dead"' });
    await scene.pushNamed(["waiting"]);
    await scene.store.redrive({ taskId: TASK, id: dead.id });
    expect(names(await scene.claim(10))).toEqual(["waiting", "dead"]);
  });

  test("takes the job off the dead ones", async ({ scene }) => {
    const dead = await scene.dead();
    await scene.store.redrive({ taskId: TASK, id: dead.id });
    expect(await scene.store.counts({ taskId: TASK })).toMatchObject({ ready: 1, dead: 0 });
    const page = { taskId: TASK, state: "dead", cursor: null, limit: 10 } as const;
    expect((await scene.store.list(page)).jobs).toEqual([]);
  });

  test("a redriven job can die, be cancelled and be redriven again", async ({ scene }) => {
    await scene.dead({ id: "a" });
    for (let n = 0; n < 3; n += 1) {
      await scene.store.redrive({ taskId: TASK, id: "a" });
      await scene.settle(await scene.claimOne(), retryIn(HOUR_MS));
      expect(await scene.cancel("a")).toEqual({ state: "cancelled", changed: true });
    }
    await scene.store.redrive({ taskId: TASK, id: "a" });
    await scene.settle(await scene.claimOne(), COMPLETED);
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false, state: "completed" });
  });

  test("a push with the id of a redriven job finds it", async ({ scene }) => {
    await scene.dead({ id: "a" });
    await scene.store.redrive({ taskId: TASK, id: "a" });
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false, state: "ready" });
  });
}

function assignedIdClaims(test: ContractTest): void {
  test("keeps an assigned id though the number is new", async ({ scene }) => {
    const dead = await scene.dead();
    await scene.store.redrive({ taskId: TASK, id: dead.id });
    const view = await scene.view(dead.id);
    expect(view).toMatchObject({ id: dead.id, state: "ready" });
    expect(view.number).not.toBe(dead.number);
    expect(await scene.claimOne()).toMatchObject({ id: dead.id, number: view.number });
  });

  test("leaves no second way to the job: its new number is not an id", async ({ scene }) => {
    const dead = await scene.dead();
    await scene.store.redrive({ taskId: TASK, id: dead.id });
    const { number } = await scene.view(dead.id);
    const page = { taskId: TASK, state: "ready", cursor: null, limit: 10 } as const;
    const { jobs } = await scene.store.list(page);
    expect(jobs.map((job) => [job.id, job.number])).toEqual([[dead.id, number]]);
  });

  test("with an assigned id works again and again, and with cancels", async ({ scene }) => {
    const { id } = await scene.dead();
    for (let n = 0; n < 3; n += 1) {
      await scene.store.redrive({ taskId: TASK, id });
      const held = await scene.claimOne();
      expect(await scene.cancel(id)).toEqual({ state: "cancelling", changed: true });
      expect(await scene.settle(held, COMPLETED)).toMatchObject({ state: "cancelled" });
      expect(await scene.stateOf(id)).toBe("cancelled");
    }
    await scene.store.redrive({ taskId: TASK, id });
    await scene.settle(await scene.claimOne(), { kind: "dead", reason: "rejected", error: null });
    expect(await scene.view(id)).toMatchObject({ id, state: "dead", reason: "rejected" });
  });
}

const DEAD = { kind: "dead", reason: "failed", error: null } as const;

/** A dead job whose own id was dropped for `idCount`; its public id by its number. */
async function deadWithoutId(scene: Scene, id: string): Promise<string> {
  const keep = { ...KEEP, idCount: 1 };
  const held = await scene.running({ id, payload: '"old"' });
  await scene.settle(held, DEAD, { keep });
  await scene.world.advance(1_000);
  await scene.settle(await scene.running({ id: "another" }), DEAD, { keep });
  while (await scene.store.prune({ taskIds: [TASK], keep }));
  return scene.numbered(held.number);
}

function reusedIdClaims(test: ContractTest): void {
  test("of a job whose id another job has by now is refused", async ({ scene }) => {
    const id = await deadWithoutId(scene, "a");
    expect(await scene.pushOne({ id: "a", payload: '"new"' })).toMatchObject({ created: true });
    const living = await scene.view("a");
    expect(await scene.store.redrive({ taskId: TASK, id })).toEqual({
      id,
      redriven: false,
      state: "dead",
    });
    expect(await scene.view("a")).toEqual(living);
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false, state: "ready" });
    expect(await scene.view(id)).toMatchObject({ state: "dead", payload: '"old"' });
    expect(names(await scene.claim(10))).toEqual(["new"]);
  });

  test("is refused, too, while the end of that other job is remembered", async ({ scene }) => {
    const id = await deadWithoutId(scene, "a");
    await scene.settle(await scene.running({ id: "a" }), COMPLETED);
    const answer = await scene.store.redrive({ taskId: TASK, id });
    expect(answer).toMatchObject({ redriven: false, state: "dead" });
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false, state: "completed" });
  });

  test("of a job whose id was dropped, and is nobody's, gives it its id again", async ({
    scene,
  }) => {
    const id = await deadWithoutId(scene, "a");
    expect(await scene.store.get({ taskId: TASK, id: "a" })).toBeNull();
    expect(await scene.store.redrive({ taskId: TASK, id })).toEqual({
      id: "a",
      redriven: true,
      state: "ready",
    });
    expect(await scene.view("a")).toMatchObject({ state: "ready", payload: '"old"' });
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false, state: "ready" });
  });

  test("by the number of a job that still has its id is the same job", async ({ scene }) => {
    const { number } = await scene.dead({ id: "a" });
    const answer = await scene.store.redrive({ taskId: TASK, id: scene.numbered(number) });
    expect(answer).toEqual({ id: "a", redriven: true, state: "ready" });
    await scene.settle(await scene.claimOne(), COMPLETED);
    expect(await scene.pushOne({ id: "a" })).toMatchObject({ created: false, state: "completed" });
  });
}

function refusedClaims(test: ContractTest): void {
  test("of a job that is not known is answered with null", async ({ scene }) => {
    expect(await scene.store.redrive({ taskId: TASK, id: "nobody" })).toBeNull();
    expect(await scene.store.redrive({ taskId: TASK, id: "0-0000000000000001" })).toBeNull();
  });

  test("of a job that waits or runs is refused and changes nothing", async ({ scene }) => {
    const redrive = (id: string) => scene.store.redrive({ taskId: TASK, id });
    const { id } = await scene.pushOne();
    expect(await redrive(id)).toEqual({ id, redriven: false, state: "ready" });
    await scene.claimOne();
    expect(await redrive(id)).toEqual({ id, redriven: false, state: "running" });
    const late = await scene.pushOne({ due: { in: HOUR_MS } });
    expect(await redrive(late.id)).toMatchObject({ redriven: false, state: "scheduled" });
    expect(await scene.store.counts({ taskId: TASK })).toMatchObject({
      scheduled: 1,
      ready: 0,
      running: 1,
    });
  });

  test("of a completed job is refused, kept or not", async ({ scene }) => {
    const redrive = (id: string) => scene.store.redrive({ taskId: TASK, id });
    const kept = await scene.running({ id: "kept" });
    await scene.settle(kept, COMPLETED, { keep: KEEP_COMPLETED });
    expect(await redrive("kept")).toEqual({ id: "kept", redriven: false, state: "completed" });
    await scene.settle(await scene.running({ id: "gone" }), COMPLETED);
    expect(await redrive("gone")).toMatchObject({ redriven: false, state: "completed" });
  });

  test("of a dead job that is not kept any more is not done", async ({ scene }) => {
    const held = await scene.running({ id: "a" });
    const outcome = { kind: "dead", reason: "failed", error: null } as const;
    const keep = { ...KEEP_NOTHING, idMs: HOUR_MS, idCount: 10 };
    await scene.settle(held, outcome, { keep });
    const answer = await scene.store.redrive({ taskId: TASK, id: "a" });
    if (answer !== null) expect(answer).toMatchObject({ redriven: false, state: "dead" });
    expect(await scene.claim(10)).toEqual([]);
  });

  test("by many at the same time makes one job", async ({ scene }) => {
    const { id } = await scene.dead();
    const stores = [scene.store, await scene.another(), await scene.another()];
    const calls = stores.map((store) => store.redrive({ taskId: TASK, id }));
    const answers = await Promise.all(calls);
    expect(answers.filter((answer) => answer?.redriven)).toHaveLength(1);
    expect(await scene.claim(10)).toHaveLength(1);
  });
}
