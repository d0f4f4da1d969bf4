/** renew: a living owner keeps its jobs, and learns what it has lost or must stop. */
import { describe, expect } from "vitest";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  KEEP,
  LEASE_MS,
  NO_SCHEDULES,
  newJob,
  only,
  retryIn,
  settleOf,
  stubborn,
  TASK,
} from "../words.js";

const NOTHING_TO_TELL = { lost: [], cancelled: [] };

export function renewClaims(test: ContractTest): void {
  describe("renew", () => {
    lengthClaims(test);
    lostClaims(test);
    cancelledClaims(test);
    progressClaims(test);
  });
}

function lengthClaims(test: ContractTest): void {
  test("makes a lease last its own full length from now", async ({ scene }) => {
    const long = await scene.running({}, { leaseMs: 90_000 });
    const short = await scene.running({}, { leaseMs: 30_000 });
    await scene.world.advance(10_000);
    const before = await scene.world.now();
    expect(await scene.renew([long, short])).toEqual(NOTHING_TO_TELL);
    const after = await scene.world.now();
    for (const { id, leaseMs } of [long, short]) {
      const { leaseEndsAt } = await scene.view(id);
      expect(leaseEndsAt).toBeGreaterThanOrEqual(before + leaseMs);
      expect(leaseEndsAt).toBeLessThanOrEqual(after + leaseMs + 1);
    }
  });

  test("keeps a job running for as long as it goes on", async ({ scene }) => {
    const held = await scene.running();
    for (let n = 0; n < 10; n += 1) {
      await scene.pass(LEASE_MS / 3);
      expect(await scene.renew([held])).toEqual(NOTHING_TO_TELL);
      expect(await scene.reap()).toEqual([]);
    }
    expect(await scene.settle(held, COMPLETED)).toMatchObject({ state: "completed" });
  });

  test("revives a lease that has expired but was not reaped", async ({ scene }) => {
    const held = await scene.running();
    await scene.expire();
    const { expired } = await scene.store.look(NO_WISHES);
    expect(expired).toMatchObject([{ fence: held.fence, taskId: TASK }]);
    expect(await scene.renew([held])).toEqual(NOTHING_TO_TELL);
    expect(await scene.store.reap({ leases: expired, random: 0.5, keep: KEEP })).toEqual([]);
    expect(await scene.stateOf(held.id)).toBe("running");
  });

  test("of nothing says nothing", async ({ scene }) => {
    expect(await scene.renew([])).toEqual(NOTHING_TO_TELL);
  });

  test("takes many leases of many tasks at once", async ({ scene }) => {
    const taskIds = Array.from({ length: 60 }, (_, n) => `task-${n % 20}`);
    await scene.push(taskIds.map((taskId) => newJob({ taskId })));
    const held = [];
    for (const taskId of taskIds) held.push(await scene.claimOne({ taskId }));
    expect(await scene.renew(held)).toEqual(NOTHING_TO_TELL);
  });
}

const RUNNING = { taskId: TASK, state: "running", cursor: null, limit: 10 } as const;
const NO_WISHES = { taskIds: [], ...NO_SCHEDULES, sleepMs: 1_000 };

function lostClaims(test: ContractTest): void {
  test("names the leases that were reaped, and renews the others", async ({ scene }) => {
    const gone = await scene.running();
    await scene.expire();
    await scene.reap();
    const here = await scene.running();
    await scene.world.advance(5_000);
    const before = await scene.world.now();
    const renewed = await scene.renew([gone, here]);
    expect(renewed.lost).toEqual([{ fence: gone.fence, taskId: TASK }]);
    expect((await scene.view(here.id)).leaseEndsAt).toBeGreaterThanOrEqual(before + LEASE_MS);
  });

  test("does not bring back a lease whose jobs have all ended", async ({ scene }) => {
    const held = await scene.running();
    await scene.settle(held, COMPLETED);
    await scene.renew([held]);
    await scene.expire();
    expect(await scene.reap()).toEqual([]);
  });

  test("does not touch the next attempt of a lost job", async ({ scene }) => {
    await scene.push([stubborn()]);
    const late = await scene.claimOne();
    await scene.expire();
    await scene.reap();
    const next = await scene.claimOne();
    const { leaseEndsAt } = await scene.view(next.id);
    await scene.world.advance(5_000);
    expect((await scene.renew([late])).lost).toEqual([{ fence: late.fence, taskId: TASK }]);
    expect(await scene.view(next.id)).toMatchObject({ leaseEndsAt, fence: next.fence });
  });

  test("refuses a fence that never was", async ({ scene }) => {
    const lease = { fence: "0000000000000001", taskId: TASK };
    const renewed = await scene.store.renew({ leases: [lease], progress: [] });
    expect(renewed.lost).toEqual([lease]);
  });
}

