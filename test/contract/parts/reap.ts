/** reap: what becomes of the jobs of an expired lease. */
import { describe, expect } from "vitest";
import { NO_COUNTS } from "../../../src/core/job.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  AGAIN,
  COMPLETED,
  HAND_BACK,
  KEEP,
  LEASE_MS,
  NO_SCHEDULES,
  names,
  newJob,
  only,
  rules,
  stubborn,
  TASK,
} from "../words.js";

export function reapClaims(test: ContractTest): void {
  describe("reap", () => {
    expiredClaims(test);
    outcomeClaims(test);
    onceClaims(test);
    boundClaims(test);
  });
}

const LOOK = { taskIds: [], ...NO_SCHEDULES, sleepMs: 1_000 };

function expiredClaims(test: ContractTest): void {
  test("a look names a lease once it has expired, not before", async ({ scene }) => {
    const held = await scene.running();
    await scene.pass(LEASE_MS - 20_000);
    expect((await scene.store.look(LOOK)).expired).toEqual([]);
    await scene.pass(21_000);
    const look = await scene.store.look(LOOK);
    expect(look.expired).toMatchObject([{ fence: held.fence, taskId: TASK }]);
    expect(look.waitMs).toBe(0);
  });

  test("a look names expired leases of any task, asked for or not", async ({ scene }) => {
    for (const taskId of ["x", "y"]) await scene.running({ taskId });
    await scene.expire();
    const { expired } = await scene.store.look({ ...LOOK, taskIds: ["z"] });
    expect(expired.map(({ taskId }) => taskId).sort()).toEqual(["x", "y"]);
  });

  test("a lease that has not expired is left alone, whoever asks", async ({ scene }) => {
    const { fence, id } = await scene.running();
    const args = { leases: [{ fence, taskId: TASK }], random: 0.5, keep: KEEP };
    expect(await scene.store.reap(args)).toEqual([]);
    expect(await scene.stateOf(id)).toBe("running");
  });

  test("a lease that was renewed since the look is left alone", async ({ scene }) => {
    const held = await scene.running();
    await scene.expire();
    const { expired } = await scene.store.look(LOOK);
    await scene.renew([held]);
    expect(await scene.store.reap({ leases: expired, random: 0.5, keep: KEEP })).toEqual([]);
  });

  test("nothing asked for, nothing done", async ({ scene }) => {
    const unknown = { fence: "0000000000000001", taskId: TASK };
    expect(await scene.store.reap({ leases: [], random: 0.5, keep: KEEP })).toEqual([]);
    expect(await scene.store.reap({ leases: [unknown], random: 0.5, keep: KEEP })).toEqual([]);
  });
}

function outcomeClaims(test: ContractTest): void {
  test("each job of a lease goes its own way", async ({ scene }) => {
    const waiting = { attempts: 0, waitMs: 600_000, backoff: "fixed" } as const;
    await scene.push([
      newJob({ id: "off" }),
      stubborn({ id: "again" }),
      newJob({ id: "later", rules: rules({ retry: waiting }) }),
      newJob({ id: "last", rules: rules({ retry: { ...AGAIN, attempts: 1 } }) }),
      stubborn({ id: "stopped" }),
    ]);
    const held = await scene.claim(5);
    await scene.cancel("stopped");
    const { leaseEndsAt } = await scene.view("later");
    await scene.expire();
    const reaped = await scene.reap();
    const common = (n: number) => ({
      taskId: TASK,
      fence: held[n]?.fence,
      number: held[n]?.number,
      id: held[n]?.id,
    });
    expect(reaped).toHaveLength(5);
    const byId = new Map(reaped.map((job) => [job.id, job]));
    expect(byId.get("off")).toMatchObject({ ...common(0), state: "dead", reason: "interrupted" });
    expect(byId.get("again")).toEqual({
      ...common(1),
      state: "ready",
      reason: null,
      dueAt: null,
      counts: { ...NO_COUNTS, crashes: 1, crashesInRow: 1 },
    });
    expect(byId.get("later")).toMatchObject({
      ...common(2),
      state: "scheduled",
      reason: null,
      dueAt: (leaseEndsAt ?? 0) - LEASE_MS + 600_000,
    });
    expect(byId.get("last")).toMatchObject({ ...common(3), state: "dead", reason: "crashes" });
    expect(byId.get("stopped")).toMatchObject({ ...common(4), state: "cancelled", reason: null });
    for (const job of reaped) expect(await scene.stateOf(job.id)).toBe(job.state);
  });

  test("jobs that were settled before are not taken back", async ({ scene }) => {
    await scene.push([stubborn(), stubborn(), stubborn()]);
    const [done, back, left] = await scene.claim(3);
    await scene.settleAll([
      [done!, COMPLETED],
      [back!, HAND_BACK],
    ]);
    await scene.expire();
    const reaped = await scene.reap();
    expect(reaped.map(({ number }) => number)).toEqual([left!.number]);
    expect(await scene.claim(10)).toHaveLength(2);
  });

  test("jobs that come back ready keep their order among each other", async ({ scene }) => {
    const jobs = ["1", "2", "3", "4"].map((n) => stubborn({ payload: JSON.stringify(n) }));
    await scene.push(jobs);
    await scene.claim(4);
    await scene.expire();
    await scene.reap();
    expect(names(await scene.claim(10))).toEqual(["1", "2", "3", "4"]);
  });

  test("a reaped job is there for every scheduler", async ({ scene }) => {
    const held = await scene.running({ rules: rules({ retry: AGAIN }) });
    const second = await scene.another();
    await scene.expire();
    await scene.reap(second);
    expect((await scene.claimOne({ store: second })).number).toBe(held.number);
  });
}

