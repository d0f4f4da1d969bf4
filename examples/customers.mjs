// One schedule per customer, made at run time: they outlive this program, and any process that has
// bound the task fires them.
import { createScheduler } from "schedule-mq";

const { REDIS_URL } = process.env;
const scheduler = createScheduler({
  ...(REDIS_URL ? { redisConfig: REDIS_URL } : {}),
  redisPrefix: "_customers_example:",
});

scheduler.bind("invoice", (customer) => console.log("invoice for", customer));
await scheduler.start();

const { schedules } = scheduler;
for (const customer of ["ada", "bob"]) {
  await schedules.upsert("invoice", {
    scheduleId: `invoice-${customer}`,
    cronExpr: "0 8 1 * *",
    timezone: "Europe/Berlin",
    overlap: "skip",
    data: customer,
  });
}
for (const { local, clockChange } of await schedules.preview("invoice-ada", { count: 3 })) {
  console.log("due", local, clockChange ?? "");
}

await schedules.pause("invoice-bob", { reason: "has not paid" });
console.log(await schedules.explain("invoice-bob"));

const completed = new Promise((resolve) => scheduler.once("job:completed", resolve));
await schedules.trigger("invoice-ada"); // now, beside the rule
await completed;

for (const { scheduleId } of (await schedules.list({ taskId: "invoice" })).schedules) {
  await schedules.remove(scheduleId);
}
await scheduler.stop();
