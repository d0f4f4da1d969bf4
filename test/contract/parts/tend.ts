/** tend and recover: what mends schedules whose registrants, cursors or index are lost. */
import { describe, expect } from "vitest";
import type { Tended } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { COMPLETED, DAY_MS, HOUR_MS, schedule, TASK } from "../words.js";

export function tendClaims(test: ContractTest): void {
  describe("tend", () => {
    doubtClaims(test);
    paceClaims(test);
    urgentClaims(test);
    indexClaims(test);
    endedClaims(test);
  });
  describe("recover", () => recoverClaims(test));
}

const idsOf = ({ doubtful }: Tended): string[] => doubtful.map(({ scheduleId }) => scheduleId);

/** All that is doubtful, found by a whole walk. */
async function walk(scene: Scene): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < 50; n += 1) {
    const tended = await scene.store.tend({ urgent: true });
    ids.push(...idsOf(tended));
    if (!tended.more) return ids;
  }
  throw new Error("the walk does not come to its end");
}

function doubtClaims(test: ContractTest): void {
  test("names schedules of code that nobody alive registers", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + DAY_MS;
    await scene.table.code({ firstAt });
    await scene.world.advance(HOUR_MS);
    const { doubtful, more, now } = await scene.store.tend({ urgent: false });
    expect(more).toBe(false);
    expect(doubtful).toMatchObject([
      { scheduleId: "s", taskId: TASK, revision: 1, nextAt: firstAt, code: true, paused: null },
    ]);
    expect(doubtful[0]?.registeredUntil).toBeLessThan(now - 60_000);
  });

  test("does not name those that somebody registers, or did a minute ago", async ({ scene }) => {
    await scene.table.code({ scheduleId: "alive" }, { set: "alive" });
    await scene.table.code({ scheduleId: "just gone" }, { set: "gone" });
    await scene.table.pass(90_000, "alive");
    expect(await walk(scene)).toEqual([]);
    await scene.table.pass(60_000, "alive");
    expect(await walk(scene)).toEqual(["just gone"]);
  });

  test("does not name those made at run time, or found to be orphans before", async ({ scene }) => {
    await scene.table.upsert({ scheduleId: "run time" });
    await scene.table.code({ scheduleId: "orphan" });
    await scene.table.code({ scheduleId: "paused" });
    const pause = { until: null, reason: "nobody", orphaned: true };
    await scene.store.pause({ scheduleId: "orphan", pause, revision: null });
    await scene.table.pause({ scheduleId: "paused" });
    await scene.world.advance(HOUR_MS);
    expect(await walk(scene)).toEqual(["paused"]);
  });

  test("goes on naming them until somebody has judged", async ({ scene }) => {
    await scene.table.code();
    await scene.world.advance(HOUR_MS);
    expect(await walk(scene)).toEqual(["s"]);
    expect(await walk(scene)).toEqual(["s"]);
    await scene.table.code();
    expect(await walk(scene)).toEqual([]);
  });
}

function paceClaims(test: ContractTest): void {
  test("does a piece at most every minute for all, unless it is urgent", async ({ scene }) => {
    const other = await scene.another();
    await scene.table.code();
    await scene.world.advance(HOUR_MS);
    expect(idsOf(await scene.store.tend({ urgent: false }))).toEqual(["s"]);
    for (const store of [scene.store, other]) {
      expect(await store.tend({ urgent: false })).toMatchObject({ doubtful: [], more: false });
    }
    expect(idsOf(await other.tend({ urgent: true }))).toEqual(["s"]);
    await scene.world.advance(61_000);
    expect(idsOf(await other.tend({ urgent: false }))).toEqual(["s"]);
  });

  test("walks through all schedules, piece by piece", async ({ scene }) => {
    const ids = Array.from({ length: 250 }, (_, n) => `s-${n}`);
    await addAll(scene, ids);
    await scene.world.advance(HOUR_MS);
    const found = await walk(scene);
    expect([...new Set(found)].sort()).toEqual([...ids].sort());
    const slowly = new Set<string>();
    for (let n = 0; n < 5; n += 1) {
      const tended = await scene.store.tend({ urgent: false });
      expect(tended.doubtful.length).toBeLessThanOrEqual(100);
      for (const id of idsOf(tended)) slowly.add(id);
      await scene.world.advance(61_000);
    }
    expect(slowly.size).toBe(ids.length);
  });
}

