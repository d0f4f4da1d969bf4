/** Back-pressure: what waits is bounded, the caller learns it, and nothing accepted is lost. */
import { expect, test } from "vitest";
import type { SchedulerError } from "../../src/core/errors.js";
import type { PushManyResult, PushOptions, Scheduler } from "../../src/types.js";
import { createGate, createScene, listen, ofEvent, type Recorded, unreachable } from "./scene.js";

/** What became of pushes so far: how many were stored, and the codes of those that were not. */
function pushing(scheduler: Scheduler, count: number, options: PushOptions = {}) {
  const codes: Record<string, number> = {};
  const errors = new Set<SchedulerError>();
  let stored = 0;
  const all = Array.from({ length: count }, () =>
    scheduler.push("t", options).then(
      () => {
        stored += 1;
      },
      (error: SchedulerError) => {
        codes[error.code] = (codes[error.code] ?? 0) + 1;
        errors.add(error);
      },
    ),
  );
  return { all: Promise.all(all), codes, errors, stored: () => stored };
}

/** A scheduler whose store keeps its answers to pushes back until the gate opens. */
function slowStore(options: Record<string, unknown>) {
  const scene = createScene();
  const recorded = scene.scheduler(options);
  const gate = createGate();
  recorded.before = ({ verb }) => (verb === "push" ? gate.passed : undefined);
  return { scene, recorded, gate, scheduler: recorded.scheduler };
}

/** Jobs of pushes that the store has been asked for and has not answered, at the most. */
function watchWire(recorded: Recorded): { most: () => number } {
  let now = 0;
  let most = 0;
  const { before } = recorded;
  recorded.before = (call) => {
    if (call.verb === "push") now += call.args.jobs.length;
    most = Math.max(most, now);
    return before(call);
  };
  recorded.after = ({ verb, args }) => {
    if (verb === "push") now -= args.jobs.length;
  };
  return { most: () => most };
}

const codeOf = (answer: PushManyResult) => answer.error?.code ?? "stored";

test("beyond maxPending a push is refused at once, and what was accepted is stored", async () => {
  const { scene, recorded, gate, scheduler } = slowStore({ maxPending: 600 });
  const wire = watchWire(recorded);
  const pushes = pushing(scheduler, 2_000);
  await scene.clock.settle();
  expect(pushes.codes).toEqual({ TOO_MANY_PENDING: 1_400 });
  expect(pushes.stored()).toBe(0);
  gate.open();
  await pushes.all;
  expect(pushes.stored()).toBe(600);
  expect(wire.most()).toBe(600);
  expect((await scene.counts("t")).ready).toBe(600);
  await scheduler.stop();
});

test("a refusal says what to do, is told once, and ends when the store has answered", async () => {
  const { scene, gate, scheduler } = slowStore({ maxPending: 10 });
  const told = listen(scheduler);
  const first = pushing(scheduler, 1_010);
  await scene.clock.settle();
  expect(first.errors.size).toBe(1);
  const [error] = first.errors;
  expect(error?.message).toContain("10 jobs wait for the store already");
  expect(error?.fix).toMatch(/await.*pushMany.*maxPending/);
  expect(ofEvent(told, "error")).toEqual([error]);
  gate.open();
  await first.all;
  const next = pushing(scheduler, 10);
  await next.all;
  expect(next.stored()).toBe(10);
  await scheduler.stop();
});

test("much text is refused as well, and one payload over the bound goes through", async () => {
  const { scene, gate, scheduler } = slowStore({ maxPendingText: 1_000 });
  const small = pushing(scheduler, 12, { data: "x".repeat(98) });
  await scene.clock.settle();
  expect(small.codes).toEqual({ TOO_MANY_PENDING: 2 });
  expect([...small.errors][0]?.fix).toContain("maxPendingText");
  gate.open();
  await small.all;
  const big = pushing(scheduler, 2, { data: "x".repeat(5_000) });
  await big.all;
  expect([big.stored(), big.codes]).toEqual([1, { TOO_MANY_PENDING: 1 }]);
  await scheduler.stop();
});

test("a store that never answers holds the bound and no more, however much is pushed", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ maxPending: 300 });
  recorded.before = () => new Promise(() => {});
  const wire = watchWire(recorded);
  const codes: Record<string, number>[] = [];
  for (let round = 0; round < 5; round += 1) {
    const pushes = pushing(recorded.scheduler, 1_000);
    await scene.clock.advance(6_000);
    codes.push(pushes.codes);
  }
  expect(codes[0]).toEqual({ STORE_NO_ANSWER: 300, TOO_MANY_PENDING: 700 });
  // It may still be at it: whoever lets go of what it holds has no bound.
  expect(codes.slice(1)).toEqual(Array(4).fill({ TOO_MANY_PENDING: 1_000 }));
  expect(wire.most()).toBe(300);
});

test("what a store cannot be reached for makes room for the next pushes", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ maxPending: 300 });
  recorded.before = () => {
    throw unreachable();
  };
  const first = pushing(recorded.scheduler, 400);
  await first.all;
  expect(first.codes).toEqual({ STORE_UNREACHABLE: 300, TOO_MANY_PENDING: 100 });
  recorded.before = () => {};
  const next = pushing(recorded.scheduler, 300);
  await next.all;
  expect(next.stored()).toBe(300);
  await recorded.scheduler.stop();
});

const accepting = createGate();
const slowly = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: async (value: unknown) => {
      await accepting.passed;
      return value === 1 ? { value } : { issues: [{ message: "must be 1" }] };
    },
  },
} as const;

