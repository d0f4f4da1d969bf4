/** Awaits nothing and listens to nothing, as a first attempt does; the store may be away. */
import { createScheduler } from "schedule-mq";
import { onWord, orders, tell } from "./parent.mjs";

/** @type {{ scheduler: import("schedule-mq").SchedulerOptions }} */
const { scheduler: options } = orders();
process.on("unhandledRejection", (reason) => tell("unhandled", { reason: String(reason) }));

const scheduler = createScheduler(options);
scheduler.bind("task", () => tell("ran"));
scheduler.register("task", { cronExpr: "0 0 1 1 *" });
void scheduler.start();
void scheduler.push("task");
void scheduler.jobs.get("task", "some id");
onWord((word) => {
  if (word === "stop") void scheduler.stop();
  if (word === "stop twice and start") {
    void scheduler.stop();
    void scheduler.stop();
    void scheduler.start();
  }
  if (word === "are you there?") tell("yes");
});
tell("going");
