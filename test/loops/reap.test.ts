/** Jobs of dead processes, killers; pruning. */
import { expect, test } from "vitest";
import type { Mending } from "../../src/loops/mend.js";
import { pruneStep } from "../../src/loops/prune.js";
import type { Tending } from "../../src/loops/tend.js";
import type { Handler } from "../../src/types.js";
import { claimAndDie, LEASE_MS, letLeaseEnd } from "./deaths.js";
import { createScene, ofEvent } from "./scene.js";

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
