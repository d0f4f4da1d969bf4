// Bundled into one file, with the library in it: what can be known at once is said at once.
import { createScheduler } from "schedule-mq";

const scheduler = createScheduler({ store: "memory", logger: false });
const ran = new Promise((resolve) => {
  scheduler.bind("here", () => resolve("ran"));
});
let refused = null;
try {
  scheduler.bind("there", new URL(import.meta.url));
} catch ({ code, fix }) {
  refused = { code, fix };
}
await scheduler.start();
await scheduler.push("here");
const here = await ran;
await scheduler.stop();
console.log(JSON.stringify({ here, refused }));
