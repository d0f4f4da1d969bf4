// A strict TypeScript user in ESM: what is right compiles, what is wrong does not.
import { createScheduler, type PushResult, type Scheduler, SchedulerError } from "schedule-mq";

interface Tasks {
  report: undefined;
  email: { to: string };
}

const scheduler = createScheduler<Tasks>({ store: "memory", lease: "10s", pollInterval: 1000 });
const same: Scheduler<Tasks> = scheduler;

scheduler.bind(
  "email",
  async (data, { signal, attempt, fence }) => {
    const to: string = data.to;
    return signal.aborted || to.length + attempt + fence > 0;
  },
  { concurrency: 10, timeout: "30s" },
);
scheduler.register("report", { cronExpr: "0 3 * * *", timezone: "Europe/Berlin", retry: true });

export async function use(): Promise<PushResult> {
  await same.start();
  await scheduler.push("report");
  // @ts-expect-error no such task
  await scheduler.push("emial", { data: { to: "a" } });
  // @ts-expect-error the task needs data
  await scheduler.push("email");
  // @ts-expect-error data of another form
  await scheduler.push("email", { data: { from: "a" } });
  // @ts-expect-error no such option
  scheduler.register("report", { cron: "* * * * *" });
  // @ts-expect-error no duration
  await scheduler.push("email", { data: { to: "a" }, delay: "soon" });
  return scheduler.push("email", { data: { to: "a" }, delay: "5m", retry: { attempts: 5 } });
}

export const isOurs = (error: unknown): error is SchedulerError => error instanceof SchedulerError;
