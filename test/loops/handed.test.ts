/** Jobs that a push has claimed for a sleeping scheduler: they run, or go back at once. */
import { expect, test } from "vitest";
import type { HandedBatch, Wake } from "../../src/store/contract.js";
import type { Handler } from "../../src/types.js";
import { createGate, createScene, type Recorded, type Scene, unreachable } from "./scene.js";

const LEASE_MS = 30_000;
const KEEP_NOTHING = { ageMs: 0, count: 0 };
const KEEP = {
  ...{ idMs: 0, idCount: 0, completed: KEEP_NOTHING, dead: KEEP_NOTHING },
  cancelled: KEEP_NOTHING,
};

/** A scheduler that the test hands jobs to, as its store would. */
async function receiver(scene: Scene, handler: Handler, bind = {}) {
  const batch = await batchFor(scene);
  const recorded = scene.scheduler({ lease: LEASE_MS });
  const { store, scheduler } = recorded;
  const listeners: ((wake: Wake) => void)[] = [];
  const onWake = store.onWake.bind(store);
  store.onWake = (listener) => {
    listeners.push(listener);
    const unsubscribe = onWake(listener);
    return () => {
      listeners.splice(listeners.indexOf(listener), 1);
      unsubscribe();
    };
  };
  scheduler.bind("t", handler, bind);
  await scheduler.start();
  await scene.clock.advance(100);
  recorded.calls.length = 0;
  const hand = (isLate = false): void => {
    for (const listener of [...listeners]) listener({ kind: "handed", batch, isLate });
  };
  return Object.assign(recorded, { hand, batch });
}

/** A job that is claimed, by whoever it may be. */
async function batchFor(scene: Scene): Promise<HandedBatch> {
  await scene.push("t", { data: "handed", retry: true });
  const { store } = scene.openStore();
  const claims = [{ taskId: "t", limit: 1 }];
  const args = { settles: [], claims, idle: false, leaseMs: LEASE_MS, keep: KEEP };
  const [batch] = (await store.work(args)).batches;
  if (batch === undefined) throw new Error("nothing was claimed");
  const { fence, taskId, jobs } = batch;
  return { fence, taskId, jobs };
}

/** A handler that waits for the test. */
function gated() {
  const ran: unknown[] = [];
  const gate = createGate();
  const handler: Handler = async (data) => {
    ran.push(data);
    await gate.passed;
  };
  return { ran, handler, open: gate.open };
}

/** Whoever has taken it back has run it. */
async function settleElsewhere(scene: Scene, { fence, taskId, jobs }: HandedBatch): Promise<void> {
  const outcome = { kind: "completed", result: null } as const;
  const number = jobs[0]?.number ?? "";
  const settles = [{ fence, taskId, number, id: null, scheduleId: null, outcome }];
  const { store } = scene.openStore();
  await store.work({ settles, claims: [], idle: false, leaseMs: LEASE_MS, keep: KEEP });
}

function settlesOf(recorded: Pick<Recorded, "calls">): unknown[] {
  return recorded.calls.flatMap(({ verb, args }) => (verb === "work" ? args.settles : []));
}

function handedBack({ fence, jobs }: HandedBatch): object {
  return { fence, number: jobs[0]?.number, outcome: { kind: "handBack" } };
}

test("it begins at once, confirmed before, and is settled under its fence, unclaimed", async () => {
  const scene = createScene();
  const ran: unknown[] = [];
  const renewalsBefore: number[] = [];
  const member = await receiver(scene, (data) => {
    renewalsBefore.push(member.count("renew"));
    ran.push(data);
  });
  member.hand();
  await scene.clock.settle();
  expect(ran).toEqual(["handed"]);
  expect(renewalsBefore).toEqual([1]);
  await scene.clock.advance(100);
  expect(settlesOf(member)).toMatchObject([
    { fence: member.batch.fence, outcome: { kind: "completed" } },
  ]);
  expect(member.calls.filter(({ verb }) => verb === "work")).toHaveLength(1);
  expect(member.count("renew")).toBe(1);
  expect((await scene.counts("t")).total.completed).toBe(1);
  await member.scheduler.stop();
});

test("its scheduler looks again, so that the next push finds a sleeper", async () => {
  const scene = createScene();
  const member = await receiver(scene, () => true);
  member.hand();
  await scene.clock.advance(20);
  expect(member.calls.map(({ verb }) => verb)).toContain("look");
  expect(member.calls.at(-1)).toMatchObject({ verb: "look", args: { taskIds: ["t"] } });
  await member.scheduler.stop();
});

test("while it runs its lease is confirmed at once, and renewed as any other then", async () => {
  const scene = createScene();
  const { handler, open } = gated();
  const member = await receiver(scene, handler);
  const renewals = () => member.calls.filter(({ verb }) => verb === "renew");
  member.hand();
  await scene.clock.settle();
  const { fence, taskId } = member.batch;
  expect(renewals()[0]?.args.leases).toEqual([{ fence, taskId, confirmMs: LEASE_MS }]);
  await scene.clock.advance(LEASE_MS);
  expect(renewals()).toHaveLength(4);
  expect(renewals().at(-1)?.args.leases).toEqual([{ fence, taskId }]);
  open();
  await scene.clock.advance(100);
  expect((await scene.counts("t")).total.completed).toBe(1);
  await member.scheduler.stop();
});

