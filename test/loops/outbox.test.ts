/** Pushes: batched by turn, bounded in time, refused one by one. */
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { SchedulerError } from "../../src/core/errors.js";
import { createScene, listen, ofEvent, unreachable } from "./scene.js";

function pushes(calls: { verb: string; args: { jobs: unknown[] } }[]): number[] {
  return calls.filter((call) => call.verb === "push").map((call) => call.args.jobs.length);
}

test("pushes of one turn of the event loop share one call, and are answered in order", async () => {
  const scene = createScene();
  const { scheduler, calls } = scene.scheduler();
  const results = await Promise.all(
    Array.from({ length: 30 }, (_, n) => scheduler.push("t", { id: `job-${n}`, data: n })),
  );
  expect(pushes(calls)).toEqual([30]);
  expect(results.map((result) => result.id)).toEqual(
    Array.from({ length: 30 }, (_, n) => `job-${n}`),
  );
  await scheduler.push("t");
  expect(pushes(calls)).toEqual([30, 1]);
  await scheduler.stop();
});

test("pushes of a turn stand by their tasks in the call, each task's in order", async () => {
  const scene = createScene();
  const { scheduler, calls } = scene.scheduler();
  const taskIds = ["b", "a", "b", "c", "a", "b"];
  const results = await Promise.all(
    taskIds.map((taskId, n) => scheduler.push(taskId, { data: n })),
  );
  expect(results.map(({ taskId }) => taskId)).toEqual(taskIds);
  const [call] = calls.filter(({ verb }) => verb === "push");
  const jobs = call?.args.jobs as { taskId: string; payload: string }[];
  expect(jobs.map(({ taskId, payload }) => taskId + payload)).toEqual([
    ...["b0", "b2", "b5"],
    ...["a1", "a4", "c3"],
  ]);
  for (const [n, { id, taskId }] of results.entries()) {
    expect(await scene.get(taskId, id)).toMatchObject({ taskId, payload: String(n) });
  }
  await scheduler.stop();
});

test("a call carries at most 250 jobs, and the order of pushes is the order of jobs", async () => {
  const scene = createScene();
  const { scheduler, calls } = scene.scheduler();
  await Promise.all(Array.from({ length: 600 }, (_, n) => scheduler.push("t", { data: n })));
  expect(pushes(calls)).toEqual([250, 250, 100]);
  const ran: unknown[] = [];
  scheduler.bind("t", (data) => void ran.push(data), { concurrency: 1 });
  await scheduler.start();
  await scene.clock.advance(1_000);
  expect(ran).toEqual(Array.from({ length: 600 }, (_, n) => n));
  await scheduler.stop();
});

test("much text does not go in one call", async () => {
  const scene = createScene();
  const { scheduler, calls } = scene.scheduler();
  const data = "x".repeat(400_000);
  await Promise.all(Array.from({ length: 5 }, () => scheduler.push("t", { data })));
  expect(pushes(calls)).toEqual([2, 2, 1]);
  await scheduler.stop();
});

test("a list, too, is cut so that each call has only so much text, or one job", async () => {
  const scene = createScene();
  const { scheduler, calls } = scene.scheduler({ payloadLimit: 8_000_000 });
  const sizes = [900_000, 900_000, 50_000, 2_000_000, 10, 10, 3_000_000, 3_000_000];
  const items = sizes.map((size, k) => ({ id: `${k}`, data: "x".repeat(size) }));
  const answers = await scheduler.pushMany("t", [...items.slice(0, 3), {}, ...items.slice(3)]);
  const own = answers.map(({ id }) => id ?? "");
  expect(own.toSpliced(3, 1)).toEqual(items.map(({ id }) => id));
  expect(pushes(calls)).toEqual([1, 3, 1, 2, 1, 1]);
  await scheduler.stop();
});

test("a push says what became of it", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  const told = listen(scheduler);
  const now = scene.clock.now();
  expect(await scheduler.push("t", { id: "a" })).toEqual({
    id: "a",
    taskId: "t",
    created: true,
    state: "ready",
    dueAt: null,
  });
  expect(await scheduler.push("t", { id: "a" })).toMatchObject({ created: false, state: "ready" });
  expect(await scheduler.push("t", { delay: "5s" })).toMatchObject({
    state: "scheduled",
    dueAt: now + 5_000,
  });
  expect(ofEvent(told, "job:pushed").map((event) => event.created)).toEqual([true, false, true]);
  await scheduler.stop();
});

test("a push rejects with the store's error, and the next one goes through", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  recorded.before = () => {
    throw unreachable();
  };
  await expect(recorded.scheduler.push("t")).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
  recorded.before = () => {};
  expect((await recorded.scheduler.push("t")).created).toBe(true);
  await recorded.scheduler.stop();
});

test("a push to a store that never answers rejects soon after pushTimeout", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ pushTimeout: "5s" });
  recorded.before = () => new Promise(() => {});
  let error: SchedulerError | null = null;
  recorded.scheduler.push("t").catch((thrown: SchedulerError) => {
    error = thrown;
  });
  await scene.clock.advance(4_900);
  expect(error).toBeNull();
  await scene.clock.advance(700);
  expect(error).toMatchObject({ code: "STORE_NO_ANSWER" });
});

