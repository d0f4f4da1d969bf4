/** work, the settling half: whose word does not count any more. */
import { describe, expect } from "vitest";
import type { SettleOutcome } from "../../../src/store/contract.js";
import type { ContractTest } from "../suite.js";
import { AGAIN, COMPLETED, HAND_BACK, HOUR_MS, retryIn, rules } from "../words.js";

const OUTCOMES: readonly SettleOutcome[] = [
  COMPLETED,
  HAND_BACK,
  retryIn(0),
  { kind: "dead", reason: "failed", error: "late" },
];

export function lostClaims(test: ContractTest): void {
  describe("lost", () => {
    lateClaims(test);
    strangeClaims(test);
  });
}

function lateClaims(test: ContractTest): void {
  test("a settle after the lease was reaped is refused and changes nothing", async ({ scene }) => {
    for (const [index, outcome] of OUTCOMES.entries()) {
      const held = await scene.running({ id: `j${index}`, rules: rules({ retry: AGAIN }) });
      await scene.expire();
      await scene.reap();
      const before = await scene.view(held.id);
      expect(await scene.settle(held, outcome)).toBe("lost");
      expect(await scene.view(held.id)).toEqual(before);
      await scene.settle(await scene.claimOne(), COMPLETED);
    }
  });

  test("a late settle is refused while the next attempt runs", async ({ scene }) => {
    const late = await scene.running({ rules: rules({ retry: AGAIN }) });
    await scene.expire();
    await scene.reap();
    const next = await scene.claimOne();
    for (const outcome of OUTCOMES) expect(await scene.settle(late, outcome)).toBe("lost");
    expect(await scene.settle(next, COMPLETED)).toMatchObject({ state: "completed" });
  });

  test("a settle counts as long as the lease was not reaped, however late", async ({ scene }) => {
    const held = await scene.running();
    await scene.expire();
    await scene.pass(HOUR_MS);
    expect(await scene.settle(held, COMPLETED)).toEqual({ state: "completed", dueAt: null });
    expect(await scene.reap()).toEqual([]);
  });

  test("a second settle of the same attempt is refused and changes nothing", async ({ scene }) => {
    const held = await scene.running();
    await scene.settle(held, retryIn(HOUR_MS));
    const before = await scene.view(held.id);
    for (const outcome of OUTCOMES) expect(await scene.settle(held, outcome)).toBe("lost");
    expect(await scene.view(held.id)).toEqual(before);
  });
}

function strangeClaims(test: ContractTest): void {
  test("two settles of the same attempt in one call: the first counts", async ({ scene }) => {
    await scene.pushNamed(["1", "2"]);
    const [held, other] = await scene.claim(2);
    const answers = await scene.settleAll([
      [held!, HAND_BACK],
      [held!, COMPLETED],
      [other!, COMPLETED],
    ]);
    expect(answers.map((answer) => (answer === "lost" ? answer : answer.state))).toEqual([
      "ready",
      "lost",
      "completed",
    ]);
  });

  test("a settle with a fence that is not the job's is refused", async ({ scene }) => {
    const mine = await scene.running();
    const other = await scene.running();
    expect(await scene.settle({ ...mine, fence: other.fence }, COMPLETED)).toBe("lost");
    expect(await scene.settle({ ...mine, fence: "0000000000000001" }, COMPLETED)).toBe("lost");
    expect(await scene.stateOf(mine.id)).toBe("running");
    expect(await scene.stateOf(other.id)).toBe("running");
  });

  test("a settle of a job or a task that nobody knows is refused", async ({ scene }) => {
    const held = await scene.running();
    expect(await scene.settle({ ...held, number: "0000000000000001" }, COMPLETED)).toBe("lost");
    expect(await scene.settle({ ...held, taskId: "unknown" }, COMPLETED)).toBe("lost");
    expect(await scene.stateOf(held.id)).toBe("running");
  });

  test("a settle of a job that waits is refused", async ({ scene }) => {
    const held = await scene.running();
    await scene.settle(held, HAND_BACK);
    expect(await scene.settle(held, COMPLETED)).toBe("lost");
    expect(await scene.stateOf(held.id)).toBe("ready");
  });
}
