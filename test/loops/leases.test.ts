/** Renewals, lost leases, progress and cancelling of running jobs. */
import { expect, test } from "vitest";
import type { Handler } from "../../src/types.js";
import { createGate, createScene, ofEvent } from "./scene.js";

const LEASE_MS = 10_000;

/** A handler that runs until told otherwise, and shows its signal. */
function hanging() {
  const gate = createGate();
  const signals: AbortSignal[] = [];
  const handler: Handler = async (_data, { signal }) => {
    signals.push(signal);
    await gate.passed;
  };
  return { handler, signals, end: () => gate.open() };
}

test("a lease is renewed every third of its length while its handler runs, not after", async () => {
  const scene = createScene();
  const { scheduler, calls, count } = scene.scheduler({ lease: LEASE_MS });
  const { handler, end } = hanging();
  scheduler.bind("t", handler);
  await scheduler.start();
  await scheduler.push("t");
  await scene.clock.advance(100);
  calls.length = 0;
  await scene.clock.advance(LEASE_MS * 10);
  expect(count("renew")).toBe(30);
  end();
  await scene.clock.advance(100);
  calls.length = 0;
  await scene.clock.advance(LEASE_MS * 10);
  expect(count("renew")).toBe(0);
  await scheduler.stop();
});

test("a job that runs longer than its lease is nobody else's while it is renewed", async () => {
  const scene = createScene();
  const owner = scene.scheduler({ lease: LEASE_MS });
  const other = scene.scheduler({ lease: LEASE_MS });
  const { handler, signals, end } = hanging();
  owner.scheduler.bind("t", handler);
  await owner.scheduler.start();
  await other.scheduler.start();
  const { id } = await owner.scheduler.push("t", { retry: true });
  await scene.clock.advance(LEASE_MS * 20);
  expect(await scene.get("t", id)).toMatchObject({ state: "running", counts: { crashes: 0 } });
  expect(signals[0]?.aborted).toBe(false);
  end();
  await scene.clock.advance(100);
  expect((await scene.counts("t")).total.completed).toBe(1);
  await Promise.all([owner.scheduler.stop(), other.scheduler.stop()]);
});

test("a lost lease aborts its handlers with the reason, and is told once", async () => {
  const scene = createScene();
  const other = await scene.member();
  const { handler, signals, end } = hanging();
  const victim = await scene.member({ bind: { t: [handler, { concurrency: 2 }] } });
  const push = { retry: true, retryTimeout: "1h" } as const;
  const ids = [await scene.push("t", push), await scene.push("t", push)];
  await victim.work();
  expect(signals).toHaveLength(2);
  for (let n = 0; n < 5; n += 1) {
    await scene.clock.advance(3_000);
    await other.engine.watch.step();
  }
  await victim.engine.renew.step();
  expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
  expect(signals[0]?.reason).toMatchObject({ code: "LEASE_LOST" });
  const lost = ofEvent(victim.told, "lease:lost").map((event) => event.jobId);
  expect(lost.sort()).toEqual(ids.sort());
  // Their results count for nothing, and are not even sent.
  victim.calls.length = 0;
  end();
  await scene.clock.settle();
  await victim.engine.pump.step();
  const settles = victim.calls.flatMap((call) => call.args.settles ?? []);
  expect(settles).toEqual([]);
  expect(ofEvent(victim.told, "lease:lost")).toHaveLength(2);
  expect(victim.engine.leases.size).toBe(0);
});

test("a lease that ended by its own settle, seen by a renewal as lost, is no loss", async () => {
  const scene = createScene();
  const { handler, end } = hanging();
  const member = await scene.member({ bind: { t: handler } });
  await scene.push("t");
  await member.work();
  end();
  await scene.clock.settle();
  // The store settles while the answer is still on its way; a renewal overtakes it.
  const answerHeld = createGate();
  member.after = async ({ verb }) => {
    if (verb === "work") await answerHeld.passed;
  };
  const settling = member.engine.pump.step();
  await scene.clock.settle();
  await member.engine.renew.step();
  answerHeld.open();
  await settling;
  expect(ofEvent(member.told, "lease:lost")).toEqual([]);
  expect(ofEvent(member.told, "job:completed")).toHaveLength(1);
});

