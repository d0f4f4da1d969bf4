/** trigger: occurrences beside the cursor, now or for instants that have passed. */
import { describe, expect } from "vitest";
import type { ContractTest } from "../suite.js";
import { COMPLETED, HOUR_MS, KEEP, only, TASK } from "../words.js";

export function triggerClaims(test: ContractTest): void {
  describe("trigger", () => {
    nowClaims(test);
    backfillClaims(test);
    overlapClaims(test);
    trackClaims(test);
  });
}

function nowClaims(test: ContractTest): void {
  test("fires once, for now, and leaves the cursor alone", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + HOUR_MS;
    await scene.table.upsert({ firstAt, payload: "[1]" });
    const before = await scene.world.now();
    const { taskId, outcomes } = await scene.table.trigger();
    const { scheduledFor, outcome } = only(outcomes);
    expect(taskId).toBe(TASK);
    expect(scheduledFor).toBeGreaterThanOrEqual(before);
    expect(scheduledFor).toBeLessThanOrEqual(await scene.world.now());
    const held = await scene.claimOne();
    const job = { id: held.id, created: true, state: "ready", dueAt: null };
    expect(outcome).toEqual({ kind: "fired", job });
    const about = { scheduleId: "s", scheduledFor, isCatchup: false, missedCount: 0 };
    expect(held).toMatchObject({ ownId: false, payload: "[1]", occurrence: about });
    const untouched = { nextAt: firstAt, decidedAt: 0, firedCount: 0, paused: null, revision: 1 };
    expect(await scene.table.detail()).toMatchObject(untouched);
    expect(await scene.table.ledger(scheduledFor)).toEqual([["trigger", 0]]);
  });

  test("fires as often as it is asked", async ({ scene }) => {
    await scene.table.upsert();
    for (let n = 0; n < 3; n += 1) await scene.table.trigger();
    expect(await scene.claim(10)).toHaveLength(3);
    expect((await scene.table.detail()).ledger).toHaveLength(3);
  });

  test("fires though the schedule is paused, or at its end", async ({ scene }) => {
    await scene.table.upsert({ firstAt: null });
    await scene.table.pause();
    expect((await scene.table.trigger()).outcomes).toMatchObject([{ outcome: { kind: "fired" } }]);
    expect(await scene.table.detail()).toMatchObject({ nextAt: null, paused: { until: null } });
  });

  test("fires schedules of code and local ones, too", async ({ scene }) => {
    await scene.table.code({ local: true });
    expect((await scene.table.trigger()).outcomes).toMatchObject([{ outcome: { kind: "fired" } }]);
  });

  test("leaves what is due to those who decide it", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.table.trigger();
    expect(await scene.table.dueNow()).toMatchObject({ nextAt: at, decidedAt: 0, firedCount: 0 });
    expect(await scene.table.fireAt(at)).toMatchObject([{ kind: "fired" }]);
    expect(await scene.claim(10)).toHaveLength(2);
  });

  test("finds no schedule that is not there", async ({ scene }) => {
    const args = { scheduleId: "unknown", overlap: null, keep: KEEP };
    expect(await scene.store.trigger({ ...args, instants: null })).toBeNull();
    expect(await scene.store.trigger({ ...args, instants: [1] })).toBeNull();
  });
}

function backfillClaims(test: ContractTest): void {
  test("for given instants makes a job of each, under the id of its occurrence", async ({
    scene,
  }) => {
    await scene.table.upsert();
    const at = (await scene.world.now()) - HOUR_MS;
    const instants = [at, at + 1, at + 2];
    const { outcomes } = await scene.table.trigger({ instants });
    expect(outcomes).toEqual(
      instants.map((scheduledFor) => {
        const job = { id: `s@${scheduledFor}`, created: true, state: "ready", dueAt: null };
        return { scheduledFor, outcome: { kind: "fired", job } };
      }),
    );
    const held = await scene.claim(10);
    expect(held.map(({ id, ownId }) => [id, ownId])).toEqual(
      instants.map((instant) => [`s@${instant}`, true]),
    );
    expect(held[0]?.occurrence).toMatchObject({ isCatchup: true, missedCount: 0 });
    const rows = instants.map((_, n) => ["backfill", n]);
    expect(await scene.table.ledger(at)).toEqual(rows);
  });

  test("asked twice for an instant fires it once, and notes it once", async ({ scene }) => {
    await scene.table.upsert();
    await scene.table.trigger({ instants: [5] });
    const again = await scene.table.trigger({ instants: [5, 6] });
    expect(again.outcomes).toMatchObject([
      { scheduledFor: 5, outcome: { kind: "fired", job: { id: "s@5", created: false } } },
      { scheduledFor: 6, outcome: { kind: "fired", job: { id: "s@6", created: true } } },
    ]);
    for (const held of await scene.claim(10)) await scene.settle(held, COMPLETED);
    const ended = await scene.table.trigger({ instants: [5] });
    expect(ended.outcomes).toMatchObject([
      { outcome: { kind: "fired", job: { created: false, state: "completed" } } },
    ]);
    expect(await scene.table.ledger(0)).toEqual([
      ["backfill", 5],
      ["backfill", 6],
    ]);
    expect((await scene.store.counts({ taskId: TASK })).total.pushed).toBe(2);
  });

  test("decides what is behind the cursor, wherever a clock that goes back puts that", async ({
    scene,
  }) => {
    const now = await scene.world.now();
    await scene.table.upsert({ firstAt: now + HOUR_MS });
    await scene.table.trigger({ instants: [now - 2_000, now - 1_000] });
    const filled = { nextAt: now + HOUR_MS, decidedAt: now - 1_000, firedCount: 0 };
    expect(await scene.table.detail()).toMatchObject(filled);
    await scene.table.trigger({ instants: [now - 3_000, now + HOUR_MS] });
    expect(await scene.table.detail()).toMatchObject(filled);
    for (const held of await scene.claim(10)) await scene.settle(held, COMPLETED);
  });

  test("for a hundred instants fires them all", async ({ scene }) => {
    await scene.table.upsert();
    const instants = Array.from({ length: 100 }, (_, n) => n * HOUR_MS);
    const { outcomes } = await scene.table.trigger({ instants });
    expect(outcomes.map(({ scheduledFor }) => scheduledFor)).toEqual(instants);
    expect(await scene.claim(200)).toHaveLength(100);
  });

  test("for no instants does nothing", async ({ scene }) => {
    await scene.table.upsert();
    expect(await scene.table.trigger({ instants: [] })).toEqual({ taskId: TASK, outcomes: [] });
    expect(await scene.claim(10)).toEqual([]);
  });

  test("by several at the same time fires an instant once", async ({ scene }) => {
    await scene.table.upsert();
    const stores = [scene.store, await scene.another(), await scene.another()];
    const args = { scheduleId: "s", instants: [7], overlap: null, keep: KEEP };
    const answers = await Promise.all(stores.map((store) => store.trigger(args)));
    const created = answers.map((answer) => {
      const outcome = answer?.outcomes[0]?.outcome;
      return outcome?.kind === "fired" && outcome.job.created;
    });
    expect(created.filter((each) => each)).toHaveLength(1);
    expect(await scene.claim(10)).toHaveLength(1);
  });
}

