// A handler that computes, in a thread of its own: the program goes on meanwhile. The file that is
// given to bind() is this one; mostly it is another one, beside it.
import { isMainThread } from "node:worker_threads";
import { createScheduler } from "schedule-mq";

/** @type {import("schedule-mq").Handler<{ below: number }>} */
export default (data, { log }) => {
  const { below } = data;
  let count = 0;
  for (let n = 2; n < below; n += 1) {
    let divisor = 2;
    while (divisor * divisor <= n && n % divisor !== 0) divisor += 1;
    if (divisor * divisor > n) count += 1;
  }
  log(`primes below ${below}: ${count}`);
};

if (isMainThread) {
  const { REDIS_URL } = process.env;
  const scheduler = createScheduler({
    ...(REDIS_URL ? { redisConfig: REDIS_URL } : {}),
    redisPrefix: "_own_thread_example:",
    logger: { ...console, info: (_fields, message) => console.log(message) },
  });
  scheduler.bind("primes", new URL(import.meta.url), { concurrency: 2, timeout: "1m" });

  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 10);
  scheduler.on("job:completed", () => {
    console.log("the event loop went on:", turns > 5);
    clearInterval(timer);
    scheduler.stop();
  });
  await scheduler.start();
  await scheduler.push("primes", { data: { below: 2_000_000 } });
}
