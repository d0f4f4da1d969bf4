/** What must not compile: each line below a `@ts-expect-error`. Checked by tsc alone. */
import { z } from "zod";
import { createScheduler, type Scheduler } from "../../src/index.js";

interface Tasks {
  report: undefined;
  email: { to: string };
}

export async function tasksAndData(scheduler: Scheduler<Tasks>): Promise<void> {
  // @ts-expect-error no such task
  await scheduler.push("emial", { data: { to: "a" } });
  // @ts-expect-error no such task
  scheduler.bind("reprot", () => true);
  // @ts-expect-error no such task
  scheduler.register("reprot", { every: "5s" });
  // @ts-expect-error no such task
  await scheduler.jobs.get("emial", "x");
  // @ts-expect-error the data are missing
  await scheduler.push("email");
  // @ts-expect-error the data are missing
  await scheduler.push("email", { delay: 5 });
  // @ts-expect-error the data are missing
  scheduler.register("email", { every: "5s" });
  // @ts-expect-error the data are missing
  await scheduler.pushMany("email", [{}]);
  // @ts-expect-error data of another type
  await scheduler.push("email", { data: { to: 5 } });
  // @ts-expect-error a misspelt field of the data
  await scheduler.push("email", { data: { too: "a" } });
  // @ts-expect-error data for a task without any
  await scheduler.push("report", { data: { to: "a" } });
  // @ts-expect-error the handler wants more than it gets
  scheduler.bind("email", (data: { to: string; cc: string }) => data.cc);
  // @ts-expect-error there is no such field
  scheduler.bind("email", (data) => data.subject);
}

export async function options(scheduler: Scheduler<Tasks>): Promise<void> {
  // @ts-expect-error a misspelt option
  await scheduler.push("report", { dealy: 5 });
  // @ts-expect-error a misspelt option inside retry
  await scheduler.push("report", { retry: { atempts: 5 } });
  // @ts-expect-error no such backoff
  await scheduler.push("report", { retry: { backoff: "linear" } });
  // @ts-expect-error an id is a string
  await scheduler.push("report", { id: 5 });
  // @ts-expect-error an instant is a Date or epoch ms
  await scheduler.push("report", { runAt: "2030-01-01" });
  // @ts-expect-error retry belongs to push and register
  scheduler.bind("report", () => true, { retry: true });
  // @ts-expect-error neither cronExpr nor every
  scheduler.register("report", { timezone: "UTC" });
  // @ts-expect-error both cronExpr and every
  scheduler.register("report", { cronExpr: "* * * * *", every: "5s" });
  // @ts-expect-error no such policy
  scheduler.register("report", { every: "5s", misfire: "always" });
  // @ts-expect-error no such state
  await scheduler.jobs.list("report", { state: "failed" });
  // @ts-expect-error no such event
  scheduler.on("job:complete", () => {});
  // @ts-expect-error no such field of the event
  scheduler.on("job:dead", ({ why }) => why);
  // @ts-expect-error the state is the scheduler's own
  scheduler.state = "idle";
}

export async function durations(scheduler: Scheduler<Tasks>): Promise<void> {
  // @ts-expect-error not a duration
  await scheduler.push("report", { delay: "soon" });
  // @ts-expect-error no unit
  await scheduler.push("report", { delay: "5000" });
  // @ts-expect-error no such unit
  await scheduler.push("report", { delay: "5 minutes" });
  // @ts-expect-error months differ in length
  await scheduler.push("report", { delay: "P1M" });
  // @ts-expect-error not a duration
  scheduler.bind("report", () => true, { timeout: true });
  // @ts-expect-error a number of shards
  scheduler.bind("report", () => true, { spread: true });
}

export async function creation(): Promise<void> {
  // @ts-expect-error a misspelt option
  createScheduler({ redisConfg: "redis://h" });
  // @ts-expect-error present, but undefined
  createScheduler({ redisConfig: undefined });
  // @ts-expect-error a misspelt option of Redis
  createScheduler({ redisConfig: { hots: "h" } });
  // @ts-expect-error a port is a number
  createScheduler({ redisConfig: { host: "h", port: "6379" } });
  // @ts-expect-error no such store
  createScheduler({ store: "disk" });
  // @ts-expect-error a logger has four methods
  createScheduler({ logger: { info() {} } });
  // @ts-expect-error not a validator
  createScheduler({ tasks: { email: { to: "string" } } });
  const scheduler = createScheduler({ tasks: { email: z.object({ n: z.coerce.string() }) } });
  // @ts-expect-error no such task
  await scheduler.push("mail", { data: { n: 1 } });
  // @ts-expect-error the data are missing
  await scheduler.push("email");
  // @ts-expect-error a validator of another type than the map says
  createScheduler<Tasks>({ tasks: { email: z.object({ to: z.number() }), report: z.undefined() } });
}