const kindsOf = (answer: { outcomes: { outcome: { kind: string } }[] }): string[] =>
  answer.outcomes.map(({ outcome }) => outcome.kind);

function overlapClaims(test: ContractTest): void {
  for (const [overlap, kinds] of [
    ["allow", ["fired", "fired", "fired"]],
    ["skip", ["fired", "skipped", "skipped"]],
    ["bufferOne", ["fired", "buffered", "skipped"]],
    ["bufferAll", ["fired", "buffered", "buffered"]],
    ["cancelOther", ["fired", "fired", "fired"]],
  ] as const) {
    test(`goes by the schedule's policy: ${overlap}`, async ({ scene }) => {
      await scene.table.upsert({ overlap });
      expect(kindsOf(await scene.table.trigger({ instants: [1, 2, 3] }))).toEqual(kinds);
    });

    test(`goes by the policy that it is given: ${overlap}`, async ({ scene }) => {
      const own = overlap === "skip" ? "bufferAll" : "skip";
      await scene.table.upsert({ overlap: own });
      expect(kindsOf(await scene.table.trigger({ instants: [1, 2, 3], overlap }))).toEqual(kinds);
    });
  }

  test("keeps the id of an instant that has to wait", async ({ scene }) => {
    await scene.table.upsert({ overlap: "bufferAll" });
    await scene.table.trigger({ instants: [1, 2] });
    await scene.settle(await scene.claimOne(), COMPLETED);
    const held = await scene.claimOne();
    expect(held).toMatchObject({ id: "s@2", ownId: true, occurrence: { isCatchup: true } });
    expect(await scene.table.ledger(0)).toEqual([
      ["backfill", 1],
      ["backfill", 2],
    ]);
    expect((await scene.table.detail()).firedCount).toBe(0);
  });

  test("keeps how it came to fire, when it has to wait", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "bufferOne" });
    await scene.table.fireAt(at);
    await scene.table.trigger();
    await scene.settle(await scene.claimOne(), COMPLETED);
    const [, second] = (await scene.table.detail()).ledger;
    expect(second).toMatchObject({ kind: "fired", how: "trigger" });
    const held = await scene.claimOne();
    expect(held).toMatchObject({ ownId: false, occurrence: { isCatchup: false } });
  });
}

function trackClaims(test: ContractTest): void {
  test("beside a policy counts for the schedule's own occurrences", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "skip" });
    await scene.table.trigger({ overlap: "allow" });
    expect((await scene.table.detail()).open).toHaveLength(1);
    expect(await scene.table.fireAt(at)).toMatchObject([{ kind: "skipped" }]);
  });

  test("with a policy that the schedule does not have counts its own jobs", async ({ scene }) => {
    await scene.table.upsert({ overlap: "allow" });
    expect(kindsOf(await scene.table.trigger({ overlap: "skip" }))).toEqual(["fired"]);
    expect(kindsOf(await scene.table.trigger({ overlap: "skip" }))).toEqual(["skipped"]);
    const held = await scene.claimOne();
    expect(held.occurrence?.isTracked).toBe(true);
    await scene.settle(held, COMPLETED);
    expect(kindsOf(await scene.table.trigger({ overlap: "skip" }))).toEqual(["fired"]);
  });

  test("where all is allowed counts nothing", async ({ scene }) => {
    await scene.table.upsert({ overlap: "allow" });
    await scene.table.trigger();
    expect((await scene.table.detail()).open).toEqual([]);
    expect((await scene.claimOne()).occurrence?.isTracked).toBe(false);
  });
}
