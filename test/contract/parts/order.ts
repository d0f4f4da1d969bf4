/** Order: priority first, then joining; who joins at the end, and who at the front. */
import { describe, expect } from "vitest";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  AGAIN,
  HAND_BACK,
  HOUR_MS,
  names,
  newJob,
  only,
  retryIn,
  rules,
  settleOf,
  TASK,
} from "../words.js";

export function orderClaims(test: ContractTest): void {
  describe("order", () => {
    priorityClaims(test);
    endOfLineClaims(test);
    frontOfLineClaims(test);
  });
}

async function pushWithPriority(scene: Scene, pairs: readonly [string, number][]): Promise<void> {
  await scene.push(
    pairs.map(([name, priority]) =>
      newJob({ payload: JSON.stringify(name), rules: rules({ priority, retry: AGAIN }) }),
    ),
  );
}

function priorityClaims(test: ContractTest): void {
  test("a lower priority is claimed first, equal ones in push order", async ({ scene }) => {
    await pushWithPriority(scene, [
      ["normal 1", 0],
      ["late", 10],
      ["first", -5],
      ["normal 2", 0],
      ["second", -4],
    ]);
    expect(names(await scene.claim(10))).toEqual([
      "first",
      "second",
      "normal 1",
      "normal 2",
      "late",
    ]);
  });

  test("priority holds over calls, and for claims of one", async ({ scene }) => {
    for (const pair of [
      ["c", 3],
      ["a", 1],
      ["b", 2],
    ] as [string, number][]) {
      await pushWithPriority(scene, [pair]);
    }
    const seen: unknown[] = [];
    for (let n = 0; n < 3; n += 1) seen.push(...names(await scene.claim(1)));
    expect(seen).toEqual(["a", "b", "c"]);
  });

  test("the first job with a priority does not disturb those that wait", async ({ scene }) => {
    await scene.pushNamed(["1", "2"]);
    await pushWithPriority(scene, [["urgent", -1]]);
    await scene.pushNamed(["3"]);
    expect(names(await scene.claim(10))).toEqual(["urgent", "1", "2", "3"]);
  });

  test("a retried job keeps its priority", async ({ scene }) => {
    await pushWithPriority(scene, [["urgent", -1]]);
    await scene.settle(await scene.claimOne(), retryIn(1_000));
    await scene.pushNamed(["normal"]);
    await scene.world.advance(2_000);
    expect(names(await scene.claim(10))).toEqual(["urgent", "normal"]);
  });

  test("a delayed job keeps its priority", async ({ scene }) => {
    const due = { in: 1_000 };
    await scene.pushNamed(["late"], { due, rules: rules({ priority: 1 }) });
    await scene.pushNamed(["urgent"], { due, rules: rules({ priority: -1 }) });
    await scene.pushNamed(["normal"]);
    await scene.world.advance(2_000);
    expect(names(await scene.claim(10))).toEqual(["urgent", "normal", "late"]);
  });

  test("priorities of one task are nothing to another", async ({ scene }) => {
    await scene.pushOne({ taskId: "x", rules: rules({ priority: 100 }) });
    await scene.pushOne({ taskId: "y", rules: rules({ priority: -100 }) });
    expect(only(await scene.claim(1, { taskId: "x" })).rules.priority).toBe(100);
  });
}