test("a confirmation that fails is tried again", async () => {
  const scene = createScene();
  const { handler, open } = gated();
  const member = await receiver(scene, handler);
  member.before = ({ verb }) => {
    if (verb === "renew" && member.count("renew") === 1) throw unreachable();
  };
  member.hand();
  await scene.clock.advance(200);
  const sent = member.calls.filter(({ verb }) => verb === "renew").map(({ args }) => args.leases);
  expect(sent).toMatchObject([[{ confirmMs: LEASE_MS }], [{ confirmMs: LEASE_MS }]]);
  open();
  await scene.clock.advance(100);
  expect((await scene.counts("t")).total.completed).toBe(1);
  await member.scheduler.stop();
});

test("where all slots are taken it waits for 10 ms, and is handed back", async () => {
  const scene = createScene();
  const { handler, ran, open } = gated();
  const member = await receiver(scene, handler, { concurrency: 1 });
  await scene.push("t", { data: "first" });
  await scene.clock.advance(100);
  member.hand();
  await scene.clock.advance(8);
  expect(settlesOf(member)).toEqual([]);
  await scene.clock.advance(10);
  expect(settlesOf(member)).toMatchObject([handedBack(member.batch)]);
  expect(ran).toEqual(["first"]);
  expect((await scene.counts("t")).ready).toBe(1);
  open();
  await scene.clock.advance(100);
  expect(ran).toEqual(["first", "handed"]);
  await member.scheduler.stop();
});

test("a scheduler that stops hands it back at once", async () => {
  const scene = createScene();
  const { handler, ran, open } = gated();
  const member = await receiver(scene, handler);
  await scene.push("t", { data: "first" });
  await scene.clock.advance(100);
  const stopped = member.scheduler.stop();
  member.hand();
  await scene.clock.settle();
  expect(settlesOf(member)).toMatchObject([handedBack(member.batch)]);
  expect((await scene.counts("t")).ready).toBe(1);
  open();
  await scene.clock.settle();
  await stopped;
  expect(ran).toEqual(["first"]);
});

test("a scheduler that drains for a job that must run alone hands it back at once", async () => {
  const scene = createScene();
  const { handler, ran, open } = gated();
  const member = await receiver(scene, handler);
  const work = member.store.work.bind(member.store);
  member.store.work = async (args) => {
    const answer = await work(args);
    return args.claims.length > 0 ? { ...answer, drain: true } : answer;
  };
  await scene.push("t", { data: "first" });
  await scene.clock.advance(100);
  expect(ran).toEqual(["first"]);
  member.hand();
  await scene.clock.settle();
  expect(settlesOf(member)[0]).toMatchObject(handedBack(member.batch));
  expect(ran).toEqual(["first"]);
  open();
  const stopped = member.scheduler.stop();
  await scene.clock.advance(100);
  await stopped;
});

test("of a task that is not bound it is left to its short lease", async () => {
  const scene = createScene();
  const member = await receiver(scene, () => true);
  member.batch.taskId = "gone";
  member.hand();
  await scene.clock.advance(100);
  expect(settlesOf(member)).toEqual([]);
  expect(member.count("look")).toBeGreaterThan(0);
  await member.scheduler.stop();
});

test("heard late it goes back, and is not missed if it is somebody else's by then", async () => {
  for (const isTaken of [false, true]) {
    const scene = createScene();
    const { handler, ran } = gated();
    const member = await receiver(scene, handler);
    const lost: unknown[] = [];
    member.scheduler.on("lease:lost", (event) => lost.push(event));
    if (isTaken) await settleElsewhere(scene, member.batch);
    member.before = ({ verb, args }) => {
      if (verb === "work" && args.claims.length > 0) throw unreachable();
    };
    member.hand(true);
    await scene.clock.advance(20);
    expect(ran).toEqual([]);
    expect(settlesOf(member)).toMatchObject([handedBack(member.batch)]);
    expect((await scene.counts("t")).ready).toBe(isTaken ? 0 : 1);
    expect(lost).toEqual([]);
    await member.scheduler.stop();
  }
});

test("heard twice it runs once", async () => {
  const scene = createScene();
  const { handler, ran, open } = gated();
  const member = await receiver(scene, handler);
  member.hand();
  member.hand();
  await scene.clock.advance(20);
  member.hand();
  await scene.clock.advance(20);
  expect(ran).toEqual(["handed"]);
  open();
  await scene.clock.advance(100);
  expect((await scene.counts("t")).total.completed).toBe(1);
  await member.scheduler.stop();
});

test("handed over while its scheduler closes the store it goes back, later to nobody", async () => {
  const scene = createScene();
  const { handler, ran } = gated();
  const member = await receiver(scene, handler);
  const close = member.store.close.bind(member.store);
  member.store.close = async () => {
    member.hand();
    await scene.clock.settle();
    await close();
  };
  await member.scheduler.stop();
  expect(settlesOf(member)).toMatchObject([handedBack(member.batch)]);
  expect((await scene.counts("t")).ready).toBe(1);
  member.hand();
  await scene.clock.settle();
  expect(settlesOf(member)).toHaveLength(1);
  expect(ran).toEqual([]);
});
