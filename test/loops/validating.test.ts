/** What happens to a job while its validator, a promise, still decides. */
import { afterEach, expect, test } from "vitest";
import { createScheduler, type Scheduler } from "../../src/index.js";
import { until } from "../support/until.js";
import { createGate, createScene, listen, ofEvent, unreachable } from "./scene.js";

const schedulers: Scheduler<{ t: unknown }>[] = [];
afterEach(async () => void (await Promise.all(schedulers.splice(0).map((one) => one.stop()))));

/** A validator that answers from the `from`-th time on only once its gate is open. */
function slowValidator(from: number) {
  const gate = createGate();
  let asked = 0;
  const validate = (value: unknown) => {
    asked += 1;
    return asked < from ? { value } : gate.passed.then(() => ({ value }));
  };
  const t = { "~standard": { version: 1, vendor: "test", validate } } as const;
  return { t, open: gate.open, asked: () => asked };
}

/** A job whose validator has been asked before its handler, and waits for `open`. */
async function deciding() {
  // The first time is the push.
  const { t, open, asked } = slowValidator(2);
  const ran: unknown[] = [];
  const scheduler = createScheduler({ store: "memory", logger: false, tasks: { t } });
  schedulers.push(scheduler);
  scheduler.bind("t", (data) => void ran.push(data));
  await scheduler.start();
  const { id } = await scheduler.push("t", { data: 1, retry: true });
  await until("the validator to be asked", () => asked() === 2);
  return { scheduler, id, ran, open };
}

test("it does not begin once its scheduler was told to stop", async () => {
  const { scheduler, ran, open } = await deciding();
  const stopped = scheduler.stop();
  open();
  await stopped;
  await new Promise((resolve) => setImmediate(resolve));
  expect(ran).toEqual([]);
});

test("it does not begin once it was cancelled, and is cancelled", async () => {
  const { scheduler, id, ran, open } = await deciding();
  const told = listen(scheduler);
  expect(await scheduler.jobs.cancel("t", id)).toMatchObject({ state: "cancelling" });
  open();
  await until("its end to be told", () => ofEvent(told, "job:cancelled")[0]);
  expect(await scheduler.jobs.get("t", id)).toMatchObject({ state: "cancelled", attempt: 1 });
  expect(ran).toEqual([]);
  expect(ofEvent(told, "job:failed")).toEqual([]);
});

test("it does not begin once its lease is known to be lost: another one has it", async () => {
  const scene = createScene();
  const { t, open, asked } = slowValidator(1);
  const first = scene.scheduler({ tasks: { t } });
  const second = scene.scheduler();
  const [told, ran] = [listen(first.scheduler), [] as string[]];
  first.scheduler.bind("t", () => void ran.push("first"));
  second.scheduler.bind("t", () => void ran.push("second"));
  await first.scheduler.start();
  await scene.push("t", { data: 1, retry: true });
  await scene.clock.advance(1_000);
  expect(asked()).toBe(1);
  first.before = () => {
    throw unreachable();
  };
  await second.scheduler.start();
  await scene.clock.advance(60_000);
  expect(ran).toEqual(["second"]);
  first.before = () => {};
  await scene.clock.advance(10_000);
  expect(ofEvent(told, "lease:lost")).toHaveLength(1);
  open();
  await scene.clock.advance(1_000);
  expect(ran).toEqual(["second"]);
  expect((await scene.counts("t")).total).toMatchObject({ completed: 1, dead: 0, crashes: 1 });
  await Promise.all([first.scheduler.stop(), second.scheduler.stop()]);
});

test("one that throws what throws when it is looked at refuses its item alone", async () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const validate = (value: unknown) => {
    if (value === 1) throw proxy;
    return value === 2 ? Promise.reject(proxy) : { value };
  };
  const t = { "~standard": { version: 1, vendor: "test", validate } } as const;
  const scheduler = createScheduler({
    ...{ store: "memory", logger: false, tasks: { t }, maxPending: 4 },
  });
  schedulers.push(scheduler);
  const refused = { error: { code: "STORE_REFUSED" } };
  // As often as it takes to see whether their room is given back.
  for (let n = 0; n < 3; n += 1) {
    const items = [{ data: 0 }, { data: 1 }, { data: 2 }];
    const answers = await scheduler.pushMany("t", items);
    expect(answers).toMatchObject([{ created: true }, refused, refused]);
  }
  await expect(scheduler.push("t", { data: 1 })).rejects.toBe(proxy);
});
