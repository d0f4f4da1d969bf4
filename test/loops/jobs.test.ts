/** `scheduler.jobs` over the real store. */
import { expect, test } from "vitest";
import { createScene } from "./scene.js";

test("a job is shown by its public id, with its data as they were pushed", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  const data = { to: "a@b.c", list: [1, 2] };
  const { id } = await scheduler.push("t", { data, delay: "1m", priority: 3, retry: 2 });
  const pushedAt = scene.clock.now();
  expect(await scheduler.jobs.get("t", id)).toEqual({
    id,
    taskId: "t",
    state: "scheduled",
    data,
    attempt: 1,
    failures: 0,
    crashes: 0,
    handOffs: 0,
    priority: 3,
    pushedAt,
    dueAt: pushedAt + 60_000,
    leaseEndsAt: null,
    fence: null,
    cancelling: false,
    progress: null,
    endedAt: null,
    reason: null,
    error: null,
    result: null,
    scheduleId: null,
    scheduledFor: null,
    isCatchup: false,
    missedCount: 0,
  });
  expect(await scheduler.jobs.get("t", "unheard-of")).toBeNull();
  await scheduler.stop();
});

test("a running job shows its fence and the end of its lease", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler({ lease: "10s", stopTimeout: 0 });
  let fence = 0;
  scheduler.bind("t", (_data, context) => {
    fence = context.fence;
    context.progress({ percent: 10 });
    return new Promise(() => {});
  });
  await scheduler.start();
  const { id } = await scheduler.push("t");
  await scene.clock.advance(10);
  const job = await scheduler.jobs.get("t", id);
  expect(job).toMatchObject({ state: "running", fence, progress: { percent: 10 } });
  expect(job?.leaseEndsAt).toBeGreaterThan(scene.clock.now());
  const stopping = scheduler.stop();
  await scene.clock.advance(10);
  await stopping;
});

test("a dead job is redriven under the same id and runs again", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  let good = false;
  scheduler.bind("t", () => good);
  await scheduler.start();
  const { id } = await scheduler.push("t");
  await scene.clock.advance(100);
  expect(await scheduler.jobs.get("t", id)).toMatchObject({ state: "dead", reason: "failed" });
  good = true;
  expect(await scheduler.jobs.redrive("t", id)).toMatchObject({ id, redriven: true });
  await scene.clock.advance(100);
  expect((await scheduler.jobs.counts("t")).total.completed).toBe(1);
  await scheduler.stop();
});

test("a waiting job is cancelled at once and never runs", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  let ran = 0;
  scheduler.bind("t", () => {
    ran += 1;
  });
  const { id } = await scheduler.push("t", { delay: 1_000 });
  expect(await scheduler.jobs.cancel("t", id)).toEqual({ state: "cancelled", changed: true });
  expect(await scheduler.jobs.cancel("t", "unheard-of")).toBeNull();
  await scheduler.start();
  await scene.clock.advance(10_000);
  expect(ran).toBe(0);
  await scheduler.stop();
});

test("pages of jobs follow each other without gap or overlap", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  await scheduler.pushMany(
    "t",
    Array.from({ length: 25 }, (_, n) => ({ data: n })),
  );
  const seen: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await scheduler.jobs.list("t", { state: "ready", limit: 10, cursor });
    seen.push(...page.jobs.map((job) => job.data));
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => n));
  await scheduler.stop();
});

test.each([
  ["get", ["t", 5], "ID_INVALID"],
  ["cancel", ["", "x"], "ID_INVALID"],
  ["redrive", ["t"], "ID_INVALID"],
  ["list", ["t", { state: "asleep" }], "OPTION_INVALID"],
  ["counts", [null], "ID_INVALID"],
] as const)("jobs.%s(%j) is refused as a rejection", async (verb, args, code) => {
  const scene = createScene();
  const { scheduler, calls } = scene.scheduler();
  const method = scheduler.jobs[verb] as (...given: unknown[]) => Promise<unknown>;
  await expect(method(...args)).rejects.toMatchObject({ code });
  expect(calls).toEqual([]);
});