function endOfLineClaims(test: ContractTest): void {
  test("a delayed job joins at the end when it is due", async ({ scene }) => {
    await scene.pushNamed(["delayed"], { due: { in: 1_000 } });
    await scene.pushNamed(["before"]);
    await scene.world.advance(2_000);
    expect(names(await scene.claim(10))).toEqual(["before", "delayed"]);
  });

  test("delayed jobs join in the order of their due times", async ({ scene }) => {
    for (const name of ["3", "1", "4", "2"]) {
      await scene.pushNamed([name], { due: { in: Number(name) * 1_000 } });
    }
    await scene.world.advance(10_000);
    expect(names(await scene.claim(10))).toEqual(["1", "2", "3", "4"]);
  });

  test("delayed jobs of one priority join in the order of their due times", async ({ scene }) => {
    for (const due of [{ in: 3_000 }, { in: 1_000 }, { in: 2_000 }]) {
      await scene.pushNamed([String(due.in)], { due, rules: rules({ priority: 5 }) });
    }
    await scene.world.advance(5_000);
    expect(names(await scene.claim(10))).toEqual(["1000", "2000", "3000"]);
  });

  test("delayed jobs due at the same instant join in push order", async ({ scene }) => {
    const at = (await scene.world.now()) + 1_000;
    const given = Array.from({ length: 30 }, (_, n) => String(n));
    await scene.pushNamed(given, { due: { at } });
    await scene.world.advance(2_000);
    expect(names(await scene.claim(100))).toEqual(given);
  });

  test("thousands that are due at once are handed out in order, piece by piece", async ({
    scene,
  }) => {
    const at = (await scene.world.now()) + 1_000;
    const given = Array.from({ length: 2_500 }, (_, n) => String(n));
    await scene.pushNamed(given, { due: { at } });
    await scene.world.advance(2_000);
    const seen: unknown[] = [];
    for (let rounds = 0; seen.length < given.length; rounds += 1) {
      expect(rounds).toBeLessThan(30);
      const answer = await scene.work({ limit: 1_000 });
      seen.push(...names(answer.batches.flatMap(({ jobs }) => jobs)));
      expect(answer.more).toEqual(seen.length < given.length ? [TASK] : []);
    }
    expect(seen).toEqual(given);
  });

  test("a retried job joins at the end when it is due", async ({ scene }) => {
    await scene.pushNamed(["failed", "waiting"]);
    await scene.settle(await scene.claimOne(), retryIn(1_000));
    await scene.pushNamed(["new"]);
    await scene.world.advance(2_000);
    expect(names(await scene.claim(10))).toEqual(["waiting", "new", "failed"]);
  });

  test("a job retried without a wait is claimed after those that wait", async ({ scene }) => {
    await scene.pushNamed(["failed", "waiting"]);
    const held = await scene.claimOne();
    expect(await scene.settle(held, retryIn(0))).not.toBe("lost");
    await scene.world.advance(1_000);
    expect(names(await scene.claim(10))).toEqual(["waiting", "failed"]);
  });
}

function frontOfLineClaims(test: ContractTest): void {
  test("a job handed back goes to the front", async ({ scene }) => {
    await scene.pushNamed(["1", "2", "3"]);
    await scene.settle(await scene.claimOne(), HAND_BACK);
    expect(names(await scene.claim(10))).toEqual(["1", "2", "3"]);
  });

  test("jobs handed back together stand in front in the order they had", async ({ scene }) => {
    await scene.pushNamed(["1", "2", "3", "4"]);
    const held = await scene.claim(3);
    await scene.settleAll(held.map((job) => [job, HAND_BACK]));
    expect(names(await scene.claim(10))).toEqual(["1", "2", "3", "4"]);
  });

  test("a job handed back goes to the front of its priority only", async ({ scene }) => {
    await pushWithPriority(scene, [["normal", 0]]);
    const held = await scene.claimOne();
    await pushWithPriority(scene, [
      ["other normal", 0],
      ["urgent", -1],
    ]);
    await scene.settle(held, HAND_BACK);
    expect(names(await scene.claim(10))).toEqual(["urgent", "normal", "other normal"]);
  });

  test("a hand-back and a claim in one step may take the same job again", async ({ scene }) => {
    await scene.pushNamed(["1", "2"]);
    const held = await scene.claimOne();
    const answer = await scene.work({ limit: 1 }, [settleOf(held, HAND_BACK)]);
    expect(answer.settled).toEqual([{ state: "ready", dueAt: null }]);
    const again = only(answer.batches);
    expect(names(again.jobs)).toEqual(["1"]);
    expect(again.fence).not.toBe(held.fence);
  });

  test("waiting an hour does not change the order", async ({ scene }) => {
    await scene.pushNamed(["1", "2", "3"]);
    await scene.world.advance(HOUR_MS);
    expect(names(await scene.claim(10))).toEqual(["1", "2", "3"]);
  });
}
