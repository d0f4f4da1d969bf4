// A task every ten seconds. Start this program as often as you like, on as many machines as you
// like (with REDIS_URL): each occurrence runs once.
import { createScheduler } from "schedule-mq";

const { REDIS_URL } = process.env;
const scheduler = createScheduler({
  ...(REDIS_URL ? { redisConfig: REDIS_URL } : {}),
  redisPrefix: "_cron_example:", // separates applications; default "_schedule_mq:"
  pollInterval: 2000, // default 1000, generally needn't be changed
});

scheduler.bind("taskA", () => {
  console.log("task");
  return true;
});
scheduler.register("taskA", {
  cronExpr: "*/10 * * * * *",
});

await scheduler.run(); // until Ctrl-C
