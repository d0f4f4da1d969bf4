// Two tasks: a report by the clock, and a mail five seconds after it was asked for. Kill this
// program within five seconds, start it again: the mail that it was asked for first comes, too.
import { createScheduler } from "schedule-mq";

const { REDIS_URL } = process.env;
const scheduler = createScheduler(REDIS_URL ? { redisConfig: REDIS_URL } : {});

scheduler.bind("report", () => console.log("report", new Date().toLocaleTimeString()));
scheduler.bind("email", async (/** @type {{ to: string }} */ { to }) => console.log("mail", to));

scheduler.register("report", { cronExpr: "*/2 * * * * *" });
const running = scheduler.run(); // until Ctrl-C

await scheduler.push("email", { data: { to: "ada@example.com" }, delay: "5s", retry: true });
await running;
console.log("stopped");
