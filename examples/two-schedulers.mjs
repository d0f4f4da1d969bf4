// Two schedulers with the same registration, as on two machines: each occurrence runs once, by
// whichever of them is faster.
import { createScheduler } from "schedule-mq";

const { REDIS_URL } = process.env;
const options = {
  ...(REDIS_URL ? { redisConfig: REDIS_URL } : {}),
  redisPrefix: "_two_schedulers_example:",
};

const schedulers = ["first", "second"].map((name) => {
  const scheduler = createScheduler(options);
  scheduler.bind("taskA", (_data, { scheduledFor = 0 }) => {
    console.log(new Date(scheduledFor).toISOString(), "by the", name);
  });
  scheduler.register("taskA", { cronExpr: "*/2 * * * * *" });
  return scheduler;
});

await Promise.all(schedulers.map((scheduler) => scheduler.run())); // until Ctrl-C
