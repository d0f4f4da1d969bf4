/** Jobs of dead processes, killers, jobs that run alone; pruning. */
import { expect, test } from "vitest";
import type { Mending } from "../../src/loops/mend.js";
import { pruneStep } from "../../src/loops/prune.js";
import type { Tending } from "../../src/loops/tend.js";
import type { Handler } from "../../src/types.js";
import { createGate, createScene, type Gate, type Member, ofEvent, type Scene } from "./scene.js";

const LEASE_MS = 10_000;
const never: Handler = () => new Promise(() => {});

/** A scheduler that claims what there is and is never heard of again: its process died. */
async function claimAndDie(scene: Scene): Promise<void> {
  const dying = await scene.member({ bind: { t: never } });
  await dying.work();
}

/** Lets the leases of the dead run out, as a living scheduler sees it. */
async function letLeaseEnd(scene: Scene, living: Member): Promise<void> {
  for (let passedMs = 0; passedMs <= LEASE_MS; passedMs += 2_500) {
    await living.engine.watch.step();
    await scene.clock.advance(2_500);
  }
  await living.engine.watch.step();
}

test("a job whose worker died is run again, and told as crashed", async () => {
  const scene = createScene();
  const ran: unknown[] = [];
  const living = await scene.member({ bind: { t: (data) => void ran.push(data) } });
  await living.engine.watch.step();
  const id = await scene.push("t", { data: "x", retry: true, retryTimeout: 1_000 });
  await claimAndDie(scene);
  await letLeaseEnd(scene, living);
  expect(ofEvent(living.told, "job:retrying")).toMatchObject([{ jobId: id, cause: "crashed" }]);
  await living.engine.pump.step();
  await scene.clock.settle();
  expect(ran).toEqual(["x"]);
});

test("a reaped job that is ready again is claimed without another look", async () => {
  const scene = createScene();
  const ran: unknown[] = [];
  const living = await scene.member({ bind: { t: (data) => void ran.push(data) } });
  await living.engine.watch.step();
  await living.engine.pump.step();
  await scene.push("t", { data: "x", retry: true, retryTimeout: 1_000 });
  await claimAndDie(scene);
  for (let looks = 0; living.count("reap") === 0 && looks < 20; looks += 1) {
    await scene.clock.advance(2_500);
    await living.engine.watch.step();
  }
  expect(living.count("reap")).toBe(1);
  await living.engine.pump.step();
  await scene.clock.settle();
  expect(ran).toEqual(["x"]);
});

test("without retry a job whose worker died is dead, visible, and never run again", async () => {
  const scene = createScene();
  const ran: unknown[] = [];
  const living = await scene.member({ bind: { t: (data) => void ran.push(data) } });
  await living.engine.watch.step();
  const id = await scene.push("t");
  await claimAndDie(scene);
  await letLeaseEnd(scene, living);
  expect(await scene.get("t", id)).toMatchObject({ state: "dead", reason: "interrupted" });
  expect(ofEvent(living.told, "job:dead")).toMatchObject([{ jobId: id, reason: "interrupted" }]);
  await living.work();
  expect(ran).toEqual([]);
});

test("a scheduler that binds nothing reaps for all", async () => {
  const scene = createScene();
  const bystander = await scene.member();
  await bystander.engine.watch.step();
  const id = await scene.push("t", { retry: true });
  await claimAndDie(scene);
  await letLeaseEnd(scene, bystander);
  expect((await scene.get("t", id))?.counts.crashes).toBe(1);
});

test("a killer is found out and ends as dead; its nine innocent neighbours complete", async () => {
  const scene = createScene();
  const completed = new Set<unknown>();
  const push = { retry: true, retryTimeout: 1_000 } as const;
  const killer = await scene.push("t", { data: "killer", ...push });
  for (let n = 0; n < 9; n += 1) await scene.push("t", { data: `innocent ${n}`, ...push });

  let deaths = 0;
  for (let life = 0; life < 40 && (await scene.get("t", killer))?.state !== "dead"; life += 1) {
    let dead = false;
    const handler: Handler = async (data) => {
      if (data === "killer") {
        dead = true;
        return new Promise(() => {});
      }
      // An innocent takes a second; the process does not live that long beside the killer.
      await new Promise<void>((resolve) => void scene.clock.after(1_000, resolve));
      if (!dead) completed.add(data);
      return true;
    };
    const process = await scene.member({ bind: { t: handler } });
    // A whole life, step by step, until the killer ends it or nothing is left to do.
    for (let round = 0; round < 60 && !dead; round += 1) {
      await process.engine.watch.step();
      await process.engine.pump.step();
      await process.engine.pump.step();
      await scene.clock.settle();
      if (!dead) await scene.clock.advance(500);
      await process.engine.renew.step();
    }
    if (!dead) continue;
    deaths += 1;
    // From here on nobody renews, and nothing of this process settles.
    const next = await scene.member();
    for (let waitedMs = 0; waitedMs <= LEASE_MS + 2_000; waitedMs += 2_000) {
      await next.engine.watch.step();
      await scene.clock.advance(2_000);
    }
    process.before = () => {
      throw new Error("this process is dead");
    };
  }
  expect(await scene.get("t", killer)).toMatchObject({ state: "dead", reason: "crashes" });
  expect(deaths).toBe(10);
  expect([...completed].sort()).toEqual(Array.from({ length: 9 }, (_, n) => `innocent ${n}`));
  expect((await scene.counts("t")).total).toMatchObject({ completed: 9, dead: 1 });
});

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

test("pruning goes on while the store has more, then rests for about a minute", async () => {
  const scene = createScene();
  const answers = [true, true, false];
  const asked: unknown[] = [];
  const { store } = scene.openStore();
  store.prune = async (args) => {
    asked.push(args.taskIds);
    return answers.shift() ?? false;
  };
  const chance = { random: () => 0.5, identity: () => "x" };
  const tending = { step: async () => false } as unknown as Tending;
  const mending = { step: async () => {} } as unknown as Mending;
  const parts = { store, chance, keep: {} as never, taskIds: ["a", "b"], tending, mending };
  const delays = [await pruneStep(parts), await pruneStep(parts), await pruneStep(parts)];
  expect(delays[0]).toBeLessThan(1_000);
  expect(delays[1]).toBeLessThan(1_000);
  expect(delays[2]).toBe(60_000);
  expect(asked).toEqual([
    ["a", "b"],
    ["a", "b"],
    ["a", "b"],
  ]);
});

test("dead jobs past their keeping are pruned by a running scheduler", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler({ retention: { dead: { age: "1h" } } });
  scheduler.bind("t", () => false);
  await scheduler.start();
  const { id } = await scheduler.push("t");
  await scene.clock.advance(60_000);
  expect((await scene.get("t", id))?.state).toBe("dead");
  await scene.clock.advance(3_600_000 + 120_000);
  expect(await scene.get("t", id)).toBeNull();
  await scheduler.stop();
});
