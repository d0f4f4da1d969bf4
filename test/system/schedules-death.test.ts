/** Schedules when whoever fires dies at once, before the handler of what it fired has begun. */
import { describe, test } from "vitest";
import { until } from "../support/until.js";
import { withFleet } from "./kit/fleet.js";
import { expectEachOnce, more } from "./kit/occurrences.js";
import { KINDS } from "./kit/worlds.js";

const CRON = { cronExpr: "* * * * * *", timezone: "UTC" } as const;
const EVERY_SECOND = { taskId: "task", ...CRON } as const;

describe.concurrent.each(KINDS)("on %s", (kind) => {
  test("what was fired by a process that died at once is run by another one, once", () =>
    withFleet({ kind, options: { lease: 500 } }, async (fleet) => {
      const schedule = { ...CRON, retry: true, retryTimeout: 1 };
      const orders = { journal: fleet.journal.path, schedule };
      const launch = () => {
        const member = fleet.run("assassin", orders);
        member.expectDeath();
        return member;
      };
      let members = [launch(), launch(), launch()];
      const deaths = () => fleet.members.filter(({ alive }) => !alive).length;
      await until(
        "six deaths",
        () => {
          members = members.map((member) => (member.alive ? member : launch()));
          return deaths() >= 6;
        },
        30_000,
      );
      const { retry, retryTimeout } = schedule;
      await fleet.worker({ schedules: [{ ...EVERY_SECOND, retry, retryTimeout }] });
      await Promise.all(members.map((member) => member.kill()));
      await more(fleet, 2);
      await expectEachOnce(fleet);
    }));
});
