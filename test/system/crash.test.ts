/** Claims about processes that die or freeze in the middle of a job. */
import { describe, expect, test } from "vitest";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "./kit/fleet.js";
import type { Line } from "./kit/journal.js";
import type { Member } from "./kit/member.js";
import { isLocked, KINDS } from "./kit/worlds.js";

const LEASE_MS = 1_000;
const POLL_MS = 200;
/** For a busy machine. */
const SLACK_MS = 1_500;
const options = { lease: LEASE_MS, pollInterval: POLL_MS };

/** The first start of an attempt, which may have been noted already. */
function startOf(fleet: Fleet, filter: Partial<Line>, timeoutMs = 8_000): Promise<Line> {
  const what = `the start of ${JSON.stringify(filter)}`;
  return until(what, () => fleet.journal.starts(filter)[0], timeoutMs);
}

/** Nothing runs and nothing waits. */
function drained(fleet: Fleet, timeoutMs = 8_000): Promise<unknown> {
  const empty = async () => {
    const { scheduled, ready, running } = await fleet.scheduler.jobs.counts("task");
    return scheduled + ready + running === 0;
  };
  return until("no job runs or waits", empty, timeoutMs);
}

/** SIGSTOP, but not in the middle of a SQLite transaction: that would lock everybody out. */
async function freeze({ world }: Fleet, member: Member): Promise<void> {
  const isFree = async () => world.kind === "redis" || !(await isLocked(world));
  const frozen = async () => {
    member.signal("SIGSTOP");
    if (await isFree()) return true;
    member.signal("SIGCONT");
    return false;
  };
  await until("the process is frozen", frozen);
}

