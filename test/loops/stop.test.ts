/** Stopping, in every combination of promise 7. */
import { describe, expect, test } from "vitest";
import type { Handler } from "../../src/types.js";
import { createGate, createScene, listen, ofEvent, unreachable } from "./scene.js";

const STOP_TIMEOUT_MS = 30_000;

/** A started scheduler with one running job, whose handler ends when the test says so, if ever. */
async function running(push: object = {}) {
  const scene = createScene();
  const recorded = scene.scheduler({ stopTimeout: STOP_TIMEOUT_MS });
  const { scheduler } = recorded;
  const told = listen(scheduler);
  const gate = createGate();
  const signals: AbortSignal[] = [];
  const handler: Handler = async (_data, { signal }) => {
    signals.push(signal);
    await gate.passed;
  };
  scheduler.bind("t", handler, { concurrency: 1 });
  await scheduler.start();
  const { id } = await scheduler.push("t", push);
  await scene.clock.advance(100);
  let stopped = false;
  const stop = () =>
    scheduler.stop().then(() => {
      stopped = true;
    });
  expect(signals).toHaveLength(1);
  return { ...recorded, scene, told, gate, signals, id, stop, isStopped: () => stopped };
}

test("stop lets a running handler end, keeps its lease, and its result counts", async () => {
  const { scene, gate, signals, stop, isStopped, calls, scheduler } = await running();
  const stopping = stop();
  expect(scheduler.state).toBe("stopping");
  await scene.clock.advance(20_000);
  expect(isStopped()).toBe(false);
  expect(signals[0]?.aborted).toBe(false);
  expect(calls.filter((call) => call.verb === "renew").length).toBeGreaterThan(4);
  gate.open();
  await scene.clock.advance(10);
  await stopping;
  expect(scheduler.state).toBe("idle");
  expect((await scene.counts("t")).total.completed).toBe(1);
});

test("nothing is claimed once stop was called", async () => {
  const { scene, gate, stop, calls } = await running();
  await scene.push("t");
  calls.length = 0;
  const stopping = stop();
  gate.open();
  await scene.clock.advance(1_000);
  await stopping;
  expect(calls.flatMap((call) => call.args?.claims ?? [])).toEqual([]);
  expect(await scene.counts("t")).toMatchObject({ ready: 1, running: 0 });
});

describe("a handler that outlives stopTimeout is aborted, and its job", () => {
  test("is handed back unspent with retry on", async () => {
    const { scene, stop, signals, id } = await running({ retry: 3 });
    const stopping = stop();
    await scene.clock.advance(STOP_TIMEOUT_MS - 1);
    expect(signals[0]?.aborted).toBe(false);
    await scene.clock.advance(1);
    await stopping;
    expect(signals[0]?.reason).toMatchObject({ code: "STOPPING" });
    const counts = { failures: 0, crashes: 0, handOffs: 1 };
    expect(await scene.get("t", id)).toMatchObject({ state: "ready", counts });
  });

  test("ends as dead, interrupted, with retry off", async () => {
    const { scene, stop, told, id } = await running();
    const stopping = stop();
    await scene.clock.advance(STOP_TIMEOUT_MS);
    await stopping;
    expect(await scene.get("t", id)).toMatchObject({ state: "dead", reason: "interrupted" });
    expect(ofEvent(told, "job:dead")).toMatchObject([{ jobId: id, reason: "interrupted" }]);
  });

  test("ends as cancelled if it was cancelled", async () => {
    const { scene, stop, scheduler, id } = await running({ retry: true });
    await scheduler.jobs.cancel("t", id);
    const stopping = stop();
    await scene.clock.advance(STOP_TIMEOUT_MS);
    await stopping;
    expect((await scene.get("t", id))?.state).toBe("cancelled");
  });

  test("is not settled twice when the handler ends after all", async () => {
    const { scene, stop, gate, calls, id } = await running({ retry: true });
    const stopping = stop();
    await scene.clock.advance(STOP_TIMEOUT_MS);
    await stopping;
    calls.length = 0;
    gate.open();
    await scene.clock.advance(60_000);
    expect(calls).toEqual([]);
    expect((await scene.get("t", id))?.state).toBe("ready");
  });
});

test("a job handed back goes to the front of the line", async () => {
  const { scene, stop, scheduler } = await running({ retry: true, id: "first" });
  await scene.push("t", { id: "second" });
  const stopping = stop();
  await scene.clock.advance(STOP_TIMEOUT_MS);
  await stopping;
  const next = scene.scheduler();
  const ran: string[] = [];
  next.scheduler.bind("t", (_data, { jobId }) => void ran.push(jobId), { concurrency: 1 });
  await next.scheduler.start();
  await scene.clock.advance(100);
  expect(ran).toEqual(["first", "second"]);
  await next.scheduler.stop();
  expect(scheduler.state).toBe("idle");
});

