/** Claims about jobs that run alone, as the loops see them: who gets one, and when. */
import { expect, test } from "vitest";
import { checkSchedulerOptions } from "../../src/core/options.js";
import type { Handler } from "../../src/types.js";
import { claimAndDie, LEASE_MS, letLeaseEnd } from "./deaths.js";
import { createGate, createScene, type Gate, type Scene } from "./scene.js";

/** A job that has killed three processes in a row: from now on it runs alone. */
async function pushSuspect(scene: Scene): Promise<string> {
  const id = await scene.push("t", { data: "suspect", retry: true, retryTimeout: 1_000 });
  for (let crash = 0; crash < 3; crash += 1) {
    const watcher = await scene.member();
    await watcher.engine.watch.step();
    await claimAndDie(scene);
    await letLeaseEnd(scene, watcher);
    await scene.clock.advance(30_000);
  }
  expect((await scene.get("t", id))?.counts.crashesInRow).toBe(3);
  return id;
}

/** A scheduler with two tasks whose handlers end when the test opens the gate of their name. */
async function gatedMember(scene: Scene) {
  const begun: unknown[] = [];
  const gates = new Map<unknown, Gate>();
  const handler: Handler = async (data) => {
    begun.push(data);
    const gate = createGate();
    gates.set(data, gate);
    await gate.passed;
  };
  const member = await scene.member({ bind: { t: handler, other: handler } });
  const step = async (): Promise<void> => {
    await member.engine.pump.step();
    await scene.clock.settle();
  };
  const end = async (data: unknown): Promise<void> => {
    gates.get(data)?.open();
    await scene.clock.settle();
  };
  return { member, begun, step, end };
}

test("a job that must run alone waits for the others, and nothing begins beside it", async () => {
  const scene = createScene();
  const suspect = await pushSuspect(scene);
  const { member, begun, step, end } = await gatedMember(scene);
  const { pump } = member.engine;
  await scene.push("other", { data: "long" });
  pump.offer("other");
  await step();
  expect(begun).toEqual(["long"]);
  // The store chooses this scheduler: it claims nothing any more until it is idle.
  pump.offerAll();
  await step();
  await scene.push("other", { data: "later" });
  pump.offerAll();
  await step();
  expect(begun).toEqual(["long"]);
  await end("long");
  await step();
  expect(begun).toEqual(["long", "suspect"]);
  pump.offerAll();
  await step();
  expect(begun).toEqual(["long", "suspect"]);
  await end("suspect");
  await step();
  expect(begun).toEqual(["long", "suspect", "later"]);
  expect(await scene.get("t", suspect)).toBeNull();
  expect((await scene.counts("t")).total.completed).toBe(1);
});

test("while a job that must run alone may be on its way, nothing else is claimed", async () => {
  const scene = createScene();
  await pushSuspect(scene);
  const { member, begun, step } = await gatedMember(scene);
  const { pump } = member.engine;
  pump.offer("t");
  await step();
  expect(member.calls.at(-1)?.args).toMatchObject({ idle: false, claims: [{ taskId: "t" }] });
  const answerHeld = createGate();
  member.before = () => answerHeld.passed;
  const alone = step();
  expect(member.calls.at(-1)?.args).toMatchObject({ idle: true, claims: [{ taskId: "t" }] });
  const calls = member.count("work");
  await scene.push("other", { data: "later" });
  pump.offer("other");
  await step();
  expect(member.count("work")).toBe(calls);
  answerHeld.open();
  await alone;
  expect(begun).toEqual(["suspect"]);
});

test("a scheduler that was chosen to drain and could not in time asks again", async () => {
  const scene = createScene();
  await pushSuspect(scene);
  const { member, step } = await gatedMember(scene);
  await scene.push("other", { data: "endless" });
  member.engine.pump.offer("other");
  await step();
  member.engine.pump.offerAll();
  await step();
  member.calls.length = 0;
  await step();
  expect(member.count("work")).toBe(0);
  await scene.clock.advance(LEASE_MS);
  await step();
  expect(member.calls.at(-1)?.args.claims.length).toBeGreaterThan(0);
});

test("whoever could not drain in time gets it at once when nothing runs any more", async () => {
  const scene = createScene();
  await pushSuspect(scene);
  const fleet = await Promise.all([gatedMember(scene), gatedMember(scene)]);
  for (const [n, { member, step }] of fleet.entries()) {
    await scene.push("other", { data: `long ${n}` });
    member.engine.pump.offer("other");
    await step();
    expect(member.engine.pump.running).toBe(1);
    // Chosen, and cannot: it rests for ten leases now, the second time for twenty.
    for (let times = 0; times < 2; times += 1) {
      member.engine.pump.offerAll();
      await step();
      await scene.clock.advance(LEASE_MS + 1_000);
      await member.engine.renew.step();
      await member.engine.watch.step();
    }
  }
  for (const [n, { end, step }] of fleet.entries()) {
    await end(`long ${n}`);
    await step();
  }
  const { member, begun, step } = fleet[0]!;
  await member.engine.watch.step();
  await step();
  await step();
  expect(begun).toEqual(["long 0", "suspect"]);
});

test("who drains for it takes other jobs again as soon as somebody else has it", async () => {
  const scene = createScene();
  await pushSuspect(scene);
  const [busy, free] = [await gatedMember(scene), await gatedMember(scene)];
  await scene.push("other", { data: "long" });
  busy.member.engine.pump.offer("other");
  await busy.step();
  busy.member.engine.pump.offerAll();
  await busy.step();
  await scene.push("other", { data: "later" });
  await busy.step();
  free.member.engine.pump.offer("t");
  await free.step();
  await free.step();
  expect([busy.begun, free.begun]).toEqual([["long"], ["suspect"]]);
  await scene.clock.advance(1_000);
  await busy.step();
  expect(busy.begun).toEqual(["long", "later"]);
});

test("what was handed over just before keeps the scheduler from asking for it", async () => {
  const scene = createScene();
  await pushSuspect(scene);
  const { member, begun, step, end } = await gatedMember(scene);
  const { pump } = member.engine;
  await scene.push("other", { data: "handed" });
  const { store } = scene.openStore();
  const claims = [{ taskId: "other", limit: 1 }];
  const { keep } = checkSchedulerOptions({ store: "memory" });
  const call = { settles: [], claims, idle: false, leaseMs: LEASE_MS, keep };
  const { batches } = await store.work(call);
  member.after = () => {
    member.after = () => {};
    // It begins at the end of this turn; the answer that tells to drain is heard before.
    pump.handed(batches[0]!, false);
  };
  pump.offer("t");
  await pump.step();
  await step();
  expect(begun).toEqual(["handed"]);
  expect(member.count("work")).toBe(1);
  await end("handed");
  await step();
  expect(begun).toEqual(["handed", "suspect"]);
});
