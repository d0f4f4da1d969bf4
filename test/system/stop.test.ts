/** Claims about the end of a process: what it gives back, and that it comes in time. */
import { describe, expect, test } from "vitest";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "./kit/fleet.js";
import type { Member } from "./kit/member.js";
import { KINDS, OUTAGES } from "./kit/worlds.js";

/** So long that nobody could mistake the end of a lease for a hand-back. */
const LEASE_MS = 60_000;
const CLEAN = { code: 0, signal: null };

function running(fleet: Fleet, jobs: number): Promise<unknown> {
  return until(`${jobs} handlers run`, () => fleet.journal.starts().length >= jobs, 10_000);
}

describe.concurrent.each(KINDS)("on %s", (kind) => {
  test("SIGTERM gives retry-on jobs to others at once, at no cost, and ends the process", () =>
    withFleet({ kind, options: { lease: LEASE_MS, stopTimeout: 300 } }, async (fleet) => {
      const first = await fleet.worker();
      const data = { plan: ["hang" as const] };
      const kept = await fleet.push({ data, retry: true });
      const once = await fleet.push({ data });
      await running(fleet, 2);
      const second = await fleet.worker();
      const askedAt = Date.now();
      first.signal("SIGTERM");
      expect(await first.ends(5_000)).toEqual(CLEAN);
      const again = await until(
        "the other one",
        () => fleet.journal.starts({ pid: second.pid })[0],
      );
      expect(again).toMatchObject({ jobId: kept, attempt: 1 });
      expect(again.at - askedAt).toBeLessThan(3_000);
      expect(await fleet.scheduler.jobs.get("task", kept)).toMatchObject({
        state: "running",
        failures: 0,
        crashes: 0,
        handOffs: 1,
      });
      expect(await fleet.scheduler.jobs.get("task", once)).toMatchObject({
        state: "dead",
        reason: "interrupted",
      });
      expect(fleet.journal.aborts({ pid: first.pid }).map(({ reason }) => reason)).toEqual([
        "STOPPING",
        "STOPPING",
      ]);
    }));

  test("SIGTERM lets a handler end that needs less than stopTimeout", () =>
    withFleet({ kind, options: { lease: 300 } }, async (fleet) => {
      const worker = await fleet.worker();
      const id = await fleet.push({ data: { plan: [1_500] } });
      await running(fleet, 1);
      worker.signal("SIGTERM");
      expect(await worker.ends(8_000)).toEqual(CLEAN);
      // Five leases long, and nobody could take it away meanwhile.
      expect(fleet.journal.ends({ jobId: id })).toHaveLength(1);
      expect(fleet.journal.aborts()).toEqual([]);
      expect((await fleet.scheduler.jobs.counts("task")).total).toMatchObject({ completed: 1 });
    }));

  test("a process that only pushes ends by itself after its push", () =>
    withFleet({ kind }, async (fleet) => {
      const pushes = [{ data: { name: "a" } }, { data: { name: "b" }, delay: "1h" }];
      const producer = fleet.run("producer", { taskId: "task", pushes });
      const { ids, at } = await producer.hears("pushed");
      expect(await producer.ends(5_000)).toEqual(CLEAN);
      expect(Date.now() - at).toBeLessThan(3_000);
      const states = (ids ?? []).map(
        async (id) => (await fleet.scheduler.jobs.get("task", id))?.state,
      );
      expect(await Promise.all(states)).toEqual(["ready", "scheduled"]);
    }));

  test("a scheduler that was stopped lets its process end", () =>
    withFleet({ kind }, async (fleet) => {
      const worker = await fleet.worker();
      worker.tell("stop");
      expect(await worker.ends(5_000)).toEqual(CLEAN);
    }));
});

/** stopTimeout, and the bounds of the last words, the last steps and the closing. */
const STOP_MS = 500 + 2_000 + 500 + 2_000;

describe.concurrent.each(OUTAGES)("with %s", (_name, kind, takeAway) => {
  test("stop() ends within its bound, and so does the process", () =>
    withFleet({ kind, options: { stopTimeout: 500 } }, async (fleet) => {
      const worker = await fleet.worker();
      await fleet.push({ data: { plan: ["hang"] }, retry: true });
      await running(fleet, 1);
      const giveBack = await takeAway(fleet.world);
      try {
        const askedAt = Date.now();
        worker.tell("stop");
        expect(await worker.ends(STOP_MS + 3_000)).toEqual(CLEAN);
        expect(Date.now() - askedAt).toBeLessThan(STOP_MS + 1_500);
        expect(fleet.journal.aborts()).toHaveLength(1);
      } finally {
        await giveBack();
      }
    }));

  test("calls that nobody awaits end no process and leave no rejection unhandled", () =>
    withFleet({ kind, options: { pushTimeout: 500, stopTimeout: 500 } }, async (fleet) => {
      if (kind === "sqlite") await fleet.push();
      const giveBack = await takeAway(fleet.world);
      try {
        // It logs on stderr: nobody listens to its errors.
        const options = { ...fleet.world.options, pushTimeout: 500, stopTimeout: 500 };
        const careless = fleet.run("careless", { scheduler: options });
        await careless.hears("going");
        const told = () => careless.said.includes("an error that nobody listens to");
        await until("the failed push is told", told, 10_000);
        await isThere(careless);
        careless.tell("stop twice and start");
        await isThere(careless);
        careless.tell("stop");
        expect(await careless.ends(12_000)).toEqual(CLEAN);
        expect(careless.messages.filter(({ type }) => type === "unhandled")).toEqual([]);
      } finally {
        await giveBack();
      }
    }));
});

async function isThere(member: Member): Promise<void> {
  member.tell("are you there?");
  await member.hears("yes", 5_000);
}
