/**
 * Schedules when a replica takes over that had not received the last occurrences: live instances
 * tell it what they know to have fired. Handlers' own lines say what ran, on either server.
 */
import { describe, expect, test } from "vitest";
import { until } from "../support/until.js";
import type { Fleet } from "./kit/fleet.js";
import { expectNoneLost, instantsOf, rowOf, twice } from "./kit/occurrences.js";
import { type Pair, withPair } from "./kit/pair.js";

const SECOND = 1_000;
const CRON = { cronExpr: "* * * * * *", timezone: "UTC" } as const;
const IN_CODE = [
  { taskId: "task", scheduleId: "cron", ...CRON },
  { taskId: "task", scheduleId: "every", every: SECOND },
  { taskId: "task", scheduleId: "alone", every: SECOND, overlap: "skip" },
  { taskId: "task", scheduleId: "spread", ...CRON, jitter: 300 },
] as const;
const CODE_IDS = IN_CODE.map(({ scheduleId }) => scheduleId);

/** Waits until each of these schedules has run for so many more instants than now. */
async function moreOfEach(fleet: Fleet, ids: readonly string[], count: number): Promise<void> {
  const wanted = new Map(ids.map((id) => [id, instantsOf(fleet, id).length + count]));
  await until(
    `${count} more occurrences of each of ${ids.join(", ")}`,
    () => ids.every((id) => instantsOf(fleet, id).length >= (wanted.get(id) ?? 0)),
    count * SECOND + 15_000,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${whereItStands(fleet, ids)}`, { cause: error });
  });
}

/** The last instants of each, in ms from now, and what the members have said. */
function whereItStands(fleet: Fleet, ids: readonly string[]): string {
  const now = Date.now();
  const lasts = ids.map((id) => {
    const instants = instantsOf(fleet, id).slice(-9);
    return `${id}: ${instants.map((at) => at - now).join(" ")}`;
  });
  const words = fleet.members.map(({ messages }) =>
    messages.map(({ type, at, code = "" }) => `${at - now} ${type} ${code}`.trim()).join(", "),
  );
  return [...lasts, ...words].join("\n");
}

/**
 * Whether all have run for the last instant, and the next is not near: nothing is on its way that a
 * failover would lose together with the store's word of it.
 */
function isCalm({ journal }: Fleet, ids: readonly string[]): boolean {
  const ends = journal.ends();
  return ids.every((id) => {
    const ended = ends.filter(({ scheduleId }) => scheduleId === id);
    const last = Math.max(...ended.map(({ scheduledFor = 0 }) => scheduledFor));
    return Date.now() < last + 0.7 * SECOND;
  });
}

/** Parts the two at a moment at which the replica knows all. */
async function part(pair: Pair, ids: readonly string[]): Promise<void> {
  const { fleet } = pair;
  await until(
    "all to be calm and replicated",
    async () => {
      const { running, ready } = await fleet.scheduler.jobs.counts("task");
      const isSettled = running + ready === 0;
      return isSettled && (await pair.isReplicated()) && isCalm(fleet, ids);
    },
    15_000,
  );
  await pair.part();
}

/** Answers the last instants that ran on the old primary. */
async function failOver(pair: Pair, ids: readonly string[]): Promise<Map<string, number>> {
  const { fleet } = pair;
  await until("all to be calm", () => isCalm(fleet, ids), 15_000);
  // No await in between: it is as calm as that.
  const over = pair.failOver();
  const last = new Map(ids.map((id) => [id, Math.max(...instantsOf(fleet, id))]));
  await over;
  return last;
}

async function startTwo(fleet: Fleet): Promise<void> {
  const schedules = [...IN_CODE];
  await Promise.all([fleet.worker({ schedules }), fleet.worker({ schedules })]);
}

describe.concurrent("after a failover to a replica that is behind", () => {
  test("no occurrence fires twice, none is lost, and nothing stops", () =>
    withPair(async (pair) => {
      const { fleet } = pair;
      const ids = [...CODE_IDS, "runtime"];
      await startTwo(fleet);
      await fleet.scheduler.schedules.upsert("task", { scheduleId: "runtime", every: "1s" });
      await moreOfEach(fleet, ids, 2);
      await part(pair, ids);
      await moreOfEach(fleet, ids, 3);
      await failOver(pair, ids);
      await moreOfEach(fleet, ids, 7);
      for (const id of ids) await expectNoneLost(fleet, id);
      const pushed = await fleet.push();
      await until("a push to run", () => fleet.journal.ends({ jobId: pushed })[0], 5_000);
      for (const member of fleet.members) expect(member.has("store:back")).toBe(true);
      const { schedules } = await fleet.scheduler.schedules.list();
      expect(schedules.map(({ scheduleId, kind }) => [scheduleId, kind]).sort()).toEqual(
        ids.map((id) => [id, id === "runtime" ? "runtime" : "code"]).sort(),
      );
    }));

  test("what it never heard of is taken back: run-time schedules, and changes of them", () =>
    withPair(async (pair) => {
      const { fleet } = pair;
      const { schedules } = fleet.scheduler;
      const backs: boolean[] = [];
      fleet.scheduler.on("store:back", ({ emptied }) => void backs.push(emptied));
      await startTwo(fleet);
      const before = { scheduleId: "changed", every: "1s", data: { name: "before" } } as const;
      await schedules.upsert("task", before);
      await moreOfEach(fleet, [...CODE_IDS, "changed"], 1);
      await part(pair, [...CODE_IDS, "changed"]);
      const lost = { scheduleId: "lost", ...CRON } as const;
      await schedules.upsert("task", lost);
      // Fires at half past a second, and then tomorrow.
      const startAt = Math.ceil(Date.now() / SECOND) * SECOND + 1_500;
      await schedules.upsert("task", { ...before, every: "1d", startAt, data: { name: "after" } });
      const known = [...CODE_IDS, "lost"];
      await moreOfEach(fleet, known, 3);
      await until("the changed one to run", () => fleet.journal.ends({ name: "after" })[0]);
      const last = await failOver(pair, known);
      await moreOfEach(fleet, [...CODE_IDS, "changed"], 7);
      expect(backs).toEqual([false]);
      expect(await schedules.get("lost")).toBeNull();
      expect(instantsOf(fleet, "lost").at(-1)).toBe(last.get("lost"));
      // The definition that is older is in force again, for what is later than all that has fired.
      expect(await schedules.get("changed")).toMatchObject({ data: before.data });
      expect(instantsOf(fleet, "changed", "after")).toEqual([startAt]);
      const again = instantsOf(fleet, "changed", "before").filter((at) => at > startAt);
      expect(again).toEqual(rowOf([startAt + SECOND / 2, ...again], SECOND));
      for (const id of CODE_IDS) await expectNoneLost(fleet, id);
      await schedules.upsert("task", lost);
      await moreOfEach(fleet, known, 2);
      for (const id of ["changed", "lost"]) expect(twice(instantsOf(fleet, id)), id).toEqual([]);
    }));

  test("a schedule of code that it never heard of goes on where it was", () =>
    withPair(async (pair) => {
      const { fleet } = pair;
      await startTwo(fleet);
      await moreOfEach(fleet, CODE_IDS, 1);
      await part(pair, CODE_IDS);
      const late = { taskId: "task", scheduleId: "late", every: SECOND } as const;
      await fleet.worker({ schedules: [...IN_CODE, late] });
      const ids = [...CODE_IDS, "late"];
      await moreOfEach(fleet, ids, 3);
      await failOver(pair, ids);
      await moreOfEach(fleet, ids, 7);
      for (const id of ids) await expectNoneLost(fleet, id);
    }));
});
