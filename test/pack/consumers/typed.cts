// A strict TypeScript user in CommonJS, without a task map.
import mq = require("schedule-mq");
import testing = require("schedule-mq/testing");

const scheduler = mq.createScheduler({
  redisConfig: { host: "127.0.0.1", port: 6379, password: "dummy", db: 0 },
  redisPrefix: "_my_prefix:",
});
scheduler.bind("taskB", (data) => {
  console.log("received ", data);
  return true;
});
scheduler.push("taskB", { data: "im data", delay: 5000 });

export = { scheduler, testing };
