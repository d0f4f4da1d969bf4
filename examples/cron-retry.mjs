// A task by the clock that fails now and then: it is issued again, retryTimeout after the failure,
// until it succeeds.
import { createScheduler } from "schedule-mq";

const { REDIS_URL } = process.env;
const scheduler = createScheduler({
  ...(REDIS_URL ? { redisConfig: REDIS_URL } : {}),
  redisPrefix: "_cron_retry_example:",
});

scheduler.bind("taskA", (_data, { attempt, scheduledFor = 0 }) => {
  const succeeds = attempt > 1;
  const second = new Date(scheduledFor).getSeconds();
  console.log(`second ${second}, attempt ${attempt}: ${succeeds ? "done" : "failed"}`);
  return succeeds; // false and a throw fail the attempt
});
scheduler.register("taskA", {
  cronExpr: "*/2 * * * * *",
  retry: true,
  retryTimeout: 1000,
});

await scheduler.run(); // until Ctrl-C
