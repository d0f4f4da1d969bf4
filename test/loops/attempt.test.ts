/** One attempt: outcomes, timeouts, validation, what the handler is given. */
import { expect, test } from "vitest";
import { NonRetryableError, RetryAfterError } from "../../src/core/errors.js";
import type { Handler, HandlerContext, PushOptions } from "../../src/types.js";
import { createScene, type Member, type MemberArgs, ofEvent, type Scene } from "./scene.js";

interface Ran {
  scene: Scene;
  member: Member;
  id: string;
}

/** One job of task "t", claimed and run until its handler has ended and is settled. */
async function runOne(
  handler: Handler,
  { push, ...args }: MemberArgs & { push?: PushOptions } = {},
): Promise<Ran> {
  const scene = createScene();
  const member = await scene.member({ ...args, bind: { t: handler } });
  const id = await scene.push("t", push);
  await member.work();
  await member.engine.pump.step();
  return { scene, member, id };
}

test.each([
  ["true", true],
  ["undefined", undefined],
  ["null", null],
  ["0", 0],
  ["a promise of nothing", Promise.resolve()],
])("a handler that returns %s completes the job", async (_name, value) => {
  const { scene, member, id } = await runOne(() => value);
  expect((await scene.counts("t")).total).toMatchObject({ completed: 1, failures: 0 });
  expect(ofEvent(member.told, "job:completed")).toMatchObject([{ jobId: id, attempt: 1 }]);
});

test("false fails the attempt, and the job waits for its retry", async () => {
  const { scene, member, id } = await runOne(() => false, {
    push: { retry: true, retryTimeout: 7_000 },
  });
  const dueAt = scene.clock.now() + 7_000;
  expect(await scene.get("t", id)).toMatchObject({ state: "scheduled", dueAt });
  expect(ofEvent(member.told, "job:failed")).toMatchObject([{ jobId: id, attempt: 1 }]);
  expect(ofEvent(member.told, "job:retrying")).toMatchObject([{ cause: "failed", dueAt }]);
});

test("a throw is an outcome: retry off, the job is dead with the error's text", async () => {
  const handler = () => {
    throw new TypeError("no such address");
  };
  const { scene, member, id } = await runOne(handler);
  expect(await scene.get("t", id)).toMatchObject({ state: "dead", reason: "failed" });
  expect((await scene.get("t", id))?.error).toContain("no such address");
  expect(ofEvent(member.told, "job:dead")).toMatchObject([{ jobId: id, reason: "failed" }]);
});

test("what cannot even be looked at is thrown by one job and stops no other", async () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  let ran = 0;
  const handler: Handler = () => {
    ran += 1;
    if (ran === 1) throw proxy;
  };
  const { scene, member, id } = await runOne(handler);
  expect(await scene.get("t", id)).toMatchObject({ state: "dead", reason: "failed" });
  await scene.push("t");
  member.engine.pump.offerAll();
  await member.work();
  expect(ran).toBe(2);
});

test("NonRetryableError ends the job, however many tries are left", async () => {
  const handler = () => Promise.reject(new NonRetryableError("bad card"));
  const { scene, id } = await runOne(handler, { push: { retry: 5 } });
  expect(await scene.get("t", id)).toMatchObject({ state: "dead", reason: "rejected" });
});

test("RetryAfterError sets the wait", async () => {
  const handler = () => Promise.reject(new RetryAfterError(123_000));
  const { scene, id } = await runOne(handler, { push: { retry: 5 } });
  expect((await scene.get("t", id))?.dueAt).toBe(scene.clock.now() + 123_000);
});

test("an attempt that takes too long has failed at once; what comes later is ignored", async () => {
  const scene = createScene();
  let signal: AbortSignal | undefined;
  let finish = (_value: unknown): void => {};
  const handler: Handler = (_data, context) => {
    signal = context.signal;
    return new Promise((resolve) => {
      finish = resolve;
    });
  };
  const member = await scene.member({ bind: { t: [handler, { timeout: 500 }] } });
  const id = await scene.push("t", { retry: true, retryTimeout: 60_000 });
  await member.work();
  await scene.clock.advance(499);
  expect(signal?.aborted).toBe(false);
  await scene.clock.advance(1);
  expect(signal?.aborted).toBe(true);
  expect(signal?.reason).toMatchObject({ code: "TIMED_OUT" });
  await member.engine.pump.step();
  expect(await scene.get("t", id)).toMatchObject({ state: "scheduled", counts: { failures: 1 } });
  finish(true);
  await scene.clock.settle();
  await member.engine.pump.step();
  expect(await scene.get("t", id)).toMatchObject({ state: "scheduled", counts: { failures: 1 } });
});

