// A task with data, one second from now.
import { createScheduler } from "schedule-mq";

const { REDIS_URL } = process.env;
const scheduler = createScheduler({
  ...(REDIS_URL ? { redisConfig: REDIS_URL } : {}),
  redisPrefix: "_data_example:",
});

scheduler.bind("taskB", (data) => {
  console.log("received ", data);
  return true;
});
scheduler.on("job:completed", () => scheduler.stop());
await scheduler.start();

const { dueAt } = await scheduler.push("taskB", { data: "im data", delay: 1000 });
console.log("pushed, due at", new Date(Number(dueAt)).toLocaleTimeString());
