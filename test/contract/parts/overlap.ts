/** Overlap policies: what becomes of an occurrence while an earlier job has not ended. */
import { describe, expect } from "vitest";
import type { Overlap } from "../../../src/core/schedule/overlap.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { firing, row } from "../timetable.js";
import {
  AGAIN,
  COMPLETED,
  defined,
  HAND_BACK,
  HOUR_MS,
  names,
  retryIn,
  rules,
  TASK,
} from "../words.js";

export function overlapClaims(test: ContractTest): void {
  describe("overlap", () => {
    tableClaims(test);
    bufferClaims(test);
    fullClaims(test);
    cancelOtherClaims(test);
    definitionClaims(test);
  });
}

/** What has become of the job of the first occurrence; it is ready before. */
const DEAD = { kind: "dead", reason: "failed", error: null } as const;
const FIRST_JOB: Record<string, { is: "over" | "waiting" | "running"; act: Act }> = {
  waits: { is: "waiting", act: async () => {} },
  runs: { is: "running", act: async (scene) => void (await scene.claimOne()) },
  "waits for a retry": {
    is: "waiting",
    act: async (scene) => void (await scene.settle(await scene.claimOne(), retryIn(HOUR_MS))),
  },
  "was handed back": {
    is: "waiting",
    act: async (scene) => void (await scene.settle(await scene.claimOne(), HAND_BACK)),
  },
  "crashed and was taken back": {
    is: "waiting",
    act: async (scene) => void (await scene.crash()),
  },
  "runs and is to be cancelled": {
    is: "running",
    act: async (scene) => void (await scene.cancel((await scene.claimOne()).id)),
  },
  "was redriven": {
    is: "waiting",
    act: async (scene) => {
      const held = await scene.claimOne();
      await scene.settle(held, DEAD);
      await scene.store.redrive({ taskId: TASK, id: held.id });
    },
  },
  "is completed": {
    is: "over",
    act: async (scene) => void (await scene.settle(await scene.claimOne(), COMPLETED)),
  },
  "is dead": {
    is: "over",
    act: async (scene) => void (await scene.settle(await scene.claimOne(), DEAD)),
  },
  "was cancelled": {
    is: "over",
    act: async (scene) => {
      const { jobs } = await scene.store.list({
        ...{ taskId: TASK, state: "ready", cursor: null, limit: 1 },
      });
      await scene.cancel(jobs[0]?.id ?? "");
    },
  },
  "was cancelled while it ran": {
    is: "over",
    act: async (scene) => {
      const held = await scene.claimOne();
      await scene.cancel(held.id);
      await scene.settle(held, COMPLETED);
    },
  },
};

type Act = (scene: Scene) => Promise<void>;

const FIRES = { kind: "fired" };
const SKIPPED = { kind: "skipped", reason: "overlap" };
const BUFFERED = { kind: "buffered" };

/** What becomes of the second occurrence while the first job waits, or runs. */
const POLICIES: Record<Overlap, { waiting: object; running: object }> = {
  allow: { waiting: FIRES, running: FIRES },
  skip: { waiting: SKIPPED, running: SKIPPED },
  bufferOne: { waiting: BUFFERED, running: BUFFERED },
  bufferAll: { waiting: BUFFERED, running: BUFFERED },
  cancelOther: { waiting: FIRES, running: BUFFERED },
};

function tableClaims(test: ContractTest): void {
  for (const [policy, outcomes] of Object.entries(POLICIES)) {
    for (const [state, { is, act }] of Object.entries(FIRST_JOB)) {
      const outcome = is === "over" ? FIRES : outcomes[is];
      const becomes = "reason" in outcome ? "skipped" : (outcome as { kind: string }).kind;
      test(`${policy}: is ${becomes} when the earlier job ${state}`, async ({ scene }) => {
        const overlap = policy as Overlap;
        const at = await scene.table.due({ overlap, rules: rules({ retry: AGAIN }) });
        await scene.table.fireAt(at);
        await act(scene);
        await scene.world.advance(HOUR_MS);
        expect(await scene.table.fireAt(at + HOUR_MS)).toMatchObject([outcome]);
        const { firedCount, decidedAt } = await scene.table.detail();
        expect({ firedCount, decidedAt }).toEqual({
          firedCount: becomes === "skipped" ? 1 : 2,
          decidedAt: at + HOUR_MS,
        });
      });
    }
  }
}

