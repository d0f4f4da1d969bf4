/**
 * Schedules under what deploys and crashes do to them, by real processes. SCHEDULE_STORM_SECONDS
 * makes the storm longer than in the ordinary run.
 */
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { until } from "../support/until.js";
import { withFleet } from "./kit/fleet.js";
import { begun, expectEachOnce, more, rowOf, twice } from "./kit/occurrences.js";
import { KINDS } from "./kit/worlds.js";

const EVERY_SECOND = { taskId: "task", cronExpr: "* * * * * *", timezone: "UTC" } as const;
const STORM_S = Number(process.env.SCHEDULE_STORM_SECONDS ?? 10);

describe.concurrent.each(KINDS)("on %s", (kind) => {
  test(
    "eight processes that register within 20 ms of the due times fire each occurrence once",
    () =>
      withFleet({ kind }, async (fleet) => {
        const { taskId: _, ...schedule } = EVERY_SECOND;
        const orders = { journal: fleet.journal.path, schedule, spreadMs: 20 };
        const storm = Array.from({ length: 8 }, () => fleet.run("storm", orders));
        for (const member of storm) await member.hears("started");
        await more(fleet, STORM_S);
        // While somebody stays, nothing is left over.
        await fleet.worker({ schedules: [EVERY_SECOND] });
        for (const member of storm) member.tell("stop");
        for (const member of storm) expect((await member.ends(10_000)).code).toBe(0);
        await more(fleet, 1);
        await expectEachOnce(fleet);
      }),
    60_000 + STORM_S * 1_000,
  );

  test("rolling restarts each second, of whole fleets, lose and double none", () =>
    withFleet({ kind }, async (fleet) => {
      const members = [
        await fleet.worker({ schedules: [EVERY_SECOND] }),
        await fleet.worker({ schedules: [EVERY_SECOND] }),
      ];
      for (let round = 0; round < 8; round += 1) {
        const leaving = members.shift();
        leaving?.signal("SIGTERM");
        members.push(await fleet.worker({ schedules: [EVERY_SECOND] }));
        expect(await leaving?.ends(5_000)).toEqual({ code: 0, signal: null });
        await more(fleet, 1);
      }
      await expectEachOnce(fleet);
    }));

  test("a process that is killed by each occurrence that it begins loses and doubles none", () =>
    withFleet({ kind, options: { lease: 500 } }, async (fleet) => {
      const data = { plan: ["kill", "note"] };
      // Each costs a process: on a busy machine two of them take longer than a second to come back.
      const cronExpr = "*/3 * * * * *";
      const killer = { ...EVERY_SECOND, retry: true, retryTimeout: 100, data } as const;
      const { retry, retryTimeout, timezone } = killer;
      const schedule = { taskId: "task", retry, retryTimeout, cronExpr, timezone, data };
      let members = [1, 2].map(() => fleet.launch({ schedules: [schedule] }));
      for (const member of members) member.expectDeath();
      const done = () => new Set(fleet.journal.ends().map(({ jobId }) => jobId)).size;
      // One that was claimed by a process that died before it began comes a lease later.
      const hasGap = () => rowOf(begun(fleet), 3_000).length > new Set(begun(fleet)).size;
      await until(
        "five occurrences to end on their second attempt",
        () => {
          members = members.map((member) => {
            if (member.alive) return member;
            const next = fleet.launch({ schedules: [schedule] });
            next.expectDeath();
            return next;
          });
          return done() >= 5 && !hasGap();
        },
        55_000,
      );
      const instants = begun(fleet);
      expect(twice(instants)).toEqual([]);
      const ledger = await fleet.scheduler.schedules.ledger("task");
      for (const { outcome } of ledger) expect(outcome).toBe("fired");
    }));

  test("of two versions side by side the newer is in force, however the older restarts", () =>
    withFleet({ kind }, async (fleet) => {
      const old = { ...EVERY_SECOND, data: { name: "old" } } as const;
      const young = { taskId: "task", every: 500, data: { name: "new" } } as const;
      const first = await fleet.worker({ schedules: [old] });
      await more(fleet, 2);
      await fleet.worker({ schedules: [young] });
      await until(
        "the newer to run",
        () => fleet.journal.starts({ name: "new" }).length > 0,
        5_000,
      );
      const before = fleet.journal.starts({ name: "old" }).length;
      for (let restarts = 0; restarts < 3; restarts += 1) {
        const again = await fleet.worker({ schedules: [old] });
        await more(fleet, 2, 500);
        await again.kill();
      }
      await first.kill();
      await more(fleet, 2, 500);
      expect(fleet.journal.starts({ name: "old" }).length).toBe(before);
      expect(twice(begun(fleet))).toEqual([]);
      const [view] = (await fleet.scheduler.schedules.list()).schedules;
      expect(view).toMatchObject({ every: 500, kind: "code" });
    }));
});

describe("on redis", () => {
  test("after FLUSHALL nothing that ran runs again, and all goes on within seconds", () =>
    withFleet({ kind: "redis" }, async (fleet) => {
      await Promise.all([1, 2, 3, 4].map(() => fleet.worker({ schedules: [EVERY_SECOND] })));
      const { host, port } = fleet.world.server;
      const client = new Redis({ host, port });
      try {
        for (let flushes = 0; flushes < 2; flushes += 1) {
          await more(fleet, 2);
          // Right after an occurrence has run: the moment at which few know of it.
          await client.flushall();
          await more(fleet, 3, 4_000);
        }
      } finally {
        client.disconnect();
      }
      expect(twice(begun(fleet))).toEqual([]);
    }));
});
