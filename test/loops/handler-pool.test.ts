/** Threads of a handler file: reused, bounded, ended in time, and their death is one failure. */
import { expect, test } from "vitest";
import {
  type FromHandler,
  GRACE_MS,
  type HandlerListener,
  HandlerPool,
  type HandlerThreads,
  type ToHandler,
} from "../../src/loops/handler-pool.js";
import { createTestClock } from "../../src/testing/clock.js";
import type { HandlerContext } from "../../src/types.js";

function scene(concurrency = 2) {
  const clock = createTestClock();
  const threads: { listener: HandlerListener; told: ToHandler[]; killed: boolean }[] = [];
  const factory: HandlerThreads = {
    check: () => {},
    launch: (_file, listener) => {
      const thread = { listener, told: [] as ToHandler[], killed: false };
      threads.push(thread);
      return {
        tell: (word) => void thread.told.push(structuredClone(word)),
        kill: () => {
          thread.killed = true;
        },
      };
    },
  };
  const pool = new HandlerPool({
    ...{ clock, concurrency, threads: factory, taskId: "t", payloadLimitBytes: 1_000 },
    file: new URL("file:///handler.js"),
  });
  const said: unknown[] = [];
  /** Runs a job; how it ended. */
  const run = (data: unknown = {}) => {
    const controller = new AbortController();
    const context: HandlerContext = {
      ...{ jobId: "j", taskId: "t", attempt: 1, fence: 1, isCatchup: false, missedCount: 0 },
      signal: controller.signal,
      progress: (value) => void said.push(value),
      log: (message) => void said.push(message),
    };
    const result: { value?: unknown; error?: unknown } = {};
    const done = pool.run(data, context).then(
      (value) => Object.assign(result, { value }),
      (error: unknown) => Object.assign(result, { error }),
    );
    const abort = () => controller.abort(Object.assign(new Error("late"), { code: "TIMED_OUT" }));
    return { result, done, abort };
  };
  /** What the thread says of the job that it was given last. */
  const hear = (index: number, word: object) => {
    const last = threads[index]!.told.findLast(({ kind }) => kind === "run")!;
    threads[index]!.listener.heard({ run: last.run, ...word } as FromHandler);
  };
  return { clock, pool, threads, said, run, hear };
}

test("a thread takes one job after the other; a second one is begun when it is busy", async () => {
  const { threads, run, hear, pool } = scene();
  const first = run({ n: 1 });
  hear(0, { kind: "returned", value: 7 });
  await first.done;
  expect(first.result).toEqual({ value: 7 });
  run({ n: 2 });
  expect(threads).toHaveLength(1);
  run({ n: 3 });
  expect(threads).toHaveLength(2);
  expect(threads[0]!.told.map((word) => word.kind === "run" && word.data)).toEqual([
    { n: 1 },
    { n: 2 },
  ]);
  expect(pool.size).toBe(2);
});

test("progress and log arrive while the job runs, and not after", async () => {
  const { said, run, hear } = scene();
  const { done } = run();
  hear(0, { kind: "progress", text: '{"half":true}' });
  hear(0, { kind: "log", message: "hello" });
  hear(0, { kind: "returned", value: undefined });
  await done;
  hear(0, { kind: "progress", text: "1" });
  expect(said).toEqual([{ half: true }, "hello"]);
});

test("what it throws keeps the name that decides what follows", async () => {
  const { run, hear } = scene();
  const { done, result } = run();
  const error = { name: "RetryAfterError", message: "later", waitMs: 5, code: "X" };
  hear(0, { kind: "thrown", error });
  await done;
  expect(result.error).toBeInstanceOf(Error);
  expect(result.error).toMatchObject(error);
});

test("an abort is passed on, and a thread that goes on is ended after its grace", async () => {
  const { clock, threads, run, pool } = scene();
  const { done, result, abort } = run();
  abort();
  expect(threads[0]!.told.at(-1)).toMatchObject({ kind: "abort", code: "TIMED_OUT" });
  await clock.advance(GRACE_MS - 1);
  expect(threads[0]!.killed).toBe(false);
  await clock.advance(1);
  expect(threads[0]!.killed).toBe(true);
  await done;
  expect(result.error).toMatchObject({ code: "HANDLER_DIED" });
  expect(pool.size).toBe(0);
});

test("one that ends within its grace is kept", async () => {
  const { clock, threads, run, hear } = scene();
  const { done, abort } = run();
  abort();
  hear(0, { kind: "returned", value: "tidied up" });
  await done;
  await clock.advance(2 * GRACE_MS);
  expect(threads[0]!.killed).toBe(false);
  run();
  expect(threads).toHaveLength(1);
});

test("a thread that dies fails its own job only, and is begun again for the next", async () => {
  const { threads, run, hear } = scene();
  const [first, second] = [run(), run()];
  threads[0]!.listener.ended(new Error("it ended with code 3"));
  await first.done;
  expect(String(first.result.error)).toContain("it ended with code 3");
  hear(1, { kind: "returned", value: 1 });
  await second.done;
  expect(second.result).toEqual({ value: 1 });
  threads[1]!.listener.ended(null);
  run();
  expect(threads).toHaveLength(3);
});

test("threads in their grace are bounded, too: the one before the last gives way", () => {
  const { threads, run, pool } = scene(2);
  for (let n = 0; n < 10; n += 1) run().abort();
  expect(threads).toHaveLength(10);
  expect(pool.size).toBe(4);
  expect(threads.filter(({ killed }) => killed)).toHaveLength(6);
});

test("data that cannot be copied fail the attempt, and the thread is kept", async () => {
  const { threads, run } = scene();
  const { done, result } = run({ act: () => {} });
  await done;
  expect(result.error).toMatchObject({ code: "DATA_NOT_SERIALIZABLE" });
  run();
  expect(threads).toHaveLength(1);
});

test("end waits until each thread is gone, those in their grace included", async () => {
  const { clock, threads, run, pool } = scene();
  run().abort();
  await clock.advance(GRACE_MS);
  run();
  let isOver = false;
  const ending = pool.end().then(() => {
    isOver = true;
  });
  expect(threads.map(({ killed }) => killed)).toEqual([true, true]);
  threads[1]!.listener.ended(null);
  await clock.settle();
  expect(isOver).toBe(false);
  threads[0]!.listener.ended(null);
  await ending;
});