function onceClaims(test: ContractTest): void {
  test("a lease is reaped once, however many try", async ({ scene }) => {
    const stores = [scene.store, await scene.another(), await scene.another()];
    await scene.push([stubborn(), stubborn(), newJob()]);
    await scene.claim(3);
    await scene.expire();
    const { expired } = await scene.store.look(LOOK);
    const args = { leases: expired, random: 0.5, keep: KEEP };
    const reaped = await Promise.all(stores.map((store) => store.reap(args)));
    expect(reaped.flat()).toHaveLength(3);
    expect(reaped.filter((list) => list.length > 0)).toHaveLength(1);
    expect((await scene.claim(10)).map(({ counts }) => counts.crashes)).toEqual([1, 1]);
  });

  test("the same lease named twice is reaped once", async ({ scene }) => {
    const { fence } = await scene.running({ rules: rules({ retry: AGAIN }) });
    await scene.expire();
    const lease = { fence, taskId: TASK };
    const args = { leases: [lease, lease], random: 0.5, keep: KEEP };
    expect(only(await scene.store.reap(args)).counts.crashes).toBe(1);
  });

  test("a settle and a reap of the same job: one of them counts", async ({ scene }) => {
    const second = await scene.another();
    for (let round = 0; round < 5; round += 1) {
      const held = await scene.running({ rules: rules({ retry: AGAIN }) });
      await scene.expire();
      const [answer, reaped] = await Promise.all([
        scene.settle(held, COMPLETED),
        scene.reap(second),
      ]);
      if (answer === "lost") {
        expect(reaped).toHaveLength(1);
        await scene.settle(await scene.claimOne(), COMPLETED);
      } else {
        expect(reaped).toEqual([]);
      }
      expect(await scene.claim(10)).toEqual([]);
    }
  });
}

async function manyLeases(scene: Scene, count: number): Promise<void> {
  await scene.push(Array.from({ length: count }, () => stubborn()));
  for (let n = 0; n < count; n += 1) await scene.claimOne();
}

function boundClaims(test: ContractTest): void {
  test("a look names at most twenty expired leases; the rest come next", async ({ scene }) => {
    await manyLeases(scene, 45);
    await scene.expire();
    const sizes: number[] = [];
    for (;;) {
      const { expired } = await scene.store.look(LOOK);
      if (expired.length === 0) break;
      sizes.push(expired.length);
      await scene.store.reap({ leases: expired, random: 0.5, keep: KEEP });
    }
    expect(sizes).toEqual([20, 20, 5]);
    expect((await scene.store.counts({ taskId: TASK })).ready).toBe(45);
  });

  test("a lease of a thousand jobs is taken back whole", async ({ scene }) => {
    await scene.push(Array.from({ length: 1_000 }, () => stubborn()));
    expect(await scene.claim(1_000)).toHaveLength(1_000);
    await scene.expire();
    expect(await scene.reap()).toHaveLength(1_000);
    expect((await scene.store.counts({ taskId: TASK })).ready).toBe(1_000);
  });
}