describe.concurrent.each(KINDS)("on %s", (kind) => {
  test("a job whose process was killed is run again by another one, soon and counted", () =>
    withFleet({ kind, options }, async (fleet) => {
      const first = await fleet.worker();
      const id = await fleet.push({
        data: { plan: ["hang", "note"] },
        retry: true,
        retryTimeout: 1,
      });
      const before = await startOf(fleet, { attempt: 1 });
      const second = await fleet.worker();
      await first.kill();
      const killedAt = Date.now();
      const again = await startOf(fleet, { attempt: 2 });
      expect(again).toMatchObject({ pid: second.pid, jobId: id });
      expect(again.fence).toBeGreaterThan(before.fence);
      expect(again.at - killedAt).toBeLessThan(LEASE_MS + POLL_MS + SLACK_MS);
      await drained(fleet);
      expect(fleet.journal.starts()).toHaveLength(2);
      const { total } = await fleet.scheduler.jobs.counts("task");
      expect(total).toMatchObject({ completed: 1, crashes: 1, failures: 0, dead: 0 });
    }));

  test("a retry-off job whose process was killed is dead, to be seen, and never run again", () =>
    withFleet({ kind, options }, async (fleet) => {
      const first = await fleet.worker();
      const id = await fleet.push({ data: { plan: ["hang"] } });
      await startOf(fleet, { jobId: id });
      await fleet.worker();
      await first.kill();
      const { jobs } = fleet.scheduler;
      const isDead = async () => (await jobs.get("task", id))?.state === "dead";
      await until("the job is dead", isDead, LEASE_MS + POLL_MS + SLACK_MS);
      expect(await jobs.get("task", id)).toMatchObject({ reason: "interrupted" });
      const dead = await jobs.list("task", { state: "dead" });
      expect(dead.jobs.map((job) => job.id)).toEqual([id]);
      // Whatever comes after it shows that the other process works, and left this one alone.
      const next = await fleet.push();
      await startOf(fleet, { jobId: next });
      expect(fleet.journal.starts({ jobId: id })).toHaveLength(1);
    }));

  test(
    "a job that kills its process every time is given up; its nine neighbours complete",
    () =>
      withFleet({ kind, options: { lease: 500, pollInterval: POLL_MS } }, async (fleet) => {
        const again = { retry: true, retryTimeout: 1 };
        const orders = ["killer", ...Array.from({ length: 9 }, (_, n) => `innocent ${n}`)];
        await fleet.scheduler.pushMany(
          "task",
          orders.map((name) => ({
            data: { name, plan: [name === "killer" ? ("kill" as const) : 1_000] },
            ...again,
          })),
        );
        const ended = async () => {
          const { completed, dead } = (await fleet.scheduler.jobs.counts("task")).total;
          return completed + dead === 10;
        };
        let over = false;
        const all = until("all have ended", ended, 50_000).finally(() => {
          over = true;
        });
        all.catch(() => {});
        while (!over) {
          const worker = fleet.launch();
          worker.expectDeath();
          await Promise.race([worker.exit, all]);
        }
        await all;
        const { total } = await fleet.scheduler.jobs.counts("task");
        expect(total).toMatchObject({ completed: 9, dead: 1 });
        const { jobs } = await fleet.scheduler.jobs.list("task", { state: "dead" });
        expect(jobs[0]).toMatchObject({ data: { name: "killer" }, reason: "crashes" });
        expect(fleet.journal.starts({ name: "killer" })).toHaveLength(10);
        const innocents = new Set(fleet.journal.ends().map((line) => line.name));
        expect(innocents.size).toBe(9);
      }),
    60_000,
  );

  test("a frozen process loses its job to another one, and is told when it wakes", () =>
    withFleet({ kind, options: keeping }, async (fleet) => {
      const first = await fleet.worker();
      const id = await fleet.push({
        data: { plan: ["hang", "note"] },
        retry: true,
        retryTimeout: 1,
      });
      const before = await startOf(fleet, { attempt: 1 });
      const second = await fleet.worker();
      await freeze(fleet, first);
      const frozenAt = Date.now();
      const again = await startOf(fleet, { attempt: 2 });
      expect(again.pid).toBe(second.pid);
      expect(again.fence).toBeGreaterThan(before.fence);
      await drained(fleet);
      await until("three leases are over", () => Date.now() - frozenAt > 3 * LEASE_MS);
      first.signal("SIGCONT");
      await first.hears("lease:lost", 5_000);
      const abort = await until("the abort", () => fleet.journal.aborts({ jobId: id })[0]);
      expect(abort).toMatchObject({ pid: first.pid, reason: "LEASE_LOST", attempt: 1 });
      // Its handler has returned a result of its own by now, which must not count.
      await until("the late end", () => fleet.journal.ends({ pid: first.pid })[0]);
      await first.kill();
      await expectResultBy(fleet, id, second.pid);
    }));

  test("what a frozen process brings too late does not count", () =>
    withFleet({ kind, options: keeping }, async (fleet) => {
      const first = await fleet.worker();
      // Over while it is frozen: the first thing it does awake is to bring its result.
      const id = await fleet.push({ data: { plan: [500, "note"] }, retry: true, retryTimeout: 1 });
      await startOf(fleet, { attempt: 1 });
      await freeze(fleet, first);
      const second = await fleet.worker();
      await startOf(fleet, { attempt: 2 });
      await drained(fleet);
      first.signal("SIGCONT");
      await until("the late end", () => fleet.journal.ends({ pid: first.pid })[0]);
      await first.hears("lease:lost", 5_000);
      await expectResultBy(fleet, id, second.pid);
    }));
});

const keeping = { ...options, retention: { completed: { count: 100 } } };

async function expectResultBy(fleet: Fleet, id: string, pid: number): Promise<void> {
  const { jobs } = fleet.scheduler;
  expect(await jobs.get("task", id)).toMatchObject({
    state: "completed",
    result: `by ${pid}`,
    attempt: 2,
  });
  expect((await jobs.counts("task")).total).toMatchObject({ completed: 1, crashes: 1 });
}