function urgentClaims(test: ContractTest): void {
  test("an urgent walk has a place of its own: it sees all, and puts nothing off", async ({
    scene,
  }) => {
    const ids = Array.from({ length: 250 }, (_, n) => `s-${n}`).sort();
    await addAll(scene, ids);
    await scene.world.advance(HOUR_MS);
    const first = idsOf(await scene.store.tend({ urgent: false }));
    await scene.world.advance(40_000);
    expect((await scene.store.tend({ urgent: true })).more).toBe(true);
    await scene.world.advance(20_000);
    // A minute after the first piece, and behind it.
    const second = idsOf(await scene.store.tend({ urgent: false }));
    expect([...first, ...second]).toEqual(ids.slice(0, 2 * first.length));
    const rest = await walk(scene);
    expect(rest.length, "it goes on where it was").toBeLessThan(ids.length);
    const all = new Set(await walk(scene));
    expect([...all].sort(), "and begins anew after its end").toEqual(ids);
  });
}

async function addAll(scene: Scene, ids: readonly string[], change = {}): Promise<void> {
  for (let n = 0; n < ids.length; n += 100) {
    const piece = ids.slice(n, n + 100).map((scheduleId) => schedule({ scheduleId, ...change }));
    await scene.table.registerAll(piece, { set: "a" });
  }
}

function indexClaims(test: ContractTest): void {
  test("has nothing to mend where nothing is broken", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "skip" });
    expect((await scene.table.look()).repair).toBe(false);
    await scene.table.fireAt(at);
    await scene.table.pause();
    await scene.table.upsert({ scheduleId: "ended", firstAt: null });
    await scene.table.code({ scheduleId: "local", local: true, firstAt: at + DAY_MS });
    expect((await scene.table.look()).repair).toBe(false);
    await walk(scene);
    expect((await scene.table.look()).repair).toBe(false);
  });

  test("brings schedules back whose index was lost", async ({ scene, skip }) => {
    if (scene.world.breakIndex === undefined) return skip("this world has no such index");
    const firstAt = (await scene.world.now()) + 1_000;
    const ids = Array.from({ length: 150 }, (_, n) => `s-${n}`);
    await addAll(scene, ids, { firstAt, overlap: "skip" });
    await scene.world.breakIndex();
    await scene.world.advance(2_000);
    expect((await scene.table.look()).repair).toBe(true);
    await walk(scene);
    const look = await scene.table.look();
    expect(look).toMatchObject({ repair: false, schedules: { length: 100 } });
    const { scheduleId } = look.schedules[0] ?? {};
    expect(await scene.table.fire({ scheduleId: scheduleId ?? "" })).not.toBeNull();
    await scene.settle(await scene.claimOne(), COMPLETED);
    expect((await scene.table.detail(scheduleId)).open).toEqual([]);
  });
}

/** A schedule that has come to its end, after it fired or before it ever did, of either kind. */
async function ended(scene: Scene): Promise<void> {
  const change = { overlap: "skip", payload: "1" } as const;
  for (const [scheduleId, isCode] of [
    ["made", false],
    ["code", true],
  ] as const) {
    const schedule = { ...change, scheduleId };
    const at = await (isCode ? scene.table.dueCode(schedule) : scene.table.due(schedule));
    await scene.table.fire({ scheduleId, nextAt: null });
    expect(await scene.table.ledger(at, scheduleId)).toEqual([["due", 0]]);
    await scene.settle(await scene.claimOne(), COMPLETED);
  }
  await scene.table.upsert({ scheduleId: "made never", firstAt: null });
  await scene.table.code({ scheduleId: "code never", firstAt: null });
}

/** All that is known of them, but for what the clock says. */
async function known(scene: Scene): Promise<unknown[]> {
  const ids = ["made", "code", "made never", "code never"];
  const details = await Promise.all(ids.map((scheduleId) => scene.table.detail(scheduleId)));
  return details.map(({ now: _now, registeredUntil: _until, ...rest }) => rest);
}