test("without running jobs no renewal is sent", async () => {
  const scene = createScene();
  const member = await scene.member({ bind: { t: () => true } });
  expect(await member.engine.renew.step()).toBe(Number.POSITIVE_INFINITY);
  expect(member.calls).toEqual([]);
});

test("progress reaches the store within a second, what is said meanwhile in one call", async () => {
  const scene = createScene();
  const { scheduler, calls, count } = scene.scheduler({ lease: "1h" });
  const gate = createGate();
  const said = createGate();
  scheduler.bind("t", async (_data: unknown, { progress }: { progress: (v: unknown) => void }) => {
    progress({ percent: 1 });
    await said.passed;
    for (let percent = 2; percent <= 50; percent += 1) progress({ percent });
    await gate.passed;
  });
  await scheduler.start();
  const { id } = await scheduler.push("t");
  await scene.clock.advance(10);
  expect((await scene.get("t", id))?.progress).toBe('{"percent":1}');
  calls.length = 0;
  said.open();
  await scene.clock.advance(1_000);
  expect((await scene.get("t", id))?.progress).toBe('{"percent":50}');
  expect(count("renew")).toBe(1);
  gate.open();
  await scheduler.stop();
});

test("progress that could not be sent goes with the next renewal", async () => {
  const scene = createScene();
  const gate = createGate();
  const handler: Handler = (_data, { progress }) => {
    progress("begun");
    return gate.passed;
  };
  const member = await scene.member({ bind: { t: handler } });
  const id = await scene.push("t");
  await member.work();
  member.before = () => {
    throw new Error("gone");
  };
  await expect(member.engine.renew.step()).rejects.toThrow("gone");
  member.before = () => {};
  await member.engine.renew.step();
  expect((await scene.get("t", id))?.progress).toBe('"begun"');
  gate.open();
});

test("a running job that is cancelled hears it at a renewal, and ends as cancelled", async () => {
  const scene = createScene();
  const { handler, signals, end } = hanging();
  const member = await scene.member({ bind: { t: handler } });
  const canceller = scene.openStore();
  const id = await scene.push("t", { retry: true });
  await member.work();
  const answer = await canceller.store.cancel({ taskId: "t", id });
  expect(answer?.state).toBe("cancelling");
  await member.engine.renew.step();
  expect(signals[0]?.reason).toMatchObject({ code: "JOB_CANCELLED" });
  end();
  await scene.clock.settle();
  await member.engine.pump.step();
  expect((await scene.get("t", id))?.state).toBe("cancelled");
  expect(ofEvent(member.told, "job:cancelled")).toMatchObject([{ jobId: id }]);
});

test("a running job in another scheduler is cancelled by wake-up at once", async () => {
  const scene = createScene();
  const owner = scene.scheduler({ pollInterval: "1h", lease: "1h" });
  const { handler, signals, end } = hanging();
  owner.scheduler.bind("t", handler);
  await owner.scheduler.start();
  const { id } = await owner.scheduler.push("t");
  await scene.clock.advance(100);
  const other = scene.scheduler();
  expect(await other.scheduler.jobs.cancel("t", id)).toEqual({
    state: "cancelling",
    changed: true,
  });
  await scene.clock.settle();
  expect(signals[0]?.aborted).toBe(true);
  end();
  await scene.clock.advance(10);
  expect((await other.scheduler.jobs.get("t", id))?.state).toBe("cancelled");
  await owner.scheduler.stop();
  await other.scheduler.stop();
});

test("all leases of a claim are held before any of their jobs begins", async () => {
  const scene = createScene();
  const held: number[] = [];
  const note = (): void => void held.push(member.engine.leases.size);
  const member = await scene.member({ bind: { a: note, b: note, c: note } });
  for (const taskId of ["a", "b", "c"]) await scene.push(taskId);
  await member.work();
  expect(held).toEqual([3, 3, 3]);
});
