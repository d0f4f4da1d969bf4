/** What happens to a job while its validator, a promise, still decides. */
import { afterEach, expect, test } from "vitest";
import { createScheduler, type Scheduler } from "../../src/index.js";
import { until } from "../support/until.js";

const schedulers: Scheduler<{ t: unknown }>[] = [];
afterEach(async () => void (await Promise.all(schedulers.splice(0).map((one) => one.stop()))));

/** A job whose validator has been asked before its handler, and waits for `open`. */
async function deciding() {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let asked = 0;
  const validate = (value: unknown) => {
    asked += 1;
    // The first time is the push.
    return asked === 1 ? { value } : gate.then(() => ({ value }));
  };
  const t = { "~standard": { version: 1, vendor: "test", validate } } as const;
  const ran: unknown[] = [];
  const scheduler = createScheduler({ store: "memory", logger: false, tasks: { t } });
  schedulers.push(scheduler);
  scheduler.bind("t", (data) => void ran.push(data));
  await scheduler.start();
  const { id } = await scheduler.push("t", { data: 1, retry: true });
  await until("the validator to be asked", () => asked === 2);
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
