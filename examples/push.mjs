// Pushes a task by hand, waits for it, and stops.
import { createScheduler } from "schedule-mq";

const { REDIS_URL } = process.env;
const scheduler = createScheduler({
  ...(REDIS_URL ? { redisConfig: REDIS_URL } : {}),
  redisPrefix: "_push_example:",
});

const completed = new Promise((resolve) => scheduler.once("job:completed", resolve));
scheduler.bind("taskA", () => console.log("task"));
await scheduler.start();

const { id, state } = await scheduler.push("taskA");
console.log("pushed", id, state);

await completed;
console.log("completed:", (await scheduler.jobs.counts("taskA")).total.completed);
await scheduler.stop();
