/** `run()` and `health()`: what a process and its keeper see of a scheduler. */
import { once } from "node:events";
import { expect, test } from "vitest";
import { SchedulerError } from "../../src/index.js";
import { createScene, unreachable } from "./scene.js";

test.each(["SIGTERM", "SIGINT"] as const)(
  "run stops at %s and resolves when stopped",
  async (signal) => {
    const scene = createScene();
    const { scheduler } = scene.scheduler();
    scheduler.bind("t", () => true);
    const before = process.listenerCount(signal);
    const running = scheduler.run();
    await scene.clock.advance(100);
    expect(scheduler.state).toBe("running");
    const received = once(process, signal);
    process.emit(signal);
    await received;
    await scene.clock.advance(100);
    await running;
    expect(scheduler.state).toBe("idle");
    expect(process.listenerCount(signal)).toBe(before);
  },
);

test("a second signal while it stops is no longer caught, so that it kills", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  const before = process.listenerCount("SIGTERM");
  let end = (): void => {};
  scheduler.bind(
    "t",
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  const running = scheduler.run();
  await scene.clock.advance(100);
  await scheduler.push("t");
  await scene.clock.advance(100);
  expect(process.listenerCount("SIGTERM")).toBe(before + 1);
  process.emit("SIGTERM");
  await scene.clock.advance(100);
  expect(scheduler.state).toBe("stopping");
  expect(process.listenerCount("SIGTERM")).toBe(before);
  end();
  await scene.clock.advance(100);
  await running;
});

test("run resolves when somebody else calls stop", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  const running = scheduler.run();
  await scene.clock.advance(100);
  await scheduler.stop();
  await running;
  expect(process.listenerCount("SIGTERM")).toBe(0);
});

test("health says why it is not ready; an absent store is no reason to restart", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  const { scheduler } = recorded;
  expect(scheduler.health()).toMatchObject({ live: true, ready: false });
  expect(scheduler.health().reasons).toEqual(["the scheduler has not been started"]);
  recorded.before = () => {
    throw unreachable();
  };
  void scheduler.start();
  await scene.clock.advance(200_000);
  expect(scheduler.health()).toMatchObject({ live: true, ready: false });
  expect(scheduler.health().reasons).toEqual(["the store has not been reached since the start"]);
  recorded.before = () => {};
  await scene.clock.advance(2_000);
  expect(scheduler.health()).toMatchObject({ live: true, ready: true, reasons: [] });
  recorded.before = () => {
    throw unreachable();
  };
  await scene.clock.advance(200_000);
  expect(scheduler.health().live).toBe(true);
  recorded.before = () => {};
  await scheduler.stop();
});

test("health says what a loop fails with again and again, and is no less ready", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  const { scheduler } = recorded;
  await scheduler.start();
  recorded.before = () => {
    throw new SchedulerError("STORE_FAILED", "look: no");
  };
  await scene.clock.advance(100);
  expect(scheduler.health().reasons).toEqual([]);
  await scene.clock.advance(10_000);
  expect(scheduler.health()).toMatchObject({ live: true, ready: true });
  expect(scheduler.health().reasons).toEqual(["a loop fails: [STORE_FAILED] look: no"]);
  // Who is away is told by other words.
  recorded.before = () => {
    throw unreachable();
  };
  await scene.clock.advance(10_000);
  expect(scheduler.health().reasons).toEqual([]);
  // What is in an error of others is not known.
  recorded.before = () => {
    throw new TypeError("secret");
  };
  await scene.clock.advance(10_000);
  expect(scheduler.health().reasons).toEqual(["a loop fails: TypeError"]);
  recorded.before = () => {};
  await scene.clock.advance(10_000);
  expect(scheduler.health().reasons).toEqual([]);
});

test("health says that a loop does not come back", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ stopTimeout: 0 });
  await recorded.scheduler.start();
  await scene.clock.advance(600_000);
  expect(recorded.scheduler.health()).toMatchObject({ live: true, ready: true });
  recorded.before = () => new Promise(() => {});
  await scene.clock.advance(80_000);
  expect(recorded.scheduler.health().live).toBe(true);
  await scene.clock.advance(20_000);
  expect(recorded.scheduler.health()).toMatchObject({ live: false, ready: false });
  expect(recorded.scheduler.health().reasons).toEqual(["a loop has not come back from its step"]);
});

test("what waits for an absent store is not stalled", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ stopTimeout: 0 });
  await recorded.scheduler.start();
  recorded.before = () => new Promise(() => {});
  await scene.clock.advance(600_000);
  expect(recorded.scheduler.health().live).toBe(false);
  const health = recorded.store.health();
  Reflect.set(recorded.store, "health", () => ({ ...health, connected: false }));
  expect(recorded.scheduler.health()).toMatchObject({ live: true, ready: false });
});

test("health counts the handlers that run", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  expect(scheduler.health()).toMatchObject({ ready: false, state: "idle", running: 0 });
  let end = (): void => {};
  scheduler.bind(
    "t",
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  await scheduler.start();
  await scheduler.push("t");
  await scene.clock.advance(100);
  expect(scheduler.health()).toMatchObject({ ready: true, state: "running", running: 1 });
  end();
  await scene.clock.advance(100);
  expect(scheduler.health().running).toBe(0);
  await scheduler.stop();
});