/** Ends what runs, and names what came of the schedule then: instants as ms since `at`. */
async function endAndClaim(scene: Scene, at: number): Promise<number[]> {
  for (const held of await scene.claim(10)) await scene.settle(held, COMPLETED);
  const jobs = await scene.store.list({ taskId: TASK, state: "ready", cursor: null, limit: 10 });
  return jobs.jobs.map(({ occurrence }) => (occurrence?.scheduledFor ?? 0) - at);
}

function bufferClaims(test: ContractTest): void {
  test("bufferOne keeps the first that waits, and skips others", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "bufferOne" });
    const outcomes = await scene.table.fireAt(at, at + 1, at + 2, at + 3);
    expect(outcomes).toMatchObject([FIRES, BUFFERED, SKIPPED, SKIPPED]);
    expect(await scene.table.detail()).toMatchObject({ buffered: [at + 1], firedCount: 2 });
    expect(await endAndClaim(scene, at)).toEqual([1]);
    expect((await scene.table.detail()).buffered).toEqual([]);
    expect(await endAndClaim(scene, at)).toEqual([]);
    expect(await scene.table.ledger(at)).toEqual([
      ["due", 0],
      ["due", 1],
      ["overlap", 2, 3, 2],
    ]);
  });

  test("bufferAll fires all, one after the other, in their order", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "bufferAll" });
    const late = { isCatchup: true, missedCount: 4 };
    await scene.table.fire({ decisions: [firing(at), firing(at + 1, late), firing(at + 2)] });
    expect(await scene.table.detail()).toMatchObject({ buffered: [at + 1, at + 2], firedCount: 3 });
    expect(await endAndClaim(scene, at)).toEqual([1]);
    expect((await scene.table.detail()).open).toHaveLength(1);
    const held = await scene.claimOne();
    expect(held.occurrence).toMatchObject({ scheduledFor: at + 1, ...late, isTracked: true });
    await scene.settle(held, COMPLETED);
    expect(await endAndClaim(scene, at)).toEqual([]);
    expect(await scene.table.ledger(at)).toEqual([
      ["due", 0],
      ["catchup", 1],
      ["due", 2],
    ]);
    expect(await scene.table.detail()).toMatchObject({ open: [], buffered: [], firedCount: 3 });
  });

  test("skip fires one of several that are due together", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "skip" });
    const outcomes = await scene.table.fireAt(at, at + 1, at + 2);
    expect(outcomes).toMatchObject([FIRES, SKIPPED, SKIPPED]);
    expect(await scene.table.ledger(at)).toEqual([
      ["due", 0],
      ["overlap", 1, 2, 2],
    ]);
  });

  test("does not count jobs that were pushed by hand", async ({ scene }) => {
    await scene.pushOne();
    const at = await scene.table.due({ overlap: "skip" });
    await scene.pushOne();
    expect(await scene.table.fireAt(at)).toMatchObject([FIRES]);
  });

  test("does not count jobs of other schedules of the task", async ({ scene }) => {
    await scene.table.due({ scheduleId: "other", overlap: "skip" });
    await scene.table.fire({ scheduleId: "other" });
    const at = await scene.table.due({ overlap: "skip" });
    expect(await scene.table.fireAt(at)).toMatchObject([FIRES]);
  });
}

function fullClaims(test: ContractTest): void {
  test("bufferAll lets a thousand wait, and skips more", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "bufferAll" });
    await scene.world.advance(2 * HOUR_MS);
    const kinds: Record<string, number> = {};
    for (let n = 0; n < 1_010; n += 100) {
      const from = at + n * 1_000;
      const decisions = row(from, Math.min(100, 1_010 - n));
      const answer = await scene.table.fire({ nextAt: from + 100_000, decisions });
      for (const outcome of answer?.outcomes ?? []) {
        const kind = outcome.kind === "skipped" ? outcome.reason : outcome.kind;
        kinds[kind] = (kinds[kind] ?? 0) + 1;
      }
    }
    expect(kinds).toEqual({ fired: 1, buffered: 1_000, full: 9 });
    const { buffered, ledger } = await scene.table.detail();
    expect([buffered.length, buffered[0], buffered.at(-1)]).toEqual([
      ...[1_000, at + 1_000, at + 1_000_000],
    ]);
    expect(ledger).toMatchObject([{ kind: "fired" }, { reason: "full", count: 9 }]);
    expect(await scene.store.remove({ scheduleId: "s", revision: null })).toBe("removed");
  });
}