function cancelledClaims(test: ContractTest): void {
  test("names the jobs that somebody cancelled, until they have ended", async ({ scene }) => {
    await scene.push([newJob(), newJob(), newJob()]);
    const held = await scene.claim(3);
    const [first, second] = held;
    await scene.cancel(second!.id);
    const told = { fence: second!.fence, taskId: TASK, number: second!.number };
    expect(await scene.renew([first!])).toEqual({ lost: [], cancelled: [told] });
    expect(await scene.renew([first!])).toEqual({ lost: [], cancelled: [told] });
    await scene.settle(second!, COMPLETED);
    expect(await scene.renew([first!])).toEqual(NOTHING_TO_TELL);
  });

  test("does not name the cancelled jobs of other leases", async ({ scene }) => {
    const mine = await scene.running();
    const other = await scene.running();
    await scene.cancel(other.id);
    expect(await scene.renew([mine])).toEqual(NOTHING_TO_TELL);
    expect((await scene.renew([mine, other])).cancelled).toHaveLength(1);
  });
}

function progressClaims(test: ContractTest): void {
  const say = (number: string, value: string) => [{ taskId: TASK, number, value }];

  test("carries what the handler said, replaced by each renewal", async ({ scene }) => {
    const held = await scene.running();
    const leases = [{ fence: held.fence, taskId: TASK }];
    expect((await scene.view(held.id)).progress).toBeNull();
    await scene.store.renew({ leases, progress: say(held.number, "1") });
    expect((await scene.view(held.id)).progress).toBe("1");
    await scene.store.renew({ leases, progress: say(held.number, '{"done":2}') });
    expect((await scene.view(held.id)).progress).toBe('{"done":2}');
  });

  test("leaves the progress of a job that says nothing new", async ({ scene }) => {
    const held = await scene.running();
    const leases = [{ fence: held.fence, taskId: TASK }];
    await scene.store.renew({ leases, progress: say(held.number, "1") });
    await scene.renew([held]);
    expect((await scene.view(held.id)).progress).toBe("1");
  });

  test("takes no progress of a job that was lost", async ({ scene }) => {
    await scene.push([stubborn()]);
    const { fence, number } = await scene.claimOne();
    const leases = [{ fence, taskId: TASK }];
    await scene.expire();
    await scene.reap();
    await scene.store.renew({ leases, progress: say(number, "1") });
    expect((await scene.view((await scene.claimOne()).id)).progress).toBeNull();
    await scene.store.renew({ leases, progress: say(number, "1") });
    expect((await scene.store.list(RUNNING)).jobs.map(({ progress }) => progress)).toEqual([null]);
  });

  test("keeps no progress of a job whose attempt has ended", async ({ scene }) => {
    const held = await scene.running();
    const leases = [{ fence: held.fence, taskId: TASK }];
    await scene.store.renew({ leases, progress: say(held.number, "1") });
    await scene.store.work({
      settles: [settleOf(held, retryIn(0))],
      claims: [],
      idle: false,
      leaseMs: LEASE_MS,
      keep: KEEP,
    });
    await scene.world.advance(1_000);
    const again = only(await scene.claim(1));
    expect((await scene.view(again.id)).progress).toBeNull();
  });
}
