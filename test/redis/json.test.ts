/** Claims about what JSON costs a job: its data are made a text once, and read once an attempt. */
import { afterEach, expect, test, vi } from "vitest";
import { createScheduler, type PushOptions, type SchedulerOptions } from "../../src/index.js";
import { serverForThisFile } from "../support/redis-world.js";
import { until } from "../support/until.js";

const server = serverForThisFile({});
const JOBS = 40;
const MARK = "only in data";

afterEach(() => {
  vi.restoreAllMocks();
});

const STORES: Record<string, () => SchedulerOptions> = {
  redis: () => ({ redisConfig: { host: server().host, port: server().port } }),
  memory: () => ({ store: "memory" }),
};

const PUSHES: Record<string, PushOptions> = {
  plain: {},
  "handed over or retried": { retry: true, retryTimeout: 1 },
  delayed: { delay: 5 },
  "with a priority": { priority: 2 },
};

/** How often data were made a text, and texts with data in them were read. */
function watched(): { made: number; read: number } {
  const seen = { made: 0, read: 0 };
  const { stringify, parse } = JSON;
  vi.spyOn(JSON, "stringify").mockImplementation((value, ...rest) => {
    const text = Reflect.apply(stringify, JSON, [value, ...rest]) as string;
    if (text?.includes(MARK)) seen.made += 1;
    return text;
  });
  vi.spyOn(JSON, "parse").mockImplementation((text, ...rest) => {
    if (text.includes(MARK)) seen.read += 1;
    return Reflect.apply(parse, JSON, [text, ...rest]);
  });
  return seen;
}

const CASES = Object.keys(STORES).flatMap((store) =>
  Object.keys(PUSHES).map((kind) => [store, kind] as const),
);

test.each(CASES)("%s, %s: data are made a text once, and read once", async (store, kind) => {
  const common = { logger: false as const, redisPrefix: `${store} ${kind}:`.replaceAll(" ", "-") };
  const scheduler = createScheduler({ ...STORES[store]?.(), ...common });
  let runs = 0;
  scheduler.bind("task", () => {
    runs += 1;
  });
  await scheduler.start();
  const seen = watched();
  const push = (n: number) => scheduler.push("task", { ...PUSHES[kind], data: { MARK, n } });
  try {
    await Promise.all(Array.from({ length: JOBS / 2 }, (_, n) => push(n)));
    const items = Array.from({ length: JOBS / 2 }, (_, n) => ({
      ...PUSHES[kind],
      data: { MARK, n },
    }));
    await scheduler.pushMany("task", items);
    await until("all to run", () => runs === JOBS, 10_000);
  } finally {
    await scheduler.stop();
  }
  expect(seen).toEqual({ made: JOBS, read: JOBS });
});
