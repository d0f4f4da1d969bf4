// A job that blocks the event loop: a thread is begun for it.
import { createScheduler } from "schedule-mq";

const scheduler = createScheduler({ logger: false });
const ran = new Promise((resolve) => {
  scheduler.bind("compute", () => resolve());
});
await scheduler.start();
await scheduler.push("compute");
await ran;
await scheduler.stop();
