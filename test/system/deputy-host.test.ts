/** Claims about the thread that deputies share, as it is built: who begins it, and who ends it. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, beforeAll, expect, test } from "vitest";
import { Board } from "../../src/loops/deputy/board.js";
import type { DeputyThread } from "../../src/loops/deputy/deputy.js";
import { createTestClock } from "../../src/testing/clock.js";
import type { DeputyHost, HostParts } from "../../src/threads/deputy-host.js";
import { until } from "../support/until.js";

const PATIENCE_MS = 30_000;
const LINGER_MS = 10_000;
const built = (name: string): URL => new URL(`../../dist/threads/${name}.js`, import.meta.url);

let Host: new (parts: HostParts) => DeputyHost;
const threads: Worker[] = [];

beforeAll(async () => {
  // Not the source: a thread needs a file that Node can run.
  ({ DeputyHost: Host } = (await import(built("deputy-host").href)) as { DeputyHost: typeof Host });
});

afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.terminate()));
});

/** `made`: how many threads it has begun. */
function stage({ isShared = true } = {}) {
  const clock = createTestClock();
  let made = 0;
  const makeThread = (): Worker => {
    made += 1;
    const thread = new Worker(built("deputy-thread"), { workerData: { isShared } });
    threads.push(thread);
    return thread;
  };
  const host = new Host({ clock, isShared, makeThread });
  return { clock, host, made: () => made };
}

interface Added {
  thread: DeputyThread;
  ends: (Error | null)[];
  isReady: () => boolean;
}

function add(host: DeputyHost, board = new Board(() => {})): Added {
  const ends: (Error | null)[] = [];
  let ready = false;
  const thread = host.add({
    orders: { board: board.memory, taskIds: ["t"], leaseMs: 1_000 },
    listener: {
      ready: () => {
        ready = true;
      },
      loaded: () => {},
      ended: (error) => ends.push(error),
    },
    store: () => null,
  });
  return { thread, ends, isReady: () => ready };
}

const areReady = (...all: Added[]): Promise<unknown> =>
  until("all to be ready", () => all.every(({ isReady }) => isReady()), PATIENCE_MS);

const hasLeft = ({ ends }: Added): Promise<unknown> =>
  until("its end", () => ends.length > 0, PATIENCE_MS);

test("all deputies share one thread, and each leaves it by itself", async () => {
  const { host, made } = stage();
  const [first, second] = [add(host), add(host)];
  await areReady(first, second);
  first.thread.tell({ kind: "close" });
  await hasLeft(first);
  expect(first.ends).toEqual([null]);
  const third = add(host);
  await areReady(third);
  third.thread.kill();
  expect(third.ends).toEqual([null]);
  expect(second.ends).toEqual([]);
  expect(made()).toBe(1);
});

test("who comes soon after the last has left finds the thread still there", async () => {
  const { clock, host, made } = stage();
  for (let round = 0; round < 3; round += 1) {
    const one = add(host);
    await areReady(one);
    await clock.advance(2 * LINGER_MS);
    one.thread.tell({ kind: "close" });
    await hasLeft(one);
    await clock.advance(LINGER_MS - 1);
  }
  expect(made()).toBe(1);
  const ended = once(threads[0]!, "exit");
  await clock.advance(1);
  await ended;
  const late = add(host);
  await areReady(late);
  expect(made()).toBe(2);
});

test("all are told when their thread dies, and get another one", async () => {
  const { host, made } = stage();
  const [first, second] = [add(host), add(host)];
  await areReady(first, second);
  first.thread.tell({ kind: "sheet", sheet: new ArrayBuffer(1) as never });
  await Promise.all([hasLeft(first), hasLeft(second)]);
  for (const { ends } of [first, second]) expect(ends).toEqual([expect.any(Error)]);
  const again = [add(host), add(host)];
  await areReady(...again);
  expect(made()).toBe(2);
  expect(again.flatMap(({ ends }) => ends)).toEqual([]);
});

test.each(["close", "kill"] as const)(
  "one that is not shared is over when its thread is (%s)",
  async (how) => {
    const { host } = stage({ isShared: false });
    const only = add(host);
    await areReady(only);
    let isOver = false;
    threads[0]!.once("exit", () => {
      isOver = true;
      expect(only.ends).toHaveLength(1);
    });
    if (how === "kill") only.thread.kill();
    else only.thread.tell({ kind: "close" });
    expect(only.ends).toEqual([]);
    await hasLeft(only);
    await until("the end of its thread", () => isOver, PATIENCE_MS);
  },
);

test("one that had to be torn away leaves its thread to those that are there", async () => {
  const { clock, host, made } = stage();
  const [stuck, other] = [add(host), add(host)];
  await areReady(stuck, other);
  stuck.thread.kill();
  const next = add(host);
  await areReady(next);
  expect(made()).toBe(2);
  const ended = once(threads[0]!, "exit");
  other.thread.tell({ kind: "close" });
  await hasLeft(other);
  expect(other.ends).toEqual([null]);
  await ended;
  await clock.advance(2 * LINGER_MS);
  await areReady(add(host));
  expect(made()).toBe(2);
});

test("one whose store cannot be loaded leaves, and ends nobody else", async () => {
  const { host, made } = stage();
  const board = new Board(() => {});
  const [odd, other] = [add(host, board), add(host)];
  await areReady(odd, other);
  const job = { number: "1767225600000100" };
  board.hold({ fence: "1", task: 0, shard: 0, leaseMs: 1_000, limitMs: 60_000, jobs: [job] });
  const store = { kind: "redis", redis: null, prefix: "", keep: {}, shards: 1 };
  odd.thread.tell({ kind: "store", store } as never);
  await hasLeft(odd);
  expect(odd.ends).toEqual([
    expect.objectContaining({ message: expect.stringContaining("cannot be loaded") }),
  ]);
  await areReady(add(host));
  expect(other.ends).toEqual([]);
  expect(made()).toBe(1);
});

test("one whose store cannot be told any more leaves, and says why", async () => {
  const { host } = stage();
  const [odd, other] = [add(host), add(host)];
  await areReady(odd, other);
  odd.thread.open(1);
  expect(odd.ends).toEqual([expect.any(Error)]);
  expect(other.ends).toEqual([]);
});