test("pushes that wait for a validator count, and those that it refuses make room", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler({ maxPending: 10, tasks: { t: slowly } });
  const wrong = pushing(scheduler, 20, { data: 2 });
  await scene.clock.settle();
  expect(wrong.codes).toEqual({ TOO_MANY_PENDING: 10 });
  accepting.open();
  await wrong.all;
  expect(wrong.codes).toEqual({ TOO_MANY_PENDING: 10, DATA_INVALID: 10 });
  const right = pushing(scheduler, 10, { data: 1 });
  await right.all;
  expect(right.stored()).toBe(10);
  const list = await scheduler.pushMany("t", [{ data: 2 }, { data: 1 }, { data: 2 }]);
  expect(list.map(codeOf)).toEqual(["DATA_INVALID", "stored", "DATA_INVALID"]);
  const after = pushing(scheduler, 10, { data: 1 });
  await after.all;
  expect(after.stored()).toBe(10);
  await scheduler.stop();
});

test("pushMany of a list far beyond the bound stores all of it, in order", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ maxPending: 100 });
  const wire = watchWire(recorded);
  const items = Array.from({ length: 5_000 }, (_, n) => (n % 7 === 3 ? { data: 1n } : { data: n }));
  const answers = await recorded.scheduler.pushMany("t", items);
  expect(answers).toHaveLength(5_000);
  answers.forEach((answer, n) => {
    expect(codeOf(answer)).toBe(n % 7 === 3 ? "DATA_NOT_SERIALIZABLE" : "stored");
  });
  // Half of it is for others: a push beside it is not refused.
  expect(wire.most()).toBe(50);
  const ids = answers.flatMap(({ id }) => id ?? []);
  expect(ids).toEqual([...ids].sort());
  expect((await scene.counts("t")).ready).toBe(ids.length);
  await recorded.scheduler.stop();
});

test("a long list leaves room for single pushes, and several lists share it", async () => {
  const { scene, recorded, gate, scheduler } = slowStore({ maxPending: 100 });
  const wire = watchWire(recorded);
  const items = Array.from({ length: 400 }, (_, n) => ({ data: n }));
  const one = scheduler.pushMany("t", items);
  const beside = pushing(scheduler, 10);
  const more = [scheduler.pushMany("t", items), scheduler.pushMany("t", items)];
  // Somebody waits for room by now: whoever comes does not overtake.
  const late = pushing(scheduler, 1);
  await late.all;
  expect(late.codes).toEqual({ TOO_MANY_PENDING: 1 });
  gate.open();
  const lists = await Promise.allSettled([one, ...more]);
  await beside.all;
  expect(beside.stored()).toBe(10);
  expect(wire.most()).toBeLessThanOrEqual(100);
  const stored = lists.map((list) =>
    list.status === "fulfilled" ? list.value.map(codeOf) : list.reason.code,
  );
  expect(stored).toEqual([
    Array(400).fill("stored"),
    Array(400).fill("stored"),
    "TOO_MANY_PENDING",
  ]);
  expect((await scene.counts("t")).ready).toBe(810);
  await scheduler.stop();
});

test("pieces of a list are bounded by their text, too", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ maxPendingText: 2_000_000 });
  const items = Array.from({ length: 20 }, () => ({ data: "x".repeat(400_000) }));
  let text = 0;
  let most = 0;
  recorded.before = ({ verb, args }) => {
    if (verb !== "push") return;
    for (const job of args.jobs) text += job.payload.length;
    most = Math.max(most, text);
  };
  recorded.after = ({ verb, args }) => {
    if (verb === "push") for (const job of args.jobs) text -= job.payload.length;
  };
  const answers = await recorded.scheduler.pushMany("t", items);
  expect(answers.map(codeOf)).toEqual(Array(20).fill("stored"));
  expect(most).toBeLessThanOrEqual(2_000_000 + 1_400_000);
  await recorded.scheduler.stop();
});

test("a list stops at the first failure, and says what was not sent", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ maxPending: 100 });
  recorded.before = () => {
    if (recorded.count("push") === 3) throw unreachable();
  };
  const items = Array.from({ length: 500 }, (_, n) => ({ data: n }));
  const codes = (await recorded.scheduler.pushMany("t", items)).map(codeOf);
  const count = (code: string) => codes.filter((one) => one === code).length;
  expect([count("stored"), count("STORE_UNREACHABLE"), count("NOT_SENT")]).toEqual([100, 50, 350]);
  expect((await scene.counts("t")).ready).toBe(100);
  await recorded.scheduler.stop();
});

test("stop() waits for the rest of a list that is under way", async () => {
  const { scene, gate, scheduler } = slowStore({ maxPending: 100 });
  const list = scheduler.pushMany(
    "t",
    Array.from({ length: 400 }, (_, n) => ({ data: n })),
  );
  await scene.clock.settle();
  const stopped = scheduler.stop();
  gate.open();
  await stopped;
  expect((await list).map(codeOf)).toEqual(Array(400).fill("stored"));
});

test("slow handlers: no more is claimed than may run, and what ends does not pile up", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  const ending = createGate();
  let started = 0;
  recorded.scheduler.bind(
    "t",
    async () => {
      started += 1;
      await ending.passed;
    },
    { concurrency: 5 },
  );
  for (let n = 0; n < 50; n += 1) await scene.push("t");
  await recorded.scheduler.start();
  await scene.clock.advance(60_000);
  expect(started).toBe(5);
  expect(await scene.counts("t")).toMatchObject({ running: 5, ready: 45 });
  // The store hangs just when all of them end: their places stay taken until it has heard of it.
  const settling = createGate();
  recorded.before = ({ verb }) => (verb === "work" ? settling.passed : undefined);
  ending.open();
  await scene.clock.advance(5_000);
  expect(started).toBeLessThanOrEqual(10);
  settling.open();
  await scene.clock.advance(5_000);
  expect(started).toBe(50);
  await recorded.scheduler.stop();
});