test("a settle that could not be told while stopping waits for the store", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ stopTimeout: STOP_TIMEOUT_MS });
  const gate = createGate();
  recorded.scheduler.bind("t", () => gate.passed);
  await recorded.scheduler.start();
  await recorded.scheduler.push("t");
  await scene.clock.advance(100);
  recorded.before = () => {
    throw unreachable();
  };
  let stopped = false;
  const stopping = recorded.scheduler.stop().then(() => {
    stopped = true;
  });
  gate.open();
  await scene.clock.advance(20_000);
  expect(stopped).toBe(false);
  recorded.before = () => {};
  await scene.clock.advance(2_000);
  await stopping;
  expect((await scene.counts("t")).total.completed).toBe(1);
});

test("stop is idempotent, and resolves on an idle scheduler", async () => {
  const { scene, gate, scheduler } = await running();
  const first = scheduler.stop();
  expect(scheduler.stop()).toBe(first);
  gate.open();
  await scene.clock.advance(10);
  await first;
  await scheduler.stop();
  expect(scheduler.state).toBe("idle");
});

test("stop is bounded when no call of the store ever ends", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ stopTimeout: "2s" });
  recorded.scheduler.bind("t", () => true);
  await recorded.scheduler.start();
  await scene.clock.advance(100);
  recorded.before = () => new Promise(() => {});
  await scene.push("t");
  await scene.clock.advance(5_000);
  let stopped = false;
  void recorded.scheduler.stop().then(() => {
    stopped = true;
  });
  await scene.clock.advance(2_000 + 2_000 + 2_000 + 2_000);
  expect(stopped).toBe(true);
  expect(recorded.scheduler.state).toBe("idle");
});

test("stop is bounded when the store fails every call", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ stopTimeout: "2s" });
  recorded.scheduler.bind("t", () => true);
  await recorded.scheduler.start();
  await scene.push("t");
  await recorded.scheduler.push("t");
  recorded.after = ({ verb }) => {
    if (verb === "work") recorded.before = () => Promise.reject(unreachable());
  };
  await scene.clock.advance(5_000);
  let stopped = false;
  void recorded.scheduler.stop().then(() => {
    stopped = true;
  });
  await scene.clock.advance(2_000 + 2_000 + 1_000);
  expect(stopped).toBe(true);
});

test("a stopped scheduler starts again, and works as before", async () => {
  const { scene, gate, scheduler } = await running();
  gate.open();
  await scene.clock.advance(10);
  await scheduler.stop();
  await scene.push("t");
  await scheduler.start();
  await scene.clock.advance(100);
  expect((await scene.counts("t")).total.completed).toBe(2);
  await scheduler.stop();
});

test("after stop a push works again, as a producer", async () => {
  const { scene, gate, scheduler } = await running();
  gate.open();
  await scene.clock.advance(10);
  await scheduler.stop();
  expect(await scheduler.push("t")).toMatchObject({ created: true, state: "ready" });
  await scene.clock.advance(60_000);
  expect(await scene.counts("t")).toMatchObject({ ready: 1, running: 0 });
  await scheduler.stop();
});

test("a push during stop is stored, not lost", async () => {
  const { scene, gate, scheduler } = await running();
  gate.open();
  const stopping = scheduler.stop();
  const pushes = Promise.all(Array.from({ length: 10 }, () => scheduler.push("t")));
  await scene.clock.advance(10);
  await stopping;
  const late = scheduler.push("t");
  await scene.clock.advance(10);
  expect((await pushes).every((push) => push.created)).toBe(true);
  expect((await late).created).toBe(true);
  expect((await scene.counts("t")).ready).toBe(11);
});

test("what is pushed while the store is being closed waits, and is not cut off", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  await recorded.scheduler.start();
  const closeHeld = createGate();
  recorded.before = ({ verb }) => (verb === "close" ? closeHeld.passed : undefined);
  const stopping = recorded.scheduler.stop();
  await scene.clock.settle();
  expect(recorded.count("close")).toBe(1);
  const pushing = recorded.scheduler.push("t");
  await scene.clock.settle();
  expect(recorded.count("push")).toBe(0);
  closeHeld.open();
  await stopping;
  expect((await pushing).created).toBe(true);
});

test("a start right after the stop of a producer waits until its store is closed", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  await recorded.scheduler.push("t");
  const closeHeld = createGate();
  recorded.before = ({ verb }) => (verb === "close" ? closeHeld.passed : undefined);
  const stopping = recorded.scheduler.stop();
  await scene.clock.settle();
  const starting = recorded.scheduler.start();
  await scene.clock.settle();
  expect(recorded.count("open")).toBe(0);
  closeHeld.open();
  await Promise.all([stopping, starting]);
  expect(recorded.scheduler.health()).toMatchObject({ ready: true, state: "running" });
  await recorded.scheduler.stop();
});

test("`await using` stops the scheduler", async () => {
  const { scene, gate, scheduler } = await running();
  gate.open();
  const disposed = scheduler[Symbol.asyncDispose]();
  await scene.clock.advance(10);
  await disposed;
  expect(scheduler.state).toBe("idle");
});