test("a job's own timeout beats the one of bind", async () => {
  const scene = createScene();
  const never = () => new Promise(() => {});
  const member = await scene.member({ bind: { t: [never, { timeout: "1h" }] } });
  const id = await scene.push("t", { timeout: 50 });
  await member.work();
  await scene.clock.advance(50);
  await member.engine.pump.step();
  expect((await scene.get("t", id))?.state).toBe("dead");
});

test("a handler that listens to its signal late is told, too", async () => {
  const scene = createScene();
  let seen: unknown = null;
  let goOn = (): void => {};
  const handler: Handler = async (_data, context) => {
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    seen = (context.signal.reason as { code?: string }).code;
  };
  const member = await scene.member({ bind: { t: [handler, { timeout: 10 }] } });
  await scene.push("t");
  await member.work();
  await scene.clock.advance(10);
  goOn();
  await scene.clock.settle();
  expect(seen).toBe("TIMED_OUT");
});

test("a handler is told who it is, and gets the data as they were pushed", async () => {
  const seen: { data: unknown; context: HandlerContext }[] = [];
  const push = { id: "order-7", data: { list: [1, "zwei", null], ä: "✓" }, retry: 3 };
  const { id } = await runOne((data, context) => void seen.push({ data, context }), { push });
  expect(id).toBe("order-7");
  expect(seen[0]?.data).toEqual(push.data);
  const { jobId, taskId, attempt, fence, isCatchup, missedCount } =
    seen[0]?.context ?? ({} as never);
  expect({ jobId, taskId, attempt, isCatchup, missedCount }).toEqual({
    jobId: "order-7",
    taskId: "t",
    attempt: 1,
    isCatchup: false,
    missedCount: 0,
  });
  expect(Number.isSafeInteger(fence)).toBe(true);
  expect("scheduleId" in (seen[0]?.context ?? {})).toBe(false);
});

/** A validator that turns text into a number and refuses everything else. */
const numeric = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value: unknown) =>
      typeof value === "string" ? { value: Number(value) } : { issues: [{ message: "no text" }] },
  },
} as const;

test("the handler is given the validator's output", async () => {
  const ran: unknown[] = [];
  await runOne((data) => void ran.push(data), {
    push: { data: "42" },
    options: { tasks: { t: numeric } },
  });
  expect(ran).toEqual([42]);
});

test("data that no longer validate fail the attempt; ten times in a row end the job", async () => {
  const ran: unknown[] = [];
  const { scene, member, id } = await runOne((data) => void ran.push(data), {
    push: { data: 42, retry: true, retryTimeout: 1_000 },
    options: { tasks: { t: numeric } },
  });
  expect(await scene.get("t", id)).toMatchObject({
    state: "scheduled",
    counts: { invalidInRow: 1 },
  });
  expect(ofEvent(member.told, "job:retrying")).toMatchObject([{ cause: "invalid" }]);
  for (let attempt = 2; attempt <= 10; attempt += 1) {
    await scene.clock.advance(1_000);
    await member.work();
    await member.engine.pump.step();
  }
  expect(await scene.get("t", id)).toMatchObject({ state: "dead", reason: "invalid" });
  expect((await scene.get("t", id))?.error).toContain("no text");
  expect(ran).toEqual([]);
});

test("results are kept with completed jobs; one that cannot be kept is told", async () => {
  const options = { retention: { completed: { count: 10 } } };
  const kept = await runOne(() => ({ sent: 3 }), { options });
  expect((await kept.scene.get("t", kept.id))?.result).toBe('{"sent":3}');
  const refused = await runOne(() => ({ size: 10n }), { options });
  expect(await refused.scene.get("t", refused.id)).toMatchObject({
    state: "completed",
    result: null,
  });
  expect(ofEvent(refused.member.told, "error")).toMatchObject([{ code: "DATA_NOT_SERIALIZABLE" }]);
});

test("what a handler logs carries the job's ids", async () => {
  const lines: unknown[] = [];
  const scene = createScene();
  const logger = {
    debug() {},
    warn() {},
    error() {},
    info: (...line: unknown[]) => lines.push(line),
  };
  const { scheduler } = scene.scheduler({ logger });
  scheduler.bind("t", (_data: unknown, { log }: HandlerContext) =>
    log("half way", { percent: 50 }),
  );
  await scheduler.start();
  const { id } = await scheduler.push("t");
  await scene.clock.advance(100);
  expect(lines).toContainEqual([{ percent: 50, taskId: "t", jobId: id, attempt: 1 }, "half way"]);
  await scheduler.stop();
});
