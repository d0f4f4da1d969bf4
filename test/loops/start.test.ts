/** Starting: once, patiently, and not when it makes no sense. */
import { expect, test } from "vitest";
import { SchedulerError } from "../../src/core/errors.js";
import { createScene, listen, ofEvent, unreachable } from "./scene.js";

const CRON = { cronExpr: "* * * * *" };

test("start is one start, however often it is called", async () => {
  const scene = createScene();
  const { scheduler, count } = scene.scheduler();
  const first = scheduler.start();
  expect(scheduler.start()).toBe(first);
  await first;
  expect(scheduler.start()).toBe(first);
  expect(count("open")).toBe(1);
  await scheduler.stop();
});

test("start waits for an absent store, says so once, and works when it is there", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  const told = listen(recorded.scheduler);
  let ran = 0;
  recorded.scheduler.bind("t", () => {
    ran += 1;
  });
  recorded.before = () => {
    throw unreachable();
  };
  let started = false;
  void recorded.scheduler.start().then(() => {
    started = true;
  });
  await scene.clock.advance(600_000);
  expect(started).toBe(false);
  expect(recorded.scheduler.health()).toMatchObject({ ready: false, state: "running" });
  expect(ofEvent(told, "store:lost")).toHaveLength(1);
  recorded.before = () => {};
  await scene.push("t");
  await scene.clock.advance(1_100);
  expect(started).toBe(true);
  expect(ran).toBe(1);
  expect(ofEvent(told, "store:back")).toEqual([{ emptied: false }]);
  expect(recorded.scheduler.health()).toMatchObject({ ready: true, state: "running" });
  expect(ofEvent(told, "error")).toEqual([]);
  await recorded.scheduler.stop();
});

test("start({ mustConnect: true }) rejects without a store, and can be tried again", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  recorded.before = () => {
    throw unreachable();
  };
  const starting = recorded.scheduler.start({ mustConnect: true });
  await expect(starting).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
  expect(recorded.scheduler.state).toBe("idle");
  recorded.before = () => {};
  await recorded.scheduler.start({ mustConnect: true });
  expect(recorded.scheduler.health().ready).toBe(true);
  await recorded.scheduler.stop();
});

test("start does not wait for what waiting cannot help", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  recorded.before = () => {
    throw new SchedulerError("LAYOUT_NEWER", "written by a newer version");
  };
  await expect(recorded.scheduler.start()).rejects.toMatchObject({ code: "LAYOUT_NEWER" });
  expect(recorded.scheduler.state).toBe("idle");
});

test("a wrong option of start is a rejection, and nothing has begun", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  const starting = scheduler.start({ mustConect: true } as never);
  await expect(starting).rejects.toMatchObject({ code: "OPTION_UNKNOWN" });
  expect(scheduler.state).toBe("idle");
});

test("a start whose store goes away while it registers goes on when it is back", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  recorded.scheduler.register("t", CRON);
  let cuts = 3;
  recorded.before = ({ verb }) => {
    if (verb !== "register" || cuts === 0) return;
    cuts -= 1;
    throw unreachable();
  };
  const starting = recorded.scheduler.start();
  await scene.clock.advance(5_000);
  await starting;
  await scene.clock.advance(60_000);
  expect((await scene.counts("t")).total.pushed).toBe(1);
  await recorded.scheduler.stop();
});

test("stop ends a start that waits: the start rejects, and nobody is blamed", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  const told = listen(recorded.scheduler);
  recorded.before = () => {
    throw unreachable();
  };
  const starting = recorded.scheduler.start();
  await scene.clock.advance(500);
  await recorded.scheduler.stop();
  await expect(starting).rejects.toMatchObject({ code: "STORE_CLOSED" });
  expect(recorded.scheduler.state).toBe("idle");
  expect(ofEvent(told, "error")).toEqual([]);
});

test("start while it stops is refused, with what to do", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  await scheduler.start();
  const stopping = scheduler.stop();
  await expect(scheduler.start()).rejects.toMatchObject({
    code: "RUNNING",
    fix: "await stop() first",
  });
  await scene.clock.advance(10);
  await stopping;
});

test("a start that fails only after the stop that ended it leaves the next one alone", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  let ran = 0;
  recorded.scheduler.bind("t", () => {
    ran += 1;
  });
  const open = recorded.store.open.bind(recorded.store);
  let fail: (error: Error) => void = () => {};
  recorded.store.open = () => new Promise((_, reject) => (fail = reject));
  const first = recorded.scheduler.start();
  first.catch(() => {});
  await scene.clock.settle();
  const stopping = recorded.scheduler.stop();
  await scene.clock.advance(10_000);
  await stopping;
  recorded.store.open = open;
  await recorded.scheduler.start();
  fail(new SchedulerError("STORE_CLOSED", "closed meanwhile"));
  await expect(first).rejects.toMatchObject({ code: "STORE_CLOSED" });
  await scene.clock.advance(1_000);
  expect(recorded.scheduler.health()).toMatchObject({ state: "running", ready: true });
  await scene.push("t");
  await scene.clock.advance(2_000);
  expect(ran).toBe(1);
  await recorded.scheduler.stop();
  expect(recorded.scheduler.state).toBe("idle");
});
