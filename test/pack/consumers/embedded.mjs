// The first program of a new user: no server, no configuration.
import { createScheduler } from "schedule-mq";
import { loaded } from "./loaded.mjs";

const before = loaded();
const scheduler = createScheduler({ logger: false });
const ran = new Promise((resolve) => {
  scheduler.bind("greet", (data, { attempt, jobId }) => {
    resolve({ data, attempt, jobId });
    return true;
  });
});
await scheduler.start();
const { id } = await scheduler.push("greet", { data: { name: "Ada" } });
const run = await ran;
await scheduler.stop();
console.log(JSON.stringify({ id, run, before, after: loaded() }));
