/** Claims about handlers that compute, and hold the event loop for longer than their lease. */
import { describe, expect, test } from "vitest";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "./kit/fleet.js";
import type { Line } from "./kit/journal.js";
import type { Member } from "./kit/member.js";
import { KINDS } from "./kit/worlds.js";

const LEASE_MS = 1_000;
const options = { lease: LEASE_MS, pollInterval: 200 };
/** For a busy machine. */
const SLACK_MS = 2_500;

/** A worker whose handler computes. */
async function blocker(fleet: Fleet, scheduler: object = {}): Promise<Member> {
  const { journal } = fleet;
  const all = { ...fleet.world.options, ...options, ...scheduler };
  const member = fleet.run("blocker", { scheduler: all, journal: journal.path });
  await member.hears("started");
  return member;
}

function startOf(fleet: Fleet, filter: Partial<Line>, timeoutMs = 8_000): Promise<Line> {
  const what = `the start of ${JSON.stringify(filter)}`;
  return until(what, () => fleet.journal.starts(filter)[0], timeoutMs);
}

async function drained(fleet: Fleet): Promise<void> {
  const empty = async () => {
    const { scheduled, ready, running } = await fleet.scheduler.jobs.counts("task");
    return scheduled + ready + running === 0;
  };
  await until("no job runs or waits", empty, 15_000);
}

const AGAIN = { retry: true, retryTimeout: 1 } as const;

describe.each(KINDS)("on %s", (kind) => {
  test("a handler that computes for three leases runs once", () =>
    withFleet({ kind, options }, async (fleet) => {
      const first = await blocker(fleet);
      await fleet.push({ ...AGAIN, data: { blockMs: [3 * LEASE_MS] } });
      await startOf(fleet, {});
      await blocker(fleet);
      await drained(fleet);
      expect(fleet.journal.starts()).toHaveLength(1);
      const { total } = await fleet.scheduler.jobs.counts("task");
      expect(total).toMatchObject({ completed: 1, crashes: 0 });
      expect(first.has("lease:lost") || first.has("error")).toBe(false);
      first.signal("SIGTERM");
      await first.ends(5_000);
    }));

  test('with renewFrom: "main" it does not: its lease is lost', () =>
    withFleet({ kind, options }, async (fleet) => {
      const first = await blocker(fleet, { renewFrom: "main" });
      // Long enough for a second process to begin on a busy machine.
      await fleet.push({ ...AGAIN, data: { blockMs: [10 * LEASE_MS] } });
      await startOf(fleet, {});
      const second = await blocker(fleet);
      expect(await startOf(fleet, { attempt: 2 })).toMatchObject({ pid: second.pid });
      await drained(fleet);
      await first.hears("lease:lost");
    }));

  test("it is run again one lease after its process was killed", () =>
    withFleet({ kind, options }, async (fleet) => {
      const first = await blocker(fleet);
      await fleet.push({ ...AGAIN, data: { blockMs: [60_000] } });
      const { at } = await startOf(fleet, {});
      const second = await blocker(fleet);
      // Later than its first lease alone would have lasted.
      await until("two leases have passed", () => Date.now() - at > 2 * LEASE_MS);
      expect(fleet.journal.starts()).toHaveLength(1);
      await first.kill();
      const killedAt = Date.now();
      const again = await startOf(fleet, { attempt: 2 });
      expect(again).toMatchObject({ pid: second.pid });
      expect(again.at - killedAt).toBeLessThan(LEASE_MS + SLACK_MS);
    }));

  test("a process that stands still loses its job, thread or not", () =>
    withFleet({ kind, options }, async (fleet) => {
      const first = await blocker(fleet);
      await fleet.push({ ...AGAIN, data: { blockMs: [6 * LEASE_MS] } });
      await startOf(fleet, {});
      const second = await blocker(fleet);
      first.signal("SIGSTOP");
      expect(await startOf(fleet, { attempt: 2 })).toMatchObject({ pid: second.pid });
      first.signal("SIGCONT");
      await drained(fleet);
      await first.hears("lease:lost");
    }));

  test("it is kept no longer than its timeout after the last sign of life", () =>
    withFleet({ kind, options }, async (fleet) => {
      await blocker(fleet);
      const timeout = 2 * LEASE_MS;
      await fleet.push({ ...AGAIN, timeout, data: { blockMs: [8 * LEASE_MS] } });
      const { at } = await startOf(fleet, {});
      const second = await blocker(fleet);
      const again = await startOf(fleet, { attempt: 2 });
      expect(again).toMatchObject({ pid: second.pid });
      expect(again.at - at).toBeGreaterThan(timeout);
      expect(again.at - at).toBeLessThan(timeout + LEASE_MS + SLACK_MS);
    }));

  test("jobs that stand ready behind it are run by others, each once", () =>
    withFleet({ kind, options }, async (fleet) => {
      const first = await blocker(fleet);
      const blockMs = 5 * LEASE_MS;
      const jobs = Array.from({ length: 8 }, (_, k) => ({
        ...{ id: `id ${k}`, data: { name: `n${k}`, blockMs: k === 0 ? [blockMs] : [] } },
        retry: AGAIN.retry,
      }));
      await fleet.scheduler.pushMany("task", jobs);
      const { at } = await startOf(fleet, { name: "n0" });
      const second = await blocker(fleet);
      await until("the others have run", () => fleet.journal.ends().length === 7);
      expect(Date.now() - at).toBeLessThan(blockMs);
      expect(fleet.journal.starts({ pid: first.pid })).toHaveLength(1);
      await drained(fleet);
      expect(fleet.journal.starts()).toHaveLength(8);
      expect(fleet.journal.starts({ pid: second.pid })).toHaveLength(7);
      const { total } = await fleet.scheduler.jobs.counts("task");
      expect(total).toMatchObject({ completed: 8, crashes: 0, failures: 0 });
      expect(first.has("lease:lost") || first.has("error")).toBe(false);
    }));
});
