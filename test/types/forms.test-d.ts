/** What must compile: the untyped form of the seed, task maps, validators. Checked by tsc alone. */
import { type } from "arktype";
import type { Redis } from "ioredis";
import * as v from "valibot";
import { z } from "zod";
import {
  createScheduler,
  type JobInfo,
  type PushManyResult,
  type PushResult,
  type Scheduler,
  type SchedulerOptions,
} from "../../src/index.js";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._proof: Same<A, B> extends true ? [] : [never]): void {}
async function sleep(): Promise<void> {}

/** The seed, word for word. */
export async function seed(): Promise<void> {
  const scheduler = createScheduler({
    redisConfig: {
      host: "127.0.0.1",
      port: 5379,
      password: "dummy", // optional
      db: 0, // optional
    },
    redisPrefix: "_my_prefix:", // defaults to "_schedule_mq:"
    pollInterval: 2000, // defaults to 1000, generally needn't be changed
  });

  scheduler.bind("taskA", () => {
    console.log("task");
    return true;
  });
  scheduler.register("taskA", {
    cronExpr: "*/10 * * * * *",
  });
  scheduler.register("taskA", {
    cronExpr: "* */10 * * * *",
    retry: true,
    retryTimeout: 10000,
  });

  await scheduler.start();
  await scheduler.push("taskA");
  await scheduler.push("taskA", { retry: true, retryTimeout: 5000 });
  scheduler.bind("taskB", (data) => {
    same<typeof data, unknown>();
    console.log("received ", data);
    return true;
  });
  await scheduler.push("taskB", { data: "im data", delay: 5000 });
  scheduler.bind("taskC", async (data: { to: string }) => data.to);
  scheduler.bind("taskD", new URL("./handler.js", import.meta.url), { concurrency: 2 });
  scheduler.bind("taskE", () => true, { spread: 4, concurrency: 20 });
  await scheduler.run();
  await scheduler.stop();
}

/** A task map by generic. */
export async function map(): Promise<void> {
  interface Tasks {
    report: undefined;
    email: { to: string; cc?: string[] };
    maybe: { n: number } | undefined;
    anything: unknown;
  }
  await using scheduler = createScheduler<Tasks>({ store: "memory", lease: "10s" });
  scheduler
    .bind("email", async ({ to, cc }, context) => {
      same<typeof to, string>();
      same<typeof cc, string[] | undefined>();
      same<typeof context.fence, number>();
      same<typeof context.scheduledFor, number | undefined>();
      const { progress, log, signal } = context;
      progress({ done: 1 });
      log("on its way", { to });
      await fetch("http://localhost", { signal });
    })
    .bind("report", (data) => void same<typeof data, undefined>(), {
      concurrency: 1,
      timeout: "30s",
    })
    .bind("anything", (data) => void same<typeof data, unknown>())
    .register("report", { cronExpr: "0 3 * * *", timezone: "Europe/Berlin", misfire: "once" })
    .register("maybe", { every: "PT10M", catchupWindow: "1h", retry: 3 })
    .register("email", { cronExpr: "@daily", data: { to: "ada@example.com" }, tz: "UTC" });

  await scheduler.start({ mustConnect: true });
  const pushed = await scheduler.push("email", {
    data: { to: "ada@example.com" },
    delay: "5m",
    retry: { attempts: 5, backoff: "exponential" },
    retryTimeout: "1.5s",
    priority: -1,
    timeout: 10_000,
    id: "welcome-ada",
  });
  same<typeof pushed, PushResult>();
  await scheduler.push("report");
  await scheduler.push("report", { runAt: new Date(2_000_000_000_000) });
  await scheduler.push("maybe");
  await scheduler.push("maybe", { data: { n: 1 } });
  const many = await scheduler.pushMany("email", [
    { data: { to: "b" } },
    { data: { to: "c" }, delay: 1 },
  ]);
  same<typeof many, PushManyResult[]>();
  for (const one of many) {
    if (one.error) console.log(one.error.code, one.error.fix);
    else console.log(one.id, one.created);
  }
  await scheduler.pushMany("report", [{}, { delay: "1d" }]);

  const job = await scheduler.jobs.get("email", pushed.id);
  same<typeof job, JobInfo<{ to: string; cc?: string[] }> | null>();
  const { jobs, cursor } = await scheduler.jobs.list("email", { state: "dead", limit: 10 });
  same<typeof cursor, string | null>();
  console.log(jobs[0]?.data.to, (await scheduler.jobs.counts("report")).total.failures);
  await scheduler.jobs.cancel("email", pushed.id);
  await scheduler.jobs.redrive("email", pushed.id);
  scheduler.on("job:dead", ({ reason, taskId }) => console.log(reason, taskId));
  scheduler.once("store:back", ({ emptied }) => console.log(emptied));
  scheduler.on("error", (error) => console.log(error.message));
}

/** Tasks inferred from three libraries' validators; input and output differ. */
export async function validators(): Promise<void> {
  const tasks = {
    email: z.object({ to: z.string(), at: z.string().transform((text) => new Date(text)) }),
    hook: v.object({ url: v.string(), tries: v.optional(v.number(), 3) }),
    image: type({ width: "number", "alt?": "string" }),
    plain: z.undefined(),
  };
  const scheduler = createScheduler({ tasks, store: "memory" });
  same<typeof scheduler, Scheduler<typeof tasks>>();
  scheduler.bind("email", ({ to, at }) => {
    same<typeof to, string>();
    same<typeof at, Date>();
  });
  scheduler.bind("hook", ({ tries }) => void same<typeof tries, number>());
  scheduler.bind("image", (data) => void same<typeof data, { width: number; alt?: string }>());
  scheduler.bind("plain", (data) => void same<typeof data, undefined>());
  await scheduler.push("email", { data: { to: "ada", at: "2026-01-01" } });
  await scheduler.push("hook", { data: { url: "http://localhost" } });
  await scheduler.push("image", { data: { width: 1 } });
  await scheduler.push("plain");
  const job = await scheduler.jobs.get("email", "x");
  // What is stored is the input.
  if (job) same<typeof job.data, { to: string; at: string }>();
}

/** A map by generic, with validators for what runs. */
export function mapWithValidators(): Scheduler<{ email: { to: string } }> {
  return createScheduler<{ email: { to: string } }>({
    tasks: { email: z.object({ to: z.string() }) },
  });
}

/** Every form of redisConfig, a typed helper, and durations of all kinds. */
export async function rest(client: Redis): Promise<void> {
  createScheduler();
  createScheduler({ redisConfig: "redis://localhost" });
  createScheduler({ redisConfig: client });
  createScheduler({ redisConfig: { sentinels: [{ host: "a" }], name: "mymaster", tls: true } });
  createScheduler({ redisConfig: { host: "h", password: process.env.REDIS_PASSWORD } });
  const options: SchedulerOptions = { logger: console, retention: { completed: { age: "1h" } } };
  const helper = async (scheduler: Scheduler): Promise<void> => {
    await scheduler.push("any task", { data: [1, 2] });
  };
  await helper(createScheduler(options));
  const scheduler = createScheduler<Record<"a" | "b", { n: number }>>({ logger: false });
  for (const id of ["a", "b"] as const) scheduler.bind(id, ({ n }) => n > 1);
  const durations = [
    500,
    "500ms",
    "5s",
    "1.5h",
    "7d",
    "2w",
    "PT5S",
    "PT1H30M",
    "P1D",
    "P1DT12H",
  ] as const;
  for (const delay of durations) await scheduler.push("a", { data: { n: 1 }, delay });
  await sleep();
}
