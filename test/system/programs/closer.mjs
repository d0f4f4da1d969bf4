/**
 * Runs jobs on a file, stops, and says which descriptors of its folder are open before, right
 * after, and once garbage was collected. Arguments: the file, and what is to be at work meanwhile.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createScheduler } from "schedule-mq";

const [path = "", kind] = process.argv.slice(2);

function open() {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const name = readlinkSync(`/proc/self/fd/${fd}`);
      return name.startsWith(dirname(path)) ? [name] : [];
    } catch {
      return []; // the one that reads the folder
    }
  });
}

const MOST_MS = 10_000;

const lease = kind === "deputy" ? 1_000 : 10_000;
const scheduler = createScheduler({ store: { path }, lease, logger: false });
let ran = 0;
scheduler.bind("task", () => {
  ran += 1;
  // Until another thread has opened the file to renew.
  const isWaiting = () => open().filter((name) => name === path).length < 2;
  const until = Date.now() + MOST_MS;
  if (kind === "deputy" && ran === 1) while (isWaiting() && Date.now() < until);
});
await scheduler.start();
const count = kind === "journal" ? 3_000 : 3;
const data = "x".repeat(kind === "journal" ? 4_000 : 10);
await scheduler.pushMany(
  "task",
  Array.from({ length: count }, () => ({ data, retry: true })),
);
while (ran < count) await pause(5);
const before = open();
await scheduler.stop();
const after = open();
const until = Date.now() + MOST_MS;
do {
  globalThis.gc?.();
  await pause(5);
} while (open().length > 0 && Date.now() < until);
console.log(JSON.stringify({ before, after, collected: open() }));