test("a push that nobody awaits and that fails is told by the error event, once", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  const told = listen(scheduler);
  void scheduler.push("t", { delya: 5 } as never);
  await scene.clock.settle();
  expect(ofEvent(told, "error")).toMatchObject([{ code: "OPTION_UNKNOWN" }]);
  await scheduler.stop();
});

test("pushMany is one call, answers in order, and a refused item fails alone", async () => {
  const scene = createScene();
  const { scheduler, calls } = scene.scheduler();
  await scheduler.push("t", { id: "known" });
  const answers = await scheduler.pushMany("t", [
    { data: 1, id: "first" },
    { data: 10n },
    { id: "known" },
    { data: 2, delay: "banana" as never },
    { data: 3, id: "last" },
  ]);
  expect(pushes(calls)).toEqual([1, 3]);
  expect(answers.map((answer) => answer.error?.code ?? answer.id)).toEqual([
    "first",
    "DATA_NOT_SERIALIZABLE",
    "known",
    "DURATION_INVALID",
    "last",
  ]);
  expect(answers[2]).toMatchObject({ created: false });
  await scheduler.stop();
});

test("pushMany of nothing asks the store for nothing, and of no list is refused", async () => {
  const scene = createScene();
  const { scheduler, calls } = scene.scheduler();
  expect(await scheduler.pushMany("t", [])).toEqual([]);
  expect(calls).toEqual([]);
  await expect(scheduler.pushMany("t", "abc" as never)).rejects.toMatchObject({
    code: "OPTION_INVALID",
  });
});

test("a list that its caller empties at once is pushed to its end", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  const buffer = Array.from({ length: 3_000 }, (_, n) => ({ data: n }));
  const pushing = scheduler.pushMany("t", buffer);
  buffer.length = 0;
  const stored = (await pushing).filter((answer) => answer?.id !== undefined);
  expect(stored).toHaveLength(3_000);
  expect((await scene.counts("t")).ready).toBe(3_000);
  await scheduler.stop();
});

test("a long pushMany whose second call fails says which items are stored", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  const items = Array.from({ length: 600 }, (_, n) => ({ data: n }));
  recorded.before = () => {
    if (recorded.count("push") === 2) throw unreachable();
  };
  const answers = await recorded.scheduler.pushMany("t", items);
  const failed = answers.flatMap((answer, n) => (answer.error === undefined ? [] : [n]));
  expect(failed).toEqual(Array.from({ length: 250 }, (_, n) => n + 250));
  expect((await scene.counts("t")).ready).toBe(350);
  await recorded.scheduler.stop();
});

test("pushMany rejects when nothing of it is known to be stored", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  recorded.before = () => {
    throw unreachable();
  };
  const pushing = recorded.scheduler.pushMany("t", [{ data: 1 }, { data: 2 }]);
  await expect(pushing).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
});

test("pushMany does not call undone what may be stored: a call had no answer", async () => {
  const fates = [unreachable(), new SchedulerError("STORE_NO_ANSWER", "lost"), unreachable()];
  const recorded = createScene().scheduler();
  recorded.before = () => {
    throw fates.shift();
  };
  const items = Array.from({ length: 600 }, (_, n) => ({ data: n }));
  const pushing = recorded.scheduler.pushMany("t", items);
  await expect(pushing).rejects.toMatchObject({ code: "STORE_NO_ANSWER" });
  expect(fates).toEqual([]);
});

const positive = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: async (value: unknown) =>
      Number(value) > 0 ? { value: Number(value) } : { issues: [{ message: "must be positive" }] },
  },
} as const;

test("a validator's promise may be of any kind", async () => {
  const { validate } = positive["~standard"];
  const Foreign = runInNewContext("Promise") as PromiseConstructor;
  const foreign = (value: unknown) => Foreign.resolve(1).then(() => validate(value));
  const schema = { "~standard": { ...positive["~standard"], validate: foreign } };
  const { scheduler } = createScene().scheduler({ tasks: { t: schema } });
  await expect(scheduler.push("t", { data: "-1" })).rejects.toMatchObject({ code: "DATA_INVALID" });
  expect(await scheduler.push("t", { data: "7" })).toMatchObject({ created: true });
  await scheduler.stop();
});

test("push validates its data and stores the input", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler({ tasks: { t: positive } });
  await expect(scheduler.push("t", { data: "-1" })).rejects.toMatchObject({ code: "DATA_INVALID" });
  const { id } = await scheduler.push("t", { data: "7" });
  expect((await scene.get("t", id))?.payload).toBe('"7"');
  await expect(scheduler.push("x", { data: "7" })).rejects.toMatchObject({ code: "TASK_UNKNOWN" });
  const many = await scheduler.pushMany("t", [{ data: "1" }, { data: "-1" }]);
  expect(many.map((answer) => answer.error?.code ?? "stored")).toEqual(["stored", "DATA_INVALID"]);
  await scheduler.stop();
});