function cancelOtherClaims(test: ContractTest): void {
  test("cancelOther cancels an earlier job that waits", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "cancelOther" });
    await scene.table.fireAt(at);
    const { open } = await scene.table.detail();
    await scene.world.advance(HOUR_MS);
    expect(await scene.table.fireAt(at + HOUR_MS)).toMatchObject([FIRES]);
    expect(await scene.stateOf(open[0] ?? "")).toBe("cancelled");
    expect((await scene.claim(10)).map(({ occurrence }) => occurrence?.scheduledFor)).toEqual([
      at + HOUR_MS,
    ]);
    expect((await scene.store.counts({ taskId: TASK })).total.cancelled).toBe(1);
  });

  test("cancelOther marks an earlier job that runs, and waits for its end", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "cancelOther" });
    await scene.table.fireAt(at);
    const held = await scene.claimOne();
    await scene.world.advance(HOUR_MS);
    expect(await scene.table.fireAt(at + HOUR_MS)).toMatchObject([BUFFERED]);
    expect(await scene.view(held.id)).toMatchObject({ state: "running", cancelling: true });
    expect((await scene.renew([held])).cancelled).toMatchObject([{ number: held.number }]);
    expect(await scene.claim(10)).toEqual([]);
    expect(await scene.settle(held, COMPLETED)).toMatchObject({ state: "cancelled" });
    expect((await scene.claimOne()).occurrence?.scheduledFor).toBe(at + HOUR_MS);
  });

  test("cancelOther lets only the newest wait", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "cancelOther" });
    await scene.table.fireAt(at);
    const held = await scene.claimOne();
    await scene.world.advance(HOUR_MS);
    await scene.table.fireAt(at + HOUR_MS, at + HOUR_MS + 1, at + HOUR_MS + 2);
    expect((await scene.table.detail()).buffered).toEqual([at + HOUR_MS + 2]);
    await scene.settle(held, COMPLETED);
    expect((await scene.claimOne()).occurrence?.scheduledFor).toBe(at + HOUR_MS + 2);
    expect(await scene.table.ledger(at)).toEqual([
      ["due", 0],
      ["replaced", HOUR_MS, HOUR_MS + 1, 2],
      ["due", HOUR_MS + 2],
    ]);
  });
}

function definitionClaims(test: ContractTest): void {
  test("fires what has waited by the definition in force then", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "bufferOne", payload: '"old"' });
    await scene.table.fireAt(at, at + 1);
    const firstAt = at + 2 * HOUR_MS;
    const change = { ...defined("2"), overlap: "bufferOne", payload: '"new"', firstAt } as const;
    expect(await scene.table.upsert(change)).toMatchObject({ outcome: "changed" });
    expect(await scene.table.detail()).toMatchObject({ open: { length: 1 }, buffered: [at + 1] });
    await scene.settle(await scene.claimOne(), COMPLETED);
    expect(names(await scene.claim(10))).toEqual(["new"]);
  });

  test("counts by the policy in force when an occurrence is due", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "bufferAll" });
    await scene.table.fireAt(at, at + 1);
    const firstAt = at + 2 * HOUR_MS;
    await scene.table.upsert({ overlap: "skip", firstAt });
    await scene.world.advance(2 * HOUR_MS);
    expect(await scene.table.fireAt(firstAt)).toMatchObject([SKIPPED]);
    await scene.table.upsert({ overlap: "allow", firstAt: firstAt + 2 * HOUR_MS });
    await scene.world.advance(2 * HOUR_MS);
    expect(await scene.table.fireAt(firstAt + 2 * HOUR_MS)).toMatchObject([FIRES]);
  });
}