function endedClaims(test: ContractTest): void {
  test("leaves those that have ended as they are, however often it walks", async ({ scene }) => {
    await ended(scene);
    const before = await known(scene);
    for (let n = 0; n < 3; n += 1) {
      await scene.world.breakIndex?.();
      expect(await walk(scene)).toEqual(n === 0 ? [] : ["code", "code never"]);
      await scene.store.tend({ urgent: false });
      expect(await known(scene)).toEqual(before);
      const look = await scene.table.look();
      expect(look).toMatchObject({ schedules: [], repair: false, complete: true });
      await scene.world.advance(DAY_MS);
    }
    expect(await scene.claim(10)).toEqual([]);
  });

  test("names ended ones of code as ended, so that nobody takes them for lost", async ({
    scene,
  }) => {
    await ended(scene);
    await scene.world.advance(HOUR_MS);
    const { doubtful } = await scene.store.tend({ urgent: true });
    const { decidedAt } = await scene.table.detail("code");
    expect(decidedAt).toBeGreaterThan(0);
    expect(doubtful).toMatchObject([
      { scheduleId: "code", nextAt: null, decidedAt, firedCount: 1 },
      { scheduleId: "code never", nextAt: null, decidedAt: 0, firedCount: 0 },
    ]);
  });
}

function recoverClaims(test: ContractTest): void {
  /** `digest`: of another definition than the store has. */
  const recover = async (
    scene: Scene,
    told: { decidedAt: number; nextAt: number | null; digest?: string },
  ): Promise<void> => {
    const { digest } = await scene.table.detail();
    await scene.store.recover({ decided: [{ scheduleId: "s", taskId: TASK, digest, ...told }] });
  };

  test("moves a cursor past what is known to be decided", async ({ scene }) => {
    const at = await scene.table.due();
    const nextAt = at + HOUR_MS;
    await recover(scene, { decidedAt: at, nextAt });
    expect(await scene.table.detail()).toMatchObject({ decidedAt: at, nextAt, revision: 1 });
    expect(await scene.table.dueNow()).toBeNull();
    await scene.world.advance(HOUR_MS);
    expect(await scene.table.dueNow()).toMatchObject({ nextAt });
    expect(await scene.claim(10)).toEqual([]);
  });

  test("ends a schedule that is known to have come to its end", async ({ scene }) => {
    const at = await scene.table.due();
    await recover(scene, { decidedAt: at, nextAt: null });
    expect(await scene.table.detail()).toMatchObject({ decidedAt: at, nextAt: null });
  });

  test("leaves the cursor of another definition, and the instants before decided", async ({
    scene,
  }) => {
    const at = await scene.table.due();
    await recover(scene, { decidedAt: at, nextAt: at + HOUR_MS, digest: "other" });
    expect(await scene.table.detail()).toMatchObject({ decidedAt: at, nextAt: at });
    expect(await scene.table.fireAt(at)).toEqual([{ kind: "passed" }]);
  });

  test("never moves a cursor or the mark back", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.table.fireAt(at);
    const state = { decidedAt: at, nextAt: at + HOUR_MS };
    for (const [decidedAt, nextAt] of [
      [at - HOUR_MS, at],
      [at, at + 1],
      [at - 1, null],
    ] as const) {
      await recover(scene, { decidedAt, nextAt });
      expect(await scene.table.detail()).toMatchObject(state);
    }
  });

  test("leaves a cursor that it cannot move past, and its instant decided", async ({ scene }) => {
    const at = await scene.table.due();
    await recover(scene, { decidedAt: at + 5, nextAt: at + 5 });
    expect(await scene.table.detail()).toMatchObject({ decidedAt: at + 5, nextAt: at });
    expect(await scene.table.fireAt(at)).toEqual([{ kind: "passed" }]);
  });

  test("knows nothing of schedules that are not there", async ({ scene }) => {
    const decided = [{ scheduleId: "s", taskId: TASK, decidedAt: 1, nextAt: 2, digest: "" }];
    expect(await scene.store.recover({ decided })).toEqual(["s"]);
    expect(await scene.store.recover({ decided: [] })).toEqual([]);
    expect(await scene.store.schedule({ scheduleId: "s" })).toBeNull();
  });
}
