/** Claims about schedules that several processes register. */
import { describe, expect, test } from "vitest";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "./kit/fleet.js";
import { KINDS } from "./kit/worlds.js";

const schedules = [{ taskId: "task", cronExpr: "* * * * * *" }];

/** The instants of the occurrences that ran, in order. */
function ran(fleet: Fleet): number[] {
  return fleet.journal
    .starts()
    .map(({ scheduledFor }) => scheduledFor ?? 0)
    .sort((a, b) => a - b);
}

/** Waits until so many more occurrences than now have run. */
async function occurrences(fleet: Fleet, more: number): Promise<void> {
  const wanted = ran(fleet).length + more;
  const reached = () => ran(fleet).length >= wanted;
  await until(`${wanted} occurrences`, reached, (more + 8) * 1_000);
}

/** Every second from the first to the last, once each. */
function secondsOf(instants: readonly number[]): number[] {
  const [first = 0] = instants;
  const count = ((instants.at(-1) ?? 0) - first) / 1_000 + 1;
  return Array.from({ length: count }, (_, n) => first + n * 1_000);
}

describe.concurrent.each(KINDS)("on %s", (kind) => {
  test("two processes fire each occurrence once, while one of them is restarted", () =>
    withFleet({ kind }, async (fleet) => {
      await fleet.worker({ schedules });
      for (let restarts = 0; restarts < 3; restarts += 1) {
        const other = await fleet.worker({ schedules });
        await occurrences(fleet, 2);
        other.signal("SIGTERM");
        expect(await other.ends(5_000)).toEqual({ code: 0, signal: null });
      }
      await occurrences(fleet, 1);
      expect(ran(fleet)).toEqual(secondsOf(ran(fleet)));
      for (const { at, scheduledFor = 0 } of fleet.journal.starts()) {
        expect(at).toBeGreaterThanOrEqual(scheduledFor);
        expect(at - scheduledFor).toBeLessThan(2_000);
      }
    }));

  test("four processes miss none and double none, while they are killed one after the other", () =>
    withFleet({ kind, options: { lease: 500 } }, async (fleet) => {
      const members = await Promise.all([1, 2, 3, 4].map(() => fleet.worker({ schedules })));
      for (let kills = 0; kills < 4; kills += 1) {
        await members.shift()?.kill();
        members.push(await fleet.worker({ schedules }));
        await occurrences(fleet, 1);
      }
      await occurrences(fleet, 2);
      // A process that died between claiming an occurrence and beginning it has taken it along.
      const { jobs: dead } = await fleet.scheduler.jobs.list("task", { state: "dead" });
      const ids = new Set(fleet.journal.starts().map(({ jobId }) => jobId));
      const lost = dead.filter(({ id }) => !ids.has(id)).map((job) => job.scheduledFor ?? 0);
      const all = [...ran(fleet), ...lost].sort((a, b) => a - b);
      expect(all).toEqual(secondsOf(all));
    }));

  test("a schedule goes on after a time in which no process lived", () =>
    withFleet({ kind }, async (fleet) => {
      const first = await fleet.worker({ schedules });
      await occurrences(fleet, 1);
      await first.kill();
      const second = await fleet.worker({ schedules });
      await until("its first", () => fleet.journal.starts({ pid: second.pid })[0], 8_000);
      await occurrences(fleet, 2);
      expect(ran(fleet)).toEqual(secondsOf(ran(fleet)));
    }));
});
