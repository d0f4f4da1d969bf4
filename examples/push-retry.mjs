// A pushed task that fails once. It is issued again after retryTimeout; if the process dies
// meanwhile, by another one, or by the next start of this program.
import { createScheduler } from "schedule-mq";

const { REDIS_URL } = process.env;
const scheduler = createScheduler({
  ...(REDIS_URL ? { redisConfig: REDIS_URL } : {}),
  redisPrefix: "_push_retry_example:",
});

scheduler.on("job:failed", ({ attempt, error }) => console.log(`attempt ${attempt}: ${error}`));
scheduler.on("job:completed", ({ attempt }) => {
  console.log(`attempt ${attempt}: completed`);
  scheduler.stop();
});
scheduler.bind("taskA", (_data, { attempt }) => attempt > 1);
await scheduler.start();

await scheduler.push("taskA", { retry: true, retryTimeout: 1000 });
