/**
 * One worker of the demo: an ordinary program that uses schedule-mq, as yours would.
 * Only `say` is special: it tells the demo what happened, which prints and checks it.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createScheduler } from "schedule-mq";

/** Where the jobs are: { store: { path } } or { redisConfig: { host, port } }. */
const where = JSON.parse(process.argv[2] ?? "{}");

const scheduler = createScheduler({ ...where, lease: "2s", logger: false });

// Cron: every worker registers it, and each second fires once among all of them.
scheduler.register("tick", { cronExpr: "* * * * * *" });
scheduler.bind("tick", (_data, { jobId, attempt, scheduledFor = 0 }) => {
  const due = new Date(scheduledFor).toTimeString().slice(0, 8);
  say(`tick of ${due}`, { task: "tick", jobId, attempt, scheduledFor });
});

scheduler.bind("remind", (data, { jobId, attempt }) => {
  const { text } = /** @type {{ text: string }} */ (data);
  say(`reminder: "${text}"`, { task: "remind", jobId, attempt });
});

// Fails once: with `retry` the job is issued again.
scheduler.bind("mail", (_data, { jobId, attempt }) => {
  const fails = attempt === 1;
  say(`mail, attempt ${attempt}: ${fails ? "the mail server is busy" : "sent"}`, {
    task: "mail",
    jobId,
    attempt,
    done: !fails,
  });
  return !fails;
});

// Takes a while: long enough to kill the process in the middle of it. On a Cluster its jobs are
// over four of the shards, so that several primaries have them; elsewhere that means nothing.
scheduler.bind(
  "report",
  async (_data, { jobId, attempt, signal }) => {
    const facts = /** @type {const} */ ({ task: "report", jobId, attempt });
    for (let step = 1; step <= 4; step += 1) {
      signal.throwIfAborted();
      say(`report, attempt ${attempt}: step ${step} of 4`, { ...facts, step });
      await pause(600);
    }
    say(`report, attempt ${attempt}: done`, { ...facts, done: true });
  },
  { spread: 4 },
);

/**
 * @param {string} text
 * @param {Partial<import("./cast.mjs").Said>} [facts]
 */
function say(text, facts) {
  process.send?.({ text, at: Date.now(), ...facts });
}

// A worker whose demo is gone has nothing left to do.
process.on("disconnect", () => process.exit());
process.channel?.unref();

await scheduler.start();
say("ready", { task: "ready" });
// Until SIGTERM or SIGINT; then running handlers may end, and the process exits by itself.
await scheduler.run();
