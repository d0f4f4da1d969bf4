/** Claims about handlers that are files, and run in threads of their own. */
import { describe, expect, test } from "vitest";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "./kit/fleet.js";
import type { Member } from "./kit/member.js";
import { KINDS } from "./kit/worlds.js";

const retention = { completed: { count: 100 } };
const options = { lease: 1_000, pollInterval: 200, retention };

async function worker(fleet: Fleet, bind: object = {}): Promise<Member> {
  const member = fleet.run("threads", { bind, scheduler: { ...fleet.world.options, ...options } });
  await member.hears("started");
  return member;
}

function push(fleet: Fleet, deed: string | number, more: object = {}): Promise<string> {
  return fleet.push({ data: { journal: fleet.journal.path, deed }, ...more });
}

function state(fleet: Fleet, id: string, wanted: string) {
  const is = async () => {
    const job = await fleet.scheduler.jobs.get("task", id);
    return job?.state === wanted ? job : undefined;
  };
  return until(`job ${id} is ${wanted}`, is, 15_000);
}

describe.each(KINDS)("on %s", (kind) => {
  test("one that never yields leaves the event loop alone, and runs once", () =>
    withFleet({ kind, options }, async (fleet) => {
      const member = await worker(fleet);
      const id = await push(fleet, 3_000, { retry: true });
      const { result } = await state(fleet, id, "completed");
      expect(result).toMatchObject({ attempt: 1 });
      member.tell("longest");
      const { ms } = (await member.hears("longest")) as unknown as { ms: number };
      expect(ms).toBeLessThan(1_500);
      expect(fleet.journal.starts()).toHaveLength(1);
      member.signal("SIGTERM");
      await member.ends(5_000);
    }));

  test("it has the same context: progress, log, result", () =>
    withFleet({ kind, options }, async (fleet) => {
      const member = await worker(fleet);
      const id = await push(fleet, "tell");
      expect(await member.hears("log")).toMatchObject({ jobId: id, taskId: "task", n: 1 });
      expect(await state(fleet, id, "completed")).toMatchObject({ result: { attempt: 1 } });
    }));

  test("its errors mean what they mean elsewhere", () =>
    withFleet({ kind, options }, async (fleet) => {
      await worker(fleet);
      const [thrown, rejected] = [
        await push(fleet, "throw"),
        await push(fleet, "reject", { retry: true }),
      ];
      expect(await state(fleet, thrown, "dead")).toMatchObject({
        ...{ reason: "failed", error: "TypeError: thrown there" },
      });
      expect(await state(fleet, rejected, "dead")).toMatchObject({ reason: "rejected" });
    }));

  test("what it throws need not be of use to anybody: its attempt has failed", () =>
    withFleet({ kind, options }, async (fleet) => {
      await worker(fleet);
      for (const deed of ["throw uncopied", "throw textless"]) {
        const dead = await state(fleet, await push(fleet, deed), "dead");
        expect(dead).toMatchObject({ reason: "failed", crashes: 0 });
        expect(dead.error).not.toContain("HANDLER_DIED");
      }
    }));

  test("one that ends its thread fails its own attempt, not the process", () =>
    withFleet({ kind, options }, async (fleet) => {
      const member = await worker(fleet, { concurrency: 2 });
      const beside = await push(fleet, 1_000);
      const id = await push(fleet, "exit");
      const dead = await state(fleet, id, "dead");
      expect(dead).toMatchObject({ reason: "failed", failures: 1, crashes: 0 });
      expect(dead.error).toContain("HANDLER_DIED");
      await state(fleet, beside, "completed");
      expect(member.alive).toBe(true);
      await state(fleet, await push(fleet, "tell"), "completed");
    }));

  test("its timeout ends it although it never yields, and its slot is free again", () =>
    withFleet({ kind, options }, async (fleet) => {
      const member = await worker(fleet, { concurrency: 1, timeout: 4_000 });
      const id = await push(fleet, "spin");
      const next = await push(fleet, "tell");
      const dead = await state(fleet, id, "dead");
      expect(dead.error).toContain("TIMED_OUT");
      await state(fleet, next, "completed");
      member.tell("stop");
      await member.ends(5_000);
    }));

  test("a cancel reaches its signal; one that does not listen is ended", () =>
    withFleet({ kind, options }, async (fleet) => {
      await worker(fleet);
      const ids = [await push(fleet, "wait"), await push(fleet, "spin")];
      await until("both run", () => fleet.journal.starts().length === 2);
      for (const id of ids) await fleet.scheduler.jobs.cancel("task", id);
      for (const id of ids) await state(fleet, id, "cancelled");
      expect(fleet.journal.aborts()).toMatchObject([{ jobId: ids[0], reason: "JOB_CANCELLED" }]);
    }));

  test("threads are reused, and never more than the concurrency", () =>
    withFleet({ kind, options }, async (fleet) => {
      const member = await worker(fleet, { concurrency: 3 });
      const data = { journal: fleet.journal.path, deed: 5 };
      const pushes = Array.from({ length: 30 }, () => ({ data }));
      const answers = await fleet.scheduler.pushMany("task", pushes);
      for (const { id } of answers) await state(fleet, id ?? "", "completed");
      const threads = new Set(fleet.journal.starts().map(({ name }) => name));
      expect(fleet.journal.starts()).toHaveLength(30);
      expect(threads.size).toBeLessThanOrEqual(3);
      member.tell("stop");
      await member.ends(5_000);
    }));
});
