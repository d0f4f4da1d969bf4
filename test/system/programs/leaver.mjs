/** Writes so much that the journal's thread is at work, stops, and leaves at once. */
import { createScheduler } from "schedule-mq";

const scheduler = createScheduler({ store: { path: process.argv[2] ?? "" }, logger: false });
const items = Array.from({ length: 1_000 }, () => ({ data: "x".repeat(4_000) }));
for (let k = 0; k < 3; k += 1) await scheduler.pushMany("task", items);
await scheduler.stop();
process.exit(0);
