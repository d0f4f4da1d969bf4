/** Overlap policies over whole schedulers: with several instances, crashes and retries. */
import { expect, test } from "vitest";
import { Fleet } from "./fleet.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

async function run(overlap: string, takesMs: number, minutes: number) {
  const fleet = new Fleet();
  const startAt = fleet.now;
  const code = [["t", { every: "1m", overlap: overlap as never }]] as const;
  const members = ["a", "b", "c"].map((name) => fleet.member(name, code, { takesMs }));
  for (const member of members) await member.start();
  await fleet.advance(minutes * MINUTE + SECOND);
  const schedule = await fleet.settled(members[0]!.scheduler.schedules.get("t"));
  const ledger = await fleet.settled(members[0]!.scheduler.schedules.ledger("t"));
  const skipped = ledger.filter(({ outcome }) => outcome === "skipped");
  const ran = fleet.instants(startAt).map((at) => at / MINUTE);
  const stopped = members.map((member) => member.scheduler.stop());
  await fleet.advance(MINUTE);
  await Promise.all(stopped);
  return { ran, schedule, skipped: skipped.map(({ count, reason }) => [count, reason]) };
}

test("allow: every occurrence runs, side by side", async () => {
  const { ran, skipped } = await run("allow", 150 * SECOND, 5);
  expect([ran, skipped]).toEqual([[1, 2, 3, 4, 5], []]);
});

test("skip: none starts while one runs, whoever runs it", async () => {
  const { ran, skipped } = await run("skip", 150 * SECOND, 7);
  expect(ran).toEqual([1, 4, 7]);
  expect(skipped).toEqual([
    [2, "overlap"],
    [2, "overlap"],
  ]);
});

test("bufferOne: the first that had to wait runs next, the others do not", async () => {
  const { ran, schedule } = await run("bufferOne", 150 * SECOND, 7);
  // 1 runs until 3.5, then 2 until 6, then 4
  expect(ran).toEqual([1, 2, 4]);
  expect(schedule?.waiting).toHaveLength(1);
});

test("bufferAll: all run, one after the other", async () => {
  const { ran, schedule, skipped } = await run("bufferAll", 150 * SECOND, 10);
  expect(ran).toEqual([1, 2, 3, 4]);
  expect(schedule?.waiting).toHaveLength(6);
  expect(skipped).toEqual([]);
});

test("cancelOther: the newest runs, the one before is aborted", async () => {
  const { ran, schedule } = await run("cancelOther", 150 * SECOND, 5);
  expect(ran).toEqual([1, 2, 3, 4, 5]);
  expect(schedule?.openJobIds).toHaveLength(1);
});

test("skip: a job that waits for its retry still counts", async () => {
  const fleet = new Fleet();
  let tries = 0;
  const scheduler = fleet.world.createScheduler({ logger: false });
  scheduler.bind("t", () => {
    tries += 1;
    return tries >= 3;
  });
  scheduler.register("t", { every: "1m", overlap: "skip", retry: true, retryTimeout: "50s" });
  await fleet.settled(scheduler.start());
  await fleet.advance(4 * MINUTE + SECOND);
  // fired at 1:00, failed, again at 1:50, again at 2:40 with success; 2:00 was skipped
  expect(tries).toBe(5);
  const ledger = await fleet.settled(scheduler.schedules.ledger("t"));
  expect(ledger.map(({ outcome }) => outcome)).toEqual(["fired", "skipped", "fired", "fired"]);
  await fleet.settled(scheduler.stop());
});

test("limit counts what fired, not what was skipped", async () => {
  const fleet = new Fleet();
  const startAt = fleet.now;
  const code = [["t", { every: "1m", overlap: "skip", limit: 2 }]] as const;
  const member = fleet.member("a", code, { takesMs: 90 * SECOND });
  await member.start();
  await fleet.advance(10 * MINUTE);
  expect(fleet.instants(startAt).map((at) => at / MINUTE)).toEqual([1, 3]);
  const info = await fleet.settled(member.scheduler.schedules.get("t"));
  expect([info?.firedCount, info?.nextAt]).toEqual([2, null]);
  const sentence = await fleet.settled(member.scheduler.schedules.explain("t"));
  expect(sentence).toContain("has come to its end: limit 2 is reached");
  await member.stop();
});
