/** What befell the running jobs of others. Each must not befall ours. */
import { describe, expect, test } from "vitest";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "../system/kit/fleet.js";
import type { Line } from "../system/kit/journal.js";
import type { Member } from "../system/kit/member.js";
import { KINDS } from "../system/kit/worlds.js";
import { gate, withScene } from "./scene.js";

const LEASE_MS = 1_000;
/** Pushes wait for as long as a busy machine takes. */
const options = { lease: LEASE_MS, pollInterval: 200, pushTimeout: "20s" } as const;
const AGAIN = { retry: true, retryTimeout: 1 } as const;

function startOf(fleet: Fleet, filter: Partial<Line>): Promise<Line> {
  const found = () => fleet.journal.starts(filter)[0];
  return until(`the start of ${JSON.stringify(filter)}`, found, 10_000);
}

async function completed(fleet: Fleet, count: number): Promise<void> {
  const counted = async () => (await fleet.scheduler.jobs.counts("task")).total.completed;
  await until(`${count} to be completed`, async () => (await counted()) === count, 15_000);
}

describe.concurrent("taskforcesh/bullmq#3183, OptimalBits/bull#308", () => {
  test("3: a job whose process is busy or stood still is not completed by two", () =>
    withFleet({ kind: "redis", options }, async (fleet) => {
      const worker = async (): Promise<Member> => {
        const all = { ...fleet.world.options, ...options };
        const member = fleet.run("blocker", { scheduler: all, journal: fleet.journal.path });
        await member.hears("started");
        return member;
      };
      const first = await worker();
      const blocking = await fleet.push({ ...AGAIN, data: { blockMs: [2.5 * LEASE_MS] } });
      await startOf(fleet, { jobId: blocking });
      const second = await worker();
      await completed(fleet, 1);
      expect(fleet.journal.starts(), "while it blocks").toHaveLength(1);
      await second.kill();

      const frozen = await fleet.push({ ...AGAIN, data: { blockMs: [LEASE_MS / 2, 0] } });
      const before = await startOf(fleet, { jobId: frozen });
      first.signal("SIGSTOP");
      const third = await worker();
      const after = await startOf(fleet, { jobId: frozen, attempt: 2 });
      expect(after.pid).toBe(third.pid);
      expect(after.fence).toBeGreaterThan(before.fence);
      await completed(fleet, 2);
      first.signal("SIGCONT");
      await first.hears("lease:lost");
      await until("its late end", () => fleet.journal.ends({ jobId: frozen }).length === 2);
      // What comes after it on the same connection shows that the late end was answered.
      await third.kill();
      await startOf(fleet, { jobId: await fleet.push({ data: {} }), pid: first.pid });
      await completed(fleet, 3);
      const { total } = await fleet.scheduler.jobs.counts("task");
      expect(total).toMatchObject({ pushed: 3, completed: 3, crashes: 1, dead: 0 });
    }));
});

describe.concurrent("hibiken/asynq#1015, hibiken/asynq#334", () => {
  test.each(KINDS)(
    "9: the death of a process is not taken for a failure, nor does it wait for a time-out (%s)",
    (kind) =>
      withFleet({ kind, options: { ...options, lease: 500 } }, async (fleet) => {
        const first = await fleet.worker();
        const once = await fleet.push({ data: { plan: ["hang"] } });
        const data = { plan: ["hang", "fail", "note"] };
        const again = await fleet.push({ data, retry: 3, retryTimeout: 1, timeout: "1h" });
        await startOf(fleet, { jobId: once });
        await startOf(fleet, { jobId: again });
        await first.kill();
        await fleet.worker();
        await completed(fleet, 1);
        const attempts = fleet.journal.starts({ jobId: again }).map(({ attempt }) => attempt);
        expect(attempts).toEqual([1, 2, 3]);
        const { jobs } = fleet.scheduler;
        expect(await jobs.get("task", once)).toMatchObject({
          ...{ state: "dead", reason: "interrupted", failures: 0 },
        });
        expect(fleet.journal.starts({ jobId: once })).toHaveLength(1);
        const { total } = await jobs.counts("task");
        expect(total).toMatchObject({ completed: 1, dead: 1, failures: 1, crashes: 1 });
      }),
  );
});

describe.concurrent("bee-queue/bee-queue#52, bee-queue/bee-queue#106", () => {
  test("10: a job that kills its process neither stands in front of others nor kills on", () =>
    withFleet({ kind: "redis", options: { ...options, lease: 300 } }, async (fleet) => {
      const tasks = { task: { concurrency: 1 } };
      const next = () => {
        const member = fleet.launch({ tasks });
        member.expectDeath();
        return member;
      };
      const data = { name: "killer", plan: ["kill"] };
      const killer = await fleet.push({ data, retry: 3, retryTimeout: 1 });
      await next().exit;
      const others = Array.from({ length: 5 }, () => ({ ...AGAIN, data: { name: "other" } }));
      await fleet.scheduler.pushMany("task", others);
      // Takes jobs back, and runs none.
      await fleet.scheduler.bind("other", () => {}).start();
      const { jobs } = fleet.scheduler;
      const isBack = async () => (await jobs.get("task", killer))?.state === "ready";
      await until("the killer to stand in line again", isBack);
      let member = next();
      const isDead = async () => {
        if (!member.alive) member = next();
        return (await jobs.get("task", killer))?.state === "dead";
      };
      await until("the killer to be dead", isDead, 30_000);
      await completed(fleet, 5);
      const names = fleet.journal.starts().map(({ name }) => name);
      expect(names.filter((name) => name === "killer")).toHaveLength(3);
      expect(names.slice(0, 7)).toEqual(["killer", ...Array(5).fill("other"), "killer"]);
      expect(await jobs.get("task", killer)).toMatchObject({ reason: "crashes" });
    }));
});

describe.concurrent("agenda/agenda#1575, agenda/agenda#722", () => {
  test.each(KINDS)(
    "16: no job runs again when its lease's time is over, done or still at it (%s)",
    (kind) =>
      withScene(kind, async (scene) => {
        const long = gate();
        const work = (data: unknown) => (data === "long" ? long.passed : undefined);
        await scene.worker({ options, work });
        await scene.worker({ options, work });
        const pusher = scene.create();
        const short = await pusher.push("task", { ...AGAIN, data: "short" });
        const still = await pusher.push("task", { ...AGAIN, data: "long" });
        // It runs when the time of two leases has passed.
        const { id: mark } = await pusher.push("task", { ...AGAIN, delay: 2 * LEASE_MS + 200 });
        await scene.begun(still.id);
        await scene.begun(mark, 10_000);
        long.open();
        const counts = async () => (await pusher.jobs.counts("task")).total;
        await until("all to have ended", async () => (await counts()).completed === 3);
        expect(await counts()).toMatchObject({ crashes: 0, failures: 0 });
        expect(scene.runsOf(short.id)).toHaveLength(1);
        expect(scene.runsOf(still.id)).toHaveLength(1);
      }),
  );
});
